import './express-request'
import errors = require('./errors')
import middleware = require('./middleware')
import cookies = require('./stores/cookie-store')
import memory = require('./stores/memory/memory-store')
import transports = require('./cookie/transport')
import type { CookieOptions as Cookie } from './cookie/attributes'
import type { SessionEvents as Events } from './events'
import type { Merge as MergeRule } from './repository/merge'
import type { SessionCookie as TheCookie } from './cookie/session-cookie'
import type { LoadMode as Mode, Secret as AnySecret, SessionOptions as Options } from './options'
import type { Codec as TextCodec } from './repository/codec'
import type { ExpressStore as OldStore } from './repository/express-store'
import type {
  AppSession as App,
  Callback as Call,
  LazySession as Lazy,
  RegenerateOptions as Regenerate,
  Session as BaseSession,
  SessionHandle as Handle,
  UserName as User
} from './session/session'
import type { SessionData as BaseSessionData, Stored as StoredData } from './session-data'
import type { StandardSchema as Schema } from './standard-schema'
import type { SessionRequest as Incoming } from './request'
import type { CookieRequest as CookieRequestOnly } from './manager/detached-sessions'
import type {
  CreatedSession as Created,
  SessionResponse as Response,
  Sessions as BaseSessions
} from './manager/sessions'
import type {
  DestroyResult as Destroyed,
  Ended as EndedText,
  EndMark as Mark,
  IndexEntry as Entry,
  Noted as NotedEntry,
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
 * @typeParam Data - the keys of a session, for `sessions.of(req)` and its like: those of the option `schema`, or of
 *   `SessionData`, which `req.session` always has
 * @throws SessionError `ERR_SESSION_OPTIONS`, naming the option and the remedy
 */
function session<Data extends object = session.SessionData>(
  options: session.SessionOptions<Data>
): session.Sessions<Data> {
  return middleware.createMiddleware(options) as session.Sessions<Data>
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
  export type Sessions<Data extends object = SessionData> = BaseSessions<Data>
  export type CookieRequest = CookieRequestOnly
  export type DestroyResult = Destroyed
  export type Ended = EndedText
  export type EndMark = Mark
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- it is there to be augmented
  export interface SessionData extends BaseSessionData {}
  export type Session = BaseSession
  export type AppSession<Data extends object = SessionData> = App<Data>
  export type LazySession<Data extends object = SessionData> = Lazy<Data>
  export type CreatedSession<Data extends object = SessionData> = Created<Data>
  export type SessionHandle = Handle
  export type UserName = User
  export type SessionCookie = TheCookie
  export type Callback<T = void> = Call<T>
  export type Codec = TextCodec
  export type Secret = AnySecret
  export type StandardSchema<Output = unknown> = Schema<Output>
  export type ExpressStore = OldStore
  export type SessionResponse = Response
  export type CookieStoreOptions = cookies.CookieStoreOptions
  export type MemoryStoreOptions = memory.MemoryStoreOptions
  export type Carried = transports.Carried
  export type Stored<Data extends object> = StoredData<Data>
  export type SessionOptions<Data extends object = SessionData> = Options<Data>
  export type SessionInfo<Data extends object = SessionData> = Info<Data>
  export type SessionChoice = Choice
  export type SessionIndex = Index
  export type IndexEntry = Entry
  export type Noted = NotedEntry
  export type SessionRequest = Incoming
  export type CookieOptions = Cookie
  export type LoadMode = Mode
  export type Merge = MergeRule
  export type RegenerateOptions<S = Record<string, unknown>, Set = Partial<S>> = Regenerate<S, Set>
  export type SessionEvents = Events
  export type Store = TextStore
  export type Transport = transports.Transport
  export type SetResult = Result
}

session.default = session
session.session = session

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- where Express looks for additions to its request
  namespace Express {
    interface SessionEntries {
      holdfast: {
        session: session.AppSession
        assigned: session.Stored<session.SessionData> | null
        sessionStore: session.Store
      }
    }
  }
}

export = session
