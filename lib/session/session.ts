import { SessionCookie } from '../cookie/session-cookie'
import { need, SessionError } from '../errors'
import { warnInDevelopment } from '../events'
import type { DeclaredData } from '../express-request'
import { sameValue, type Data } from '../repository/merge'
import { MEMBERS, RESERVED } from '../repository/record'
import { reserved } from '../repository/values'
import type { Given, Known, Stored } from '../session-data'
import { callBack } from './call-queue'

/** The callback of a method: it gets the error, or null and the result. */
export type Callback<T = void> = (error: unknown, result?: T) => void

/** Options of {@link Session.regenerate}. */
export interface RegenerateOptions<S = Record<string, unknown>, Set = Given<Omit<S, keyof Session>>> {
  /**
   * The keys to move to the new session, which gets its own handle and lifetime. `true` moves everything: it stays
   * the same session, with its handle and its lifetime, under a new id. By default, nothing moves.
   */
  keep?: true | readonly Exclude<keyof S, keyof Session>[] | undefined
  /** The first data of the new session, such as the user who logged in. It overwrites kept keys. */
  set?: Set | undefined
  /**
   * Makes the browser keep the cookie for `rememberFor`, and the session live as long between two uses. With false, the
   * options `cookie` and `idleTimeout` apply. Default: false, but with `keep: true` as it was before.
   */
  remember?: boolean | undefined
}

declare const NAMES: unique symbol

/** The public name of a session. TypeScript refuses this string as the name of a user. */
export type SessionHandle = string & { readonly [NAMES]: 'handle' }

/** The id of a session. TypeScript refuses this string as a handle, and as the name of a user. */
export type SessionId = string & { readonly [NAMES]: 'id' }

/** A handle, which an application may have kept as a plain string: any string except the id of a session. */
export type HandleText = string & { readonly [NAMES]?: 'handle' }

/** The name of a user, as the option `user` returns it: any string except a session's handle or id. */
export type UserName = string & { readonly [NAMES]?: never }

/** A session with the keys that the application declared; each may be absent. */
export type AppSession<Data extends object = DeclaredData> = Session & Stored<Data>

/** Data that name no member of a session, and are neither a list nor a Map. */
export type Unreserved = object &
  Partial<Record<keyof Session | '@' | '__proto__' | typeof Symbol.iterator, never>>

/** The keys that were set, with all that the application may assign to them, but not the absent value that they lack. */
export type Present<S, Set> = {
  [Key in keyof Set]: Key extends keyof S ? Exclude<S[Key], Exclude<null | undefined, Set[Key]>> : unknown
}

/**
 * A session that may not be loaded yet: it has the members that need no data, and `load` returns the session itself.
 */
export interface LazySession<Data extends object = DeclaredData> extends Pick<Session, 'id' | 'destroy'> {
  /** See `Session.load`. */
  load(callback: Callback<AppSession<Data>>): void
  load(): Promise<AppSession<Data>>
  /** See `Session.update`. */
  update<T>(fn: (session: AppSession<Data>) => T | Promise<T>, callback: Callback<T>): void
  update<T>(fn: (session: AppSession<Data>) => T | Promise<T>): Promise<T>
  /** See `Session.regenerate`. */
  regenerate(options: RegenerateOptions<AppSession<Data>>, callback: Callback<AppSession<Data>>): void
  regenerate<Set extends Partial<Stored<Data>> = object>(
    options?: RegenerateOptions<AppSession<Data>, Known<Set, AppSession<Data>>>
  ): Promise<AppSession<Data> & Present<AppSession<Data>, Set>>
  regenerate(callback: Callback<AppSession<Data>>): void
}

/** A session, loaded or not. */
export type AnySession = Session | Pick<Session, 'id' | 'load'>

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
 * The session in a handler, `req.session`. Its own enumerable properties are the application's data and `cookie`.
 * Every method returns a promise; if you pass a callback, it calls that instead. If the call fails and the callback takes no
 * parameter, the response fails with the error.
 */
