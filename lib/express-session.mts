import session from './express-session.js'

export default session
export type * from './express-session/session-data.js'
export import Cookie = session.Cookie
export import MemoryStore = session.MemoryStore
export import Session = session.Session
export import Store = session.Store
export type SessionOptions = session.SessionOptions
export type HoldfastOptions = session.HoldfastOptions
