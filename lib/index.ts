import './express-request'
import self = require('./index')
import errors = require('./errors')
import middleware = require('./middleware')
import cookies = require('./stores/cookie-store')
import memory = require('./stores/memory/memory-store')
import transports = require('./cookie/transport')
import type { CookieOptions } from './cookie/attributes'
import type { SessionCookie } from './cookie/session-cookie'
import type { Carried, ResponseHeaders, Transport } from './cookie/transport'
import type { SessionErrorCode } from './errors'
import type { SessionEvents } from './events'
import type { CookieRequest } from './manager/detached-sessions'
import type { CreatedSession, Middleware, SessionResponse, Sessions } from './manager/sessions'
import type { SessionChoice, SessionInfo } from './manager/user-sessions'
import type { LoadMode, Secret, SessionOptions } from './options'
import type { Codec } from './repository/codec'
import type { ExpressStore } from './repository/express-store'
import type { Merge } from './repository/merge'
import type { SessionRequest } from './request'
import type { Given, Known, SessionData as BaseSessionData, Stored } from './session-data'
import type {
  AnySession,
  AppSession,
  Callback,
  HandleText,
  LazySession,
  Present,
  RegenerateOptions,
  Session,
  SessionHandle,
  SessionId,
  Unreserved,
  UserName
} from './session/session'
import type { StandardSchema } from './standard-schema'
import type { CookieStoreOptions } from './stores/cookie-store'
import type { MemoryStoreOptions } from './stores/memory/memory-store'
import type {
  DestroyResult,
  Ended,
  EndMark,
  IndexEntry,
  Noted,
  SessionIndex,
  SetResult,
  Store
} from './stores/store'

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
function session<Data extends Unreserved = session.SessionData>(options: SessionOptions<Data>): Sessions<Data>
function session(options: SessionOptions): unknown {
  return middleware.createMiddleware(options)
}

// oxlint-disable-next-line typescript/no-namespace -- what makes `require('holdfast')` a typed function
namespace session {
  export import CookieStore = cookies.CookieStore
  export import MemoryStore = memory.MemoryStore
  export import SessionError = errors.SessionError
  export import headerTransport = transports.headerTransport
  export import loadSession = middleware.loadSession
  /** `SessionData` for the compiler, with the keys that files in CommonJS have declared. */
  // oxlint-disable-next-line typescript/no-empty-object-type -- it is there to be augmented
  export interface SessionData extends BaseSessionData {}
}

// The types themselves and not aliases of them: the compiler can name only what an entry exports when it writes the
// declarations of an application.
// oxlint-disable-next-line typescript/no-namespace -- see above
declare namespace session {
  // Not variables: the compiler could then not name the types of this namespace by what an application imports.
  export { self as default, self as session }
  export type {
    AnySession,
    AppSession,
    Callback,
    Carried,
    Codec,
    CookieOptions,
    CookieRequest,
    CookieStoreOptions,
    CreatedSession,
    DestroyResult,
    Ended,
    EndMark,
    ExpressStore,
    Given,
    HandleText,
    IndexEntry,
    Known,
    LazySession,
    LoadMode,
    MemoryStoreOptions,
    Merge,
    Middleware,
    Noted,
    Present,
    RegenerateOptions,
    ResponseHeaders,
    Secret,
    Session,
    SessionChoice,
    SessionCookie,
    SessionErrorCode,
    SessionEvents,
    SessionHandle,
    SessionId,
    SessionIndex,
    SessionInfo,
    SessionOptions,
    SessionRequest,
    SessionResponse,
    Sessions,
    SetResult,
    StandardSchema,
    Store,
    Stored,
    Transport,
    Unreserved,
    UserName
  }
}

Object.assign(session, { default: session, session })

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- where Express looks for additions to its request
  namespace Express {
    interface SessionEntries {
      holdfast: {
        data: session.SessionData
        session: AppSession
        id: SessionId
        assigned: (object & Stored<session.SessionData>) | null
        sessionStore: Store
      }
    }
  }
}

export = session
