import session = require('holdfast/express-session')
export = session