export class Session {
  readonly #owner: SessionOwner
  readonly #identity: SessionIdentity

  /**
   * The cookie settings of this session, as in express-session. If you change `maxAge`, this session gets a life of
   * its own.
   */
  declare cookie: SessionCookie

  /** @internal */
  constructor(owner: SessionOwner, identity: SessionIdentity, data: Data, cookie?: SessionCookie) {
    this.#owner = owner
    this.#identity = identity
    for (const key in data) if (key !== 'cookie') (this as unknown as Data)[key] = data[key]
    if (cookie) this.cookie = cookie
  }

  /** @internal */
  get [OWNER](): SessionOwner {
    return this.#owner
  }

  /** The session id. The cookie carries it: it is secret, so keep it out of logs. */
  get id(): SessionId {
    return this.#identity.id as SessionId
  }

  /** The public name of this session, for logs and device lists: a UUIDv7 with the time at which the session began. */
  get handle(): SessionHandle {
    return this.#identity.handle as SessionHandle
  }

  /** True until the session is saved for the first time. */
  get isNew(): boolean {
    return this.#identity.isNew
  }

  /** Resolves to the session. With `load: 'lazy'`, this call reads the store. */
  load(callback: Callback<this>): void
  load(): Promise<this>
  load(callback?: Callback<this>): Promise<this> | void {
    return settle(this, (owner) => owner.load() as Promise<this>, callback)
  }

  /**
   * Runs `fn` on the latest stored state, with this request's unsaved changes applied, and commits the result. If
   * another request commits first, `fn` runs again on the state that it stored. Afterwards the session has the
   * committed state. If `fn` throws, nothing is committed.
   *
   * @param fn - gets the state to change, which is not `req.session`; may be async. The session's methods and the end
   *   of the response wait for it: it must not wait for them itself
   * @returns the result of `fn`; nothing of it is stored: `fn` changes the state itself, `(s) => { s.count = 1 }`
   * @throws SessionError `ERR_SESSION_GONE`, `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`, `ERR_SESSION_DATA`,
   *   `ERR_SESSION_HEADERS_SENT`
   */
  update<T>(fn: (session: this) => T | Promise<T>, callback: Callback<T>): void
  update<T>(fn: (session: this) => T | Promise<T>): Promise<T>
  update<T>(fn: (session: this) => T | Promise<T>, callback?: Callback<T>): Promise<T> | void {
    return settle(this, (owner) => owner.update(this, fn as (draft: Session) => T | Promise<T>), callback)
  }

  /**
   * Commits the changes now. When it resolves, the store has them.
   *
   * @throws SessionError as `update`
   */
  save(callback: Callback): void
  save(): Promise<void>
  save(callback?: Callback): Promise<void> | void {
    return settle(this, (owner) => owner.save(this), callback)
  }

  /**
   * Replaces the data by the stored state, and drops changes that were unsaved when it was called.
   *
   * @throws SessionError `ERR_SESSION_GONE` if nothing is stored, `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`
   */
  reload(callback: Callback<this>): void
  reload(): Promise<this>
  reload(callback?: Callback<this>): Promise<this> | void {
    return settle(this, (owner) => owner.reload(this) as Promise<this>, callback)
  }

  /**
   * Gives this request a session with a new id, so that an id known before the login is useless after it (OWASP ASVS
   * 5.0, 7.2.4). The commit stores the new session, then destroys the old one.
   *
   * @returns the new session, which is `req.session` from then on
   * @example
   * ```ts
   * await req.session.regenerate({ keep: ['cart'], set: { userId: user.id } })
   * ```
   * @throws SessionError `ERR_SESSION_HEADERS_SENT` if no response can send the new id any more
   */
  regenerate(options: RegenerateOptions<this>, callback: Callback<this>): void
  regenerate<Set extends Partial<Omit<this, keyof Session>> = object>(
    options?: RegenerateOptions<this, Known<Set, this>>
  ): Promise<this & Present<this, Set>>
  // The last one, as the compiler reports a key that is wrong for each form in this order.
  regenerate(callback: Callback<this>): void
  regenerate(
    first?: RegenerateOptions<this> | Callback<this>,
    second?: Callback<this>
  ): Promise<unknown> | void {
    const [options, callback] = typeof first === 'function' ? [undefined, first] : [first, second]
    return settle(
      this,
      (owner) => owner.regenerate((options ?? undefined) as RegenerateOptions) as Promise<this>,
      callback
    )
  }

