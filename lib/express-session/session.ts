import { shared } from '../copies'
import { SessionError } from '../errors'
import { ask, type Answer, type ExpressStore } from '../repository/express-store'
import { Budget } from '../repository/budget'
import type { Data } from '../repository/merge'
import { serializing } from '../repository/record'
import { callBack } from '../session/call-queue'
import { keptCookie, type Cookie, type Kept } from './cookie'
import { carryOrigin } from './origin'

/** The part of a request that its session needs. */
export interface Owner {
  sessionID?: unknown
  session?: unknown
  sessionStore?: unknown
}

/** Does the work of a request's sessions. */
export interface Host {
  save(session: Session): Promise<void>
  reload(session: Session): Promise<void>
  destroy(session: Session): Promise<void>
  regenerate(): Promise<void>
  /** Makes a new session `req.session`. */
  create(): void
}

/** How long a store may take, in milliseconds. Long, as express-session waits for ever (decision 17). */
export const TIMEOUT = 30_000

const hosts = shared('hosts', () => new WeakMap<object, Host>())

/** Makes `host` do the work of all sessions of `req`. */
export function attach(req: object, host: Host): void {
  hosts.set(req, host)
}

/**
 * What an application sees as `req.session`: its enumerable properties are the data and `cookie`, and its prototype has
 * express-session's members, no others. Without a callback a method returns a promise.
 */
export class Session {
  declare readonly req: Owner
  declare readonly id: string
  declare cookie: Cookie

  /** @param data - its own keys are copied, as far as their names are not the session's own */
  constructor(req: Owner, data?: unknown) {
    Object.defineProperty(this, 'req', { value: req })
    Object.defineProperty(this, 'id', { value: req.sessionID })
    if (typeof data !== 'object' || data === null) return
    const session = this as unknown as Data
    for (const key of Object.keys(data)) if (!(key in session)) session[key] = (data as Data)[key]
    carryOrigin(data, this)
  }

  /** Starts the life of the cookie over. The store is not asked. */
  touch(): this {
    return this.resetMaxAge()
  }

  /** As `touch`. */
  resetMaxAge(): this {
    this.cookie.maxAge = this.cookie.originalMaxAge
    return this
  }

  /** Stores the session. */
  save(callback?: Answer): this | Promise<void> {
    return settle(this, () => hostOf(this).save(this), callback)
  }

  /** Makes what the store has of this session a new `req.session`. */
  reload(callback?: Answer): this | Promise<void> {
    // What was read promises nothing to anybody: a callback may ignore that it failed.
    const heard = typeof callback === 'function' ? (error: unknown) => callback(error) : callback
    return settle(this, () => hostOf(this).reload(this), heard)
  }

  /** Removes the session from the store, and `req.session` at once. */
  destroy(callback?: Answer): this | Promise<void> {
    return settle(this, () => hostOf(this).destroy(this), callback)
  }

  /** Ends this session, and makes a new one `req.session`. */
  regenerate(callback?: Answer): this | Promise<void> {
    return settle(this, () => hostOf(this).regenerate(), callback)
  }
}

/**
 * Makes a session of what a store keeps, `req.session`: a Cookie, with a Date for its end.
 *
 * @throws TypeError where what is kept has no cookie, which then was no session of express-session
 */
export function inflate(req: Owner, data: object): Session {
  const kept = data as { cookie: Kept }
  kept.cookie = keptCookie(kept.cookie)
  const session = new Session(req, data)
  req.session = session
  return session
}

/** Whether an object without a session's methods was a session once, and was then given another prototype. */
export function isEstranged(value: object): boolean {
  return Object.getOwnPropertyDescriptor(value, 'req')?.enumerable === false
}

export function estranged(): SessionError {
  return new SessionError(
    'ERR_SESSION_DATA',
    'req.session was given another prototype, as the key __proto__ of a JSON body does: copy only the keys that you expect'
  )
}

/** The application's data in a session. */
export function plainData(session: object): Data {
  const { cookie: _cookie, ...data } = session as Data
  return data
}

export function notFound(): Error {
  return new Error('failed to load session')
}

function settle<S extends Session>(
  session: S,
  begin: () => Promise<void>,
  callback: unknown
): S | Promise<void> {
  if (callback && typeof callback !== 'function') {
    throw new TypeError(
      'methods of the drop-in take a callback: { keep, set } is for regenerate of the main entry'
    )
  }
  if (serializing.now) {
    throw new TypeError('a method of the session was called by a toJSON in it: call the method afterwards')
  }
  const promise = begin()
  if (!callback) {
    // Nobody may be waiting, and that must not end the process.
    void Promise.prototype.then.call(promise, undefined, () => undefined)
    return promise
  }
  callBack(promise, callback as Answer, () => [])
  return session
}

/** The object that does the work for a request; undefined: no middleware has seen it. */
export function attached(req: object): Host | undefined {
  return hosts.get(req)
}

function hostOf({ req }: Session): Host {
  return attached(req) ?? new StoreHost(req)
}

/** The sessions that `store.load` gives have no request: they go to their store as they are. */
class StoreHost implements Host {
  constructor(private readonly req: Owner) {}

  async save(session: Session): Promise<void> {
    await this.#ask('set', session.id, session)
  }

  async reload({ id }: Session): Promise<void> {
    const data = await this.#ask<object | null>('get', id)
    if (!data) throw notFound()
    inflate(this.req, data)
  }

  async destroy({ id }: Session): Promise<void> {
    delete this.req.session
    await this.#ask('destroy', id)
  }

  async regenerate(): Promise<void> {
    await this.#ask('destroy', String(this.req.sessionID))
    this.create()
  }

  create(): void {
    const store = this.req.sessionStore as { generate?(req: Owner): void }
    store.generate?.(this.req)
  }

  #ask<T = void>(name: 'get' | 'set' | 'destroy', ...args: [string, object?]): Promise<T | undefined> {
    return ask<T>(this.req.sessionStore as ExpressStore, new Budget(TIMEOUT), name, ...args)
  }
}
