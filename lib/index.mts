export { default, default as session } from './index.js'
export type * from './session-data.js'
// An application's declarations name it where `session()` has no type of its own.
export type { SessionData as DeclaredData } from './index.js'
export type { SessionCookie } from './cookie/session-cookie.js'
export type { CreatedSession, SessionResponse, Sessions } from './manager/sessions.js'
export type { Codec } from './repository/codec.js'
export type { ExpressStore } from './repository/express-store.js'
export type { StandardSchema } from './standard-schema.js'
export type { CookieStoreOptions } from './stores/cookie-store.js'
export type { MemoryStoreOptions } from './stores/memory/memory-store.js'
export { SessionError } from './errors.js'
export { loadSession } from './middleware.js'
export { headerTransport } from './cookie/transport.js'
export type { Carried, ResponseHeaders, Transport } from './cookie/transport.js'
export { CookieStore } from './stores/cookie-store.js'
export { MemoryStore } from './stores/memory/memory-store.js'
export type { CookieOptions } from './cookie/attributes.js'
export type { SessionErrorCode } from './errors.js'
export type { SessionEvents } from './events.js'
export type { Merge } from './repository/merge.js'
export type { Middleware } from './middleware.js'
export type { LoadMode, Secret, SessionOptions } from './options.js'
export type { SessionRequest } from './request.js'
export type { CookieRequest } from './manager/detached-sessions.js'
export type {
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
} from './session/session.js'
export type {
  DestroyResult,
  Ended,
  EndMark,
  IndexEntry,
  Noted,
  SessionIndex,
  SetResult,
  Store
} from './stores/store.js'
export type { SessionChoice, SessionInfo } from './manager/user-sessions.js'
