import type { SessionCookie } from '../cookie/session-cookie'
import { SessionError } from '../errors'
import { sameValue, type Data } from '../repository/merge'
import { RESERVED } from '../repository/reserved'

/** The callback form of a method: called with the error, or with null and the result. */
export type Callback<T = void> = (error: unknown, result?: T) => void

/** What {@link Session.regenerate} takes over into the new session. */
export interface RegenerateOptions<S = Record<string, unknown>> {
  /**
   * Names of the keys that move over; the new session has a handle and a lifetime of its own. `true`: everything
   * does, and it stays the same session, with its handle and its clock, under a new id. By default nothing.
   */
  keep?: true | readonly Exclude<keyof S, keyof Session>[] | undefined
}

/** Names one session of a request: after `regenerate` the request has another one. */
export interface SessionIdentity {
  readonly id: string
  readonly handle: string
  readonly isNew: boolean
}

/** Does the work of the sessions of one request. */
export interface SessionOwner {
  load(): Promise<Session>
  update<T>(session: Session, fn: (draft: Session) => T | Promise<T>): Promise<T>
  save(session: Session): Promise<void>
  reload(session: Session): Promise<Session>
  regenerate(options: RegenerateOptions | undefined): Promise<Session>
  destroy(session: Session): Promise<void>
  touch(session: Session): Promise<void>
}

/**
 * Where a session's owner is found.
 *
 * @internal
 */
export const OWNER = Symbol('owner')

/**
 * What a handler sees as `req.session`. Its own enumerable properties are the application's data and `cookie`.
 * Every method returns a promise, or calls back where it is given a callback.
 */
export class Session {
  readonly #owner: SessionOwner
  readonly #identity: SessionIdentity

  /** The cookie settings of this session, as in express-session. Changing `maxAge` gives it a life of its own. */
  declare cookie: SessionCookie

  /** @internal */
  constructor(owner: SessionOwner, identity: SessionIdentity, data: Data, cookie?: SessionCookie) {
    this.#owner = owner
    this.#identity = identity
    assignData(this, data)
    if (cookie) this.cookie = cookie
  }

  /** @internal */
  get [OWNER](): SessionOwner {
    return this.#owner
  }

  /** The session id. It is what the cookie carries: a secret, not for logs. */
  get id(): string {
    return this.#identity.id
  }

  /** The public name of this session: a UUIDv7 whose time is when the session began. For logs and device lists. */
  get handle(): string {
    return this.#identity.handle
  }

  /** Whether nothing of this session has been saved yet. */
  get isNew(): boolean {
    return this.#identity.isNew
  }