  /**
   * Removes the session from the store; the response clears its cookie. Afterwards, `req.session` is undefined.
   *
   * @throws SessionError `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`
   */
  destroy(callback: Callback): void
  destroy(): Promise<void>
  destroy(callback?: Callback): Promise<void> | void {
    return settle(this, (owner) => owner.destroy(this), callback)
  }

  /**
   * Renews the life of the session in the store and in the cookie. Reading a session renews it already: `touch` is
   * for code that keeps one session for long, such as a WebSocket.
   *
   * @throws SessionError `ERR_SESSION_GONE`, `ERR_SESSION_STORE`, `ERR_SESSION_TIMEOUT`
   */
  touch(callback: Callback): void
  touch(): Promise<void>
  touch(callback?: Callback): Promise<void> | void {
    return settle(this, (owner) => owner.touch(this), callback)
  }

  /** Returns the object that `JSON.stringify` and `res.json` use: the application's data and the cookie settings. */
  toJSON(): Record<string, unknown> {
    return { ...(this as unknown as Record<string, unknown>) }
  }
}

// An assignment to a reserved name would otherwise shadow a method, swap the prototype, or do nothing.
for (const name of RESERVED) {
  const own = Object.getOwnPropertyDescriptor(Session.prototype, name)
  const value: unknown = own ? own.value : name === '__proto__' ? Session.prototype : undefined
  // oxlint-disable-next-line typescript/unbound-method -- it stays the getter of the same prototype
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
 * Makes `data` the session's data, in its order, so that the text of both is the same.
 *
 * @param isMerged - values that are the same JSON stay the same objects
 */
export function replaceData(session: Session, data: Data, isMerged = true): void {
  const current = session as unknown as Data
  const before = { ...current }
  for (const key of Object.keys(before)) if (key !== 'cookie') delete current[key]
  for (const key of Object.keys(data)) {
    if (key !== 'cookie') current[key] = isMerged && sameValue(before, data, key) ? before[key] : data[key]
  }
}

/**
 * Ends the use of a session object: its data can still be read, and a write to it throws instead of being
 * lost. This holds in sloppy mode as well, where a frozen object would say nothing.
 *
 * @param withCookie - false: another session goes on with the object of its cookie
 */
export function retire(session: Session, refuse: () => never, withCookie = true): void {
  watchWrites(session, refuse, withCookie)
  for (const key of Object.keys(session)) Object.defineProperty(session, key, { configurable: false })
  Object.preventExtensions(session)
}

/** The session, with `written` called at each change of a property, also at one that takes away what is not there. */
export function noticing(session: Session, written: () => void): Session {
  return new Proxy(session, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' && key in Session.prototype ? (value.bind(target) as unknown) : value
    },
    set: (target, key, value) => (written(), Reflect.set(target, key, value, target)),
    defineProperty: (target, key, descriptor) => (written(), Reflect.defineProperty(target, key, descriptor)),
    deleteProperty: (target, key) => (written(), Reflect.deleteProperty(target, key))
  })
}

/** Calls `written` before each write to a session object or to its cookie, which can stop it by throwing. */
export function watchWrites(session: Session, written: () => void, withCookie = true): void {
  const { cookie } = session
  watch(session, Session.prototype, written)
  if (withCookie && cookie instanceof SessionCookie) watch(cookie, SessionCookie.prototype, written)
}

