'use strict'

const session = require('holdfast/express-session')

// One by one, so that `import { Store }` finds them.
exports = module.exports = session
exports.Store = session.Store
exports.Cookie = session.Cookie
exports.Session = session.Session
exports.MemoryStore = session.MemoryStore
