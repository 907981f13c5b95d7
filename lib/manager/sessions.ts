import type { ServerResponse } from 'node:http'
import type { DeclaredData } from '../express-request'
import type { HoldableResponse } from '../response/response'
import type { CookieRequest } from './detached-sessions'
import type { AnySession, AppSession, HandleText, LazySession, UserName } from '../session/session'
import type { Known, Stored } from '../session-data'
import type { SessionRequest } from '../request'
import type { SessionChoice, SessionInfo } from './user-sessions'

/** A response as Node makes it, or the little that WebSocket libraries pass for one. */
export type SessionResponse = HoldableResponse | ServerResponse

/**
 * A middleware for Express 4 and 5, Connect, and `node:http` with a function in the place of `next`. `next` is called
 * a second time, with an error, when a response was ended but what it promised could not be stored.
 */
export type Middleware = (req: SessionRequest, res: SessionResponse, next: (error?: unknown) => void) => void

/** What `sessions.create` gives. */
export interface CreatedSession<Data extends object = DeclaredData> {
  readonly session: AppSession<Data>
  /** The header `Cookie` of a browser that has the session: `sid=…`. */
  readonly cookie: string
}

/** The middleware, and what can be done with its sessions outside a request. */
export interface Sessions<Data extends object = DeclaredData> extends Middleware {
  /**
   * All sessions of a user, as the option `user` names them, newest first: for a list of devices. Renews nothing.
   *
   * @param user - its name, or a session of it: nobody's session has none
   * @throws SessionError `ERR_SESSION_OPTIONS` where there is no option `user`; `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`
   */
  list(user: UserName | AnySession): Promise<SessionInfo<Data>[]>

  /**
   * Ends sessions of a user: all of them, the one with this handle, or all but one. Every login that was answered before
   * this is called is ended by it, and requests of these sessions that still run store nothing any more
   * (`ERR_SESSION_GONE`). A login that runs at the same time is ended, or counts as one that came after.
   *
   * @param user - its name, or a session of it
   * @returns how many were ended
   * @example
   * ```ts
   * await sessions.destroy(req.session, { others: true })
   * ```
   * @throws SessionError as `list`; where the store failed for some sessions, after all others were ended
   */
  destroy(user: AnySession, which: { readonly others: true }): Promise<number>
  destroy(user: UserName | AnySession, which?: SessionChoice): Promise<number>

  /**
   * The session that a request names, for code that no response belongs to: a WebSocket, from the request of its
   * upgrade, or a worker, from a `Cookie` header that was handed to it. Reading it renews its life, once.
   *
   * The session works as long as it lives: `update`, `save`, `reload`, `touch` and `destroy` act on what is stored then.
   * Nothing is saved by itself. `regenerate` rejects with `ERR_SESSION_HEADERS_SENT`, as no response could send the new id.
   *
   * @param request - Of it, the header that carries the id is looked at, and whatever the application's own options do.
   * @returns null where there is none: no cookie, a forged one, a session that has ended, or that `valid` does not accept
   * @throws SessionError `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`, whatever `whenUnreadable` says
   */
  open(request: CookieRequest): Promise<AppSession<Data> | null>

  /**
   * The session of a request, with the type that this middleware's options give it. It may not be loaded yet: take what
   * `load` resolves to.
   *
   * @throws SessionError `ERR_SESSION_OPTIONS` where this middleware did not run for the request; `ERR_SESSION_GONE` after
   *   `destroy`
   */
  of(req: object): LazySession<Data>

  /**
   * Stores a new session and signs its cookie, for tests of an application and for its support staff.
   *
   * @returns the session, and what a browser that has it sends as its header `Cookie`
   * @throws SessionError `ERR_SESSION_DATA`, `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`; `ERR_SESSION_OPTIONS` where each
   *   request chooses its store, or the id does not travel in a cookie
   */
  create<Given extends Stored<Data>>(data: Known<Given, Data>): Promise<CreatedSession<Data>>

  /**
   * Calls `fn` once when a session has ended, to close a socket, say: it was destroyed, by whichever process,
   * replaced by `regenerate`, or has expired. `regenerate({ keep: true })` makes no end: what is watched is the same
   * session under its new id, and one from `open` goes on working there.
   *
   * An end is reported at once, one whose message got lost as soon as the connection is back, and any other within a minute.
   * Needs a store with `watch` and `life`, as MemoryStore and RedisStore are. Does not keep the process alive.
   *
   * @param session - One that is stored; or the handle of one that `open` gave and that is still in use in this process.
   * @param fn - What it throws, or rejects with, becomes a warning of the process (`HOLDFAST_ON_DESTROY`).
   * @returns what stops it
   * @throws SessionError `ERR_SESSION_OPTIONS` for a session that is not stored, a handle that is not known, and where
   *   the store cannot tell
   */
  onDestroy(session: AnySession | HandleText, fn: () => unknown): () => void
}
