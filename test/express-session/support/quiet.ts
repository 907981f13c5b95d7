// express-session tells of old options on stderr, and looks at this when it is loaded.
process.env.NO_DEPRECATION = 'express-session'
