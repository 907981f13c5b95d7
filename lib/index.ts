import './express-request'
import errors = require('./errors')
import middleware = require('./middleware')
import cookies = require('./stores/cookie-store')
import memory = require('./stores/memory/memory-store')
import transports = require('./cookie/transport')
import type { CookieOptions as Cookie } from './cookie/attributes'
import type { SessionEvents as Events } from './events'
import type { Merge as MergeRule } from './repository/merge'
import type { LoadMode as Mode, SessionOptions as Options } from './options'
import type { RegenerateOptions as Regenerate, Session as BaseSession } from './session/session'
import type { SessionData as BaseSessionData } from './session-data'
import type { SessionRequest as Incoming } from './request'
import type { CookieRequest as CookieRequestOnly } from './manager/detached-sessions'
import type { Sessions as BaseSessions } from './manager/sessions'
import type {
  Ended as EndedText,
  IndexEntry as Entry,
  SessionIndex as Index,
  SetResult as Result,
  Store as TextStore
} from './stores/store'
import type { SessionChoice as Choice, SessionInfo as Info } from './manager/user-sessions'

/**
 * Makes the middleware that gives each request its `req.session`.
 *
 * ```ts
 * app.use(session({ secret: process.env.SECRET! }))
 * app.get('/count', async (req, res) => {
 *   const n = await req.session.update((s) => (s.count = (s.count ?? 0) + 1))
 *   res.send(`${n}`)
 * })
 * ```
 *
 * @throws SessionError `ERR_SESSION_OPTIONS`, naming the option and the remedy
 */
function session(options: session.SessionOptions): session.Sessions {
  return middleware.createMiddleware(options)
}

// eslint-disable-next-line @typescript-eslint/no-namespace -- what makes `require('holdfast')` a typed function
namespace session {
  export import CookieStore = cookies.CookieStore
  export import MemoryStore = memory.MemoryStore
  export import SessionError = errors.SessionError
  export import headerTransport = transports.headerTransport
  export import loadSession = middleware.loadSession
  export type SessionErrorCode = errors.SessionErrorCode
  export type Middleware = middleware.Middleware
  export type Sessions = BaseSessions<Session & Partial<SessionData>>
  export type CookieRequest = CookieRequestOnly
  export type Ended = EndedText
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- it is there to be augmented
  export interface SessionData extends BaseSessionData {}
  export type Session = BaseSession
  export type SessionOptions = Options<Session & Partial<SessionData>>
  export type SessionInfo = Info<Session & Partial<SessionData>>
  export type SessionChoice = Choice
  export type SessionIndex = Index
  export type IndexEntry = Entry
  export type SessionRequest = Incoming
  export type CookieOptions = Cookie
  export type LoadMode = Mode
  export type Merge = MergeRule
  export type RegenerateOptions = Regenerate
  export type SessionEvents = Events
  export type Store = TextStore
  export type Transport = transports.Transport
  export type SetResult = Result
}

session.default = session

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- where Express looks for additions to its request
  namespace Express {
    interface SessionEntries {
      holdfast: {
        session: session.Session & Partial<session.SessionData>
        assigned: Partial<session.SessionData> | null
        sessionStore: session.Store
      }
    }
  }
}

export = session
