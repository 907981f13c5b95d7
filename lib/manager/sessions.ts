import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { DeclaredData } from '../express-request'
import type { HoldableResponse } from '../response/response'
import type { CookieRequest } from './detached-sessions'
import type { AnySession, AppSession, HandleText, LazySession, Session, UserName } from '../session/session'
import type { Known, Stored } from '../session-data'
import type { SessionRequest } from '../request'
import type { SessionChoice, SessionInfo } from './user-sessions'

/** A response from Node, or the partial one that a WebSocket library passes instead. */
export type SessionResponse = HoldableResponse | ServerResponse | Http2ServerResponse

/**
 * A middleware for Express 4 and 5, Connect, and `node:http` if you pass a function as `next`. It calls `next` a
 * second time, with an error, if the handler has ended a response whose changes could not be stored. A response that began
 * with `write` gets a plain error page instead.
 */
export type Middleware = (req: SessionRequest, res: SessionResponse, next: (error?: unknown) => void) => void

/** The result of `sessions.create`. */
export interface CreatedSession<Data extends object = DeclaredData> {
  readonly session: AppSession<Data>
  /** The `Cookie` header of a browser that has the session: `sid=…`. As `Set-Cookie` it would lack the attributes. */
  readonly cookie: string
}

/** The middleware, and methods for its sessions outside a request. */
export interface Sessions<Data extends object = DeclaredData> extends Middleware {
  /**
   * Lists all sessions of a user, as the option `user` names them, newest first: for a list of devices. Renews
   * nothing.
   *
   * @param user - the user's name, or one of the user's sessions; a session without a user gives an empty list
   * @throws SessionError `ERR_SESSION_OPTIONS` if the option `user` is not set; `ERR_SESSION_STORE`,
   *   `ERR_SESSION_TIMEOUT`
   */
  list(user: UserName | AnySession): Promise<SessionInfo<Data>[]>

  /**
   * Ends all sessions of a user, also if you pass one of them, such as `req.session`; with a second argument, the one
   * with a given handle, or all but one. A session without a user ends alone. To log out one browser, call
   * `req.session.destroy()`, which also clears the cookie. This method ends every login that was answered before the call; requests of these sessions that still run can store nothing more (`ERR_SESSION_GONE`).
   * A login that runs at the same time is either ended or counts as a later one.
   *
   * @param user - the user's name, or one of the user's sessions: its user is meant
   * @returns the number of sessions that were ended
   * @example
   * ```ts
   * await sessions.destroy(req.session, { others: true })
   * ```
   * @throws SessionError as `list`; if the store failed for some sessions, only after it has ended all others
   */
  destroy(user: AnySession, which: { readonly others: true }): Promise<number>
  destroy(user: UserName | AnySession, which?: SessionChoice): Promise<number>

  /**
   * Opens the session that a request names, for code without a response: a WebSocket, with the request of its
   * upgrade, or a worker, with a `Cookie` header that was passed to it. Opening renews the session once.
   *
   * The session works for as long as it lives: `update`, `save`, `reload`, `touch` and `destroy` use the state stored
   * at that time. Nothing is saved automatically. `regenerate` rejects with `ERR_SESSION_HEADERS_SENT`, as no
   * response could send the new id.
   *
   * @param request - Holdfast reads only the header that carries the id; your own options may read more.
   * @returns null if there is no session: no cookie, a forged one, a session that has ended, or one that `valid`
   *   refuses
   * @throws SessionError `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`, regardless of `whenUnreadable`
   */
  open(request: CookieRequest): Promise<AppSession<Data> | null>

  /**
   * Returns the session of a request, with the type that this middleware's options give it. It may not be loaded yet:
   * use the session that `load` resolves to.
   *
   * @throws SessionError `ERR_SESSION_OPTIONS` if this middleware did not run for the request; `ERR_SESSION_GONE`
   *   after `destroy`
   */
  of(req: object): LazySession<Data>

  /**
   * Stores a new session and signs its cookie, for an application's tests and its support staff. There is no request: the
   * options `genid` and `beforeSave` get one with empty `headers` and nothing else.
   *
   * @returns the session, and the `Cookie` header of a browser that has it
   * @throws SessionError `ERR_SESSION_DATA`, `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`; `ERR_SESSION_OPTIONS` if the
   *   option `store` is a function, or if the id does not travel in a cookie
   */
  create<Given extends Stored<Data>>(data: Known<Given, Stored<Data>>): Promise<CreatedSession<Data>>

  /**
   * Calls `fn` once when a session has ended, for example to close a socket: any process destroyed it, `regenerate`
   * replaced it, or it expired. `regenerate({ keep: true })` does not end a session: it goes on under its new id,
   * still watched, and a session from `open` keeps working.
   *
   * Most ends are reported at once. If the message of an end was lost, the end is reported as soon as the connection
   * is back; any other end, within a minute. Needs a store with `watch` and `life`, such as MemoryStore or
   * RedisStore. Does not keep the process alive.
   *
   * @param session - a session that is loaded and stored, or the handle of a session from `open` that is still in use in
   *   this process
   * @param fn - If it throws or rejects, the process emits a warning (`HOLDFAST_ON_DESTROY`).
   * @returns an unsubscribe function
   * @throws SessionError `ERR_SESSION_OPTIONS` if the session is not stored, the handle is unknown, or the store
   *   cannot watch; `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT` if the session could not be read
   */
  onDestroy(session: Session | HandleText, fn: () => unknown): () => void
}