  /** Resolves to the session. With `load: 'lazy'` this is where the store is read. */
  load(): Promise<this>
  load(callback: Callback<this>): void
  load(callback?: Callback<this>): Promise<this> | void {
    return settle(this.#owner.load() as Promise<this>, callback)
  }

  /**
   * Runs `fn` on the newest stored state, with the unsaved changes of this request in it, and commits the result.
   * Where another request commits first, `fn` runs again on what that one stored. Afterwards the session is the
   * committed state. If `fn` throws, nothing is committed.
   *
   * @param fn - gets the state to change, which is not `req.session`; may be async; must not call the session's methods
   * @returns what `fn` returned
   * @throws SessionError `ERR_SESSION_GONE`, `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`, `ERR_SESSION_DATA`,
   *   `ERR_SESSION_HEADERS_SENT`
   */
  update<T>(fn: (session: this) => T | Promise<T>): Promise<T>
  update<T>(fn: (session: this) => T | Promise<T>, callback: Callback<T>): void
  update<T>(fn: (session: this) => T | Promise<T>, callback?: Callback<T>): Promise<T> | void {
    return settle(this.#owner.update(this, fn as (draft: Session) => T | Promise<T>), callback)
  }

  /**
   * Commits the changes now. When it resolves, the store has them.
   *
   * @throws SessionError as `update`
   */
  save(): Promise<void>
  save(callback: Callback): void
  save(callback?: Callback): Promise<void> | void {
    return settle(this.#owner.save(this), callback)
  }

  /**
   * Takes the stored state, and drops changes that were not saved.
   *
   * @throws SessionError `ERR_SESSION_GONE` where nothing is stored, `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`
   */
  reload(): Promise<this>
  reload(callback: Callback<this>): void
  reload(callback?: Callback<this>): Promise<this> | void {
    return settle(this.#owner.reload(this) as Promise<this>, callback)
  }

  /**
   * Makes a session with a new id the session of this request, so that an id known before a login is worth nothing
   * after it (OWASP ASVS 5.0, 7.2.4). The commit stores the new one, then destroys the old one.
   *
   * @returns the new session, which is `req.session` from then on
   * @throws SessionError `ERR_SESSION_HEADERS_SENT` where the new id cannot be told to anybody any more
   */
  regenerate(options?: RegenerateOptions<this>): Promise<this>
  regenerate(callback: Callback<this>): void
  regenerate(options: RegenerateOptions<this>, callback: Callback<this>): void
  regenerate(
    first?: RegenerateOptions<this> | Callback<this>,
    second?: Callback<this>
  ): Promise<this> | void {
    const [options, callback] = typeof first === 'function' ? [undefined, first] : [first, second]
    return settle(this.#owner.regenerate(options as RegenerateOptions) as Promise<this>, callback)
  }

  /**
   * Removes the session from the store; the response clears its cookie. `req.session` is undefined afterwards.
   *
   * @throws SessionError `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`
   */
  destroy(): Promise<void>
  destroy(callback: Callback): void
  destroy(callback?: Callback): Promise<void> | void {
    return settle(this.#owner.destroy(this), callback)
  }

  /**
   * Renews the life in the store and in the cookie. Reading a session renews it already: this is for code that keeps
   * one session for long, such as a WebSocket.
   *
   * @throws SessionError `ERR_SESSION_GONE`, `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`
   */
  touch(): Promise<void>
  touch(callback: Callback): void
  touch(callback?: Callback): Promise<void> | void {
    return settle(this.#owner.touch(this), callback)
  }

  /** What `JSON.stringify` and `res.json` show: the application's data, and the cookie settings. */
  toJSON(): Record<string, unknown> {
    return { ...(this as unknown as Record<string, unknown>) }
  }
}

// An assignment to a reserved name would otherwise shadow a method, swap the prototype, or do nothing.
for (const name of RESERVED) {
  const own = Object.getOwnPropertyDescriptor(Session.prototype, name)
  const value: unknown = own ? own.value : name === '__proto__' ? Session.prototype : undefined
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it stays the getter of the same prototype
  const get = own?.get ?? (() => value)
  Object.defineProperty(Session.prototype, name, {
    configurable: true,
    enumerable: false,
    get,
    set() {
      throw reserved(name)
    }
  })
}

/** The application's data in a session: own enumerable keys but `cookie`. */
export function dataOf(session: Session): Data {
  const { cookie: _cookie, ...data } = session as unknown as Data
  return data
}

/**
 * Makes `data` the session's data, in its order, so that the text of both is the same. Values that are the same JSON
 * stay the same objects.
 */
export function replaceData(session: Session, data: Data): void {
  const current = session as unknown as Data
  const before = { ...current }
  for (const key of Object.keys(data)) if (RESERVED.has(key)) throw reserved(key)
  for (const key of Object.keys(before)) if (key !== 'cookie') delete current[key]
  assignData(session, data, before)
}

function assignData(session: Session, data: Data, before: Data = {}): void {
  for (const key of Object.keys(data)) {
    if (key === 'cookie') continue
    ;(session as unknown as Data)[key] = sameValue(before, data, key) ? before[key] : data[key]
  }
}

function reserved(name: string): SessionError {
  return new SessionError(
    'ERR_SESSION_DATA',
    `the name ${JSON.stringify(name)} belongs to the session itself: keep your value under another one`
  )
}

function settle<T>(promise: Promise<T>, callback: Callback<T> | undefined): Promise<T> | void {
  if (!callback) return promise
  // On a tick of its own, so that what a callback throws is not caught here.
  promise.then(
    (value) => process.nextTick(callback, null, value),
    (error: unknown) => process.nextTick(callback, error)
  )
}