function watch(object: object, prototype: object, written: () => void): void {
  const target = object as Data
  for (const key of Object.keys(target)) {
    // What the application has fixed cannot be watched, and a frozen session refuses writes by itself.
    if (Object.getOwnPropertyDescriptor(target, key)?.configurable !== true) continue
    let value = target[key]
    const set = (next: unknown) => {
      written()
      value = next
    }
    Object.defineProperty(target, key, { configurable: true, enumerable: true, get: () => value, set })
  }
  if (!Object.isExtensible(target)) return
  // In front of the object's own prototype: it sees names that are not on the object.
  const unknown = new Proxy(Object.create(prototype) as object, {
    set(own, key, value, receiver: object) {
      if (!(key in own)) written()
      return Reflect.set(own, key, value, receiver)
    }
  })
  Object.setPrototypeOf(target, unknown)
}

/** Nobody may be there to hear of it, and a rejection that nobody handles would end the process. */
export const refuseNested = (): Promise<never> => {
  const error = nested()
  warnInDevelopment('HOLDFAST_OPTIONS', error.message)
  const refused = Promise.reject(error)
  refused.catch(() => undefined)
  return refused
}

/** Owns a session that is only to be looked at, as its methods would wait for the function that calls them. */
export const onlooker = Object.fromEntries(
  MEMBERS.map((name) => [name, refuseNested])
) as unknown as SessionOwner

/** Why a method cannot be called where the session itself waits for its caller. */
export function nested(): SessionError {
  return new SessionError(
    'ERR_SESSION_DATA',
    'a method of the session was called inside the function given to update, or inside valid, user, beforeSave or a toJSON: ' +
      'look at the session that the function gets, and call the method afterwards'
  )
}

/** @throws SessionError `ERR_SESSION_GONE` for an object that a handler still holds after `destroy` */
export function refuseDestroyed(): never {
  throw new SessionError(
    'ERR_SESSION_GONE',
    'this session was ended by destroy(), and takes no more changes: to begin another one, assign an object to req.session'
  )
}

/** @throws SessionError `ERR_SESSION_GONE` for an object, or a call of one, that `regenerate` replaced */
export function refuseRetired(): never {
  throw new SessionError(
    'ERR_SESSION_GONE',
    'this session object is not in use any more, as regenerate was called, or as update gave it to its function: take what ' +
      'regenerate() resolves to, or req.session'
  )
}

/** @throws SessionError `ERR_SESSION_GONE` for a change that `regenerate` did not take along */
export function refuseMeanwhile(): never {
  throw new SessionError(
    'ERR_SESSION_GONE',
    'the session that regenerate replaced was changed after the call, and the change would have been lost: ' +
      'await regenerate(), and take what it resolves to'
  )
}

/**
 * A session has taken the keys of an object that was assigned to it, and not the object.
 *
 * @throws SessionError `ERR_SESSION_DATA` for a change that went to `source`, which was `taken`
 */
export function checkAssigned(session: Session | undefined, source: Data, taken: Data): void {
  const data = session ? dataOf(session) : source
  const isLost = (key: string) => !Object.is(source[key], taken[key]) && !sameValue(source, data, key)
  const key = Object.keys({ ...taken, ...source }).find(isLost)
  if (key === undefined) return
  throw new SessionError(
    'ERR_SESSION_DATA',
    `the object that was assigned to req.session was changed afterwards, at ${key}: change req.session itself`
  )
}

type Run<T> = (owner: SessionOwner) => Promise<T>

/** @throws SessionError `ERR_SESSION_OPTIONS` where something else stands in the place of the callback; nothing is done then */
function settle<T>(session: Session, run: Run<T>, callback: Callback<T> | undefined): Promise<T> | void {
  const isCallback = typeof callback === 'function'
  need(
    isCallback || callback === undefined || callback === null,
    'a method of the session takes a callback or nothing in this place'
  )
  need(session instanceof Session, 'a method was called without its session: write req.session.update(…)')
  const promise = run(session[OWNER])
  if (!isCallback) return promise
  callBack(promise, callback, (value) => [null, value])
}
