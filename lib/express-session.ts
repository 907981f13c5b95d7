import type { KeyObject } from 'node:crypto'
import type { EventEmitter } from 'node:events'
/** @ts-ignore: without Express's types, these are `any` for those who read the declarations. */
import type { Request, RequestHandler } from 'express'
import type { SessionError as Refusal } from './errors'
import type { SessionEvents as Events } from './events'
import './express-request'
import { Cookie } from './express-session/cookie'
import { MemoryStore } from './express-session/memory-store'
import { createExpressSession } from './express-session/middleware'
import { Session } from './express-session/session'
import { Store } from './express-session/store'
import type { Store as TextStore } from './stores/store'

/**
 * express-session's middleware, by its options, defaults and rules, on a response that waits for the store. The
 * guide "Migrating from express-session" lists the differences.
 *
 * @throws TypeError in express-session's words
 */
function session(options: session.HoldfastOptions): RequestHandler
/** With the options of `@types/express-session`, so that each program which compiles with these compiles here. */
function session(options?: session.SessionOptions): RequestHandler
function session(options?: object): RequestHandler {
  return createExpressSession(options)
}

// oxlint-disable-next-line typescript/no-namespace -- what makes `require` a typed function
namespace session {
  type Secret = string | NodeJS.ArrayBufferView | KeyObject
  // As in @types/express-session, so that what compiles with these compiles here: with `unknown`, a callback of an `Error`
  // would not, and with `Error`, neither would one of another class nor a look at `error.code`.
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  type Failure = any

  /** The messages of the diagnostics channels. An import from `holdfast`, of a type as well, gives `req.session` the main entry's type. */
  export type SessionEvents = Events
  /** An error of Holdfast's own, by its `code`. */
  export type SessionError = Refusal

  /** The options of express-session. All durations are milliseconds. */
  export interface SessionOptions {
    /** The secret that signs the cookie. Of several, the first signs and each verifies. */
    secret: Secret | Secret[]
    /** Makes the id of a new session. Default: 192 random bits. */
    genid?(req: Request): string
    /** The name of the cookie. Default `'connect.sid'`. */
    name?: string | undefined
    /** The store of the sessions. Default: a {@link MemoryStore}. */
    store?: Store | undefined
    /** The attributes of the cookie. Default: `{ path: '/', httpOnly: true, secure: false, maxAge: null }`. */
    cookie?: CookieOptions | ((req: Request) => CookieOptions) | undefined
    /** Sends the cookie with every response. Default false. */
    rolling?: boolean | undefined
    /** Stores sessions that did not change, too. Default true, with a warning where it is left out. */
    resave?: boolean | undefined
    /** Whether to believe `X-Forwarded-Proto`. Default: as Express's `trust proxy` says. */
    proxy?: boolean | undefined
    /** Stores new sessions that nobody put anything into. Default true, with a warning where it is left out. */
    saveUninitialized?: boolean | undefined
    /** The effect of `req.session = null` on the stored session. Default `'keep'`. */
    unset?: 'destroy' | 'keep' | undefined
    /** How long each load and each commit may wait for the store. Not in express-session. Default 30 000. */
    timeout?: number | undefined
    /**
     * `2`: the rules of express-session's next version. `resave` and `saveUninitialized` default to false, `secret` is
     * required, and `req.cookies` is not read. Default 1.
     */
    version?: 1 | 2 | undefined
  }

  /** Holdfast also accepts its own stores, and `sameSite: 'auto'`, None over HTTPS and else Lax. */
  export interface HoldfastOptions extends Omit<SessionOptions, 'store' | 'cookie'> {
    store?: Store | TextStore | undefined
    cookie?: HoldfastCookie | ((req: Request) => HoldfastCookie) | undefined
  }
  type HoldfastCookie = Omit<CookieOptions, 'sameSite'> & { sameSite?: CookieOptions['sameSite'] | 'auto' }

  /** The attributes of the cookie, in the options. */
  export interface CookieOptions {
    /** Life from each use, in milliseconds. Default: the cookie ends with the browser. */
    maxAge?: number | undefined
    partitioned?: boolean | undefined
    priority?: 'low' | 'medium' | 'high' | undefined
    signed?: boolean | undefined
    expires?: Date | null | undefined
    httpOnly?: boolean | undefined
    path?: string | undefined
    domain?: string | undefined
    secure?: boolean | 'auto' | undefined
    encode?: ((value: string) => string) | undefined
    sameSite?: boolean | 'lax' | 'strict' | 'none' | undefined
  }

  /** The settings of one session's cookie, `req.session.cookie`. */
  export declare class Cookie implements CookieOptions {
    constructor(options?: CookieOptions)
    /** Life from each use, in milliseconds. */
    originalMaxAge: number | null
    /** The time that is left, in milliseconds. */
    maxAge?: number | undefined
    partitioned?: boolean | undefined
    priority?: 'low' | 'medium' | 'high' | undefined
    signed?: boolean | undefined
    expires?: Date | null | undefined
    httpOnly?: boolean | undefined
    path?: string | undefined
    domain?: string | undefined
    secure?: boolean | 'auto' | undefined
    sameSite?: boolean | 'lax' | 'strict' | 'none' | undefined
  }

  /**
   * The data of a session. Declare the keys of your application once, and `req.session` has them:
   *
   * ```ts
   * declare module 'holdfast/express-session' {
   *   interface SessionData { user?: string }
   * }
   * ```
   */
  export interface SessionData {
    cookie: Cookie
  }

  /**
   * The members of `req.session` beside the application's data. Without a callback a method returns a promise,
   * although its type is that of `@types/express-session`: `await` it. If a call other than `reload` fails and its callback
   * takes no parameter, the response fails with the error.
   */
  export declare class Session {
    private constructor(request: Express.Request, data: SessionData)
    /** The session id: a secret, not for logs. */
    id: string
    cookie: Cookie
    /** Ends this session, and makes a new one `req.session`. */
    regenerate(callback?: (error: Failure) => void): this
    /** Removes the session from the store, and `req.session` at once; the response clears the cookie. */
    destroy(callback?: (error: Failure) => void): this
    /** Makes a new `req.session` of what the store has. */
    reload(callback?: (error: Failure) => void): this
    /** Stores the session now. */
    save(callback?: (error: Failure) => void): this
    /** Starts the life of the cookie over. The store is not asked. */
    touch(): this
    resetMaxAge(): this
  }

  /** The base class of stores: a subclass implements `get`, `set` and `destroy`, and preferably `touch`. */
  export declare abstract class Store extends EventEmitter {
    /** Ends the session of a request, and makes a new one. */
    regenerate(req: Request, callback: (error?: Failure) => unknown): void
    /** The session kept under an id, without a request. */
    load(sid: string, callback: (error: Failure, session?: SessionData) => unknown): void
    /** Makes a session of what `get` gave. */
    createSession(req: Request, session: SessionData): Session & SessionData
    abstract get(sid: string, callback: (error: Failure, session?: SessionData | null) => void): void
    abstract set(sid: string, session: SessionData, callback?: (error?: Failure) => void): void
    abstract destroy(sid: string, callback?: (error?: Failure) => void): void
    all?(callback: (error: Failure, all?: SessionData[] | Record<string, SessionData> | null) => void): void
    length?(callback: (error: Failure, length?: number) => void): void
    clear?(callback?: (error?: Failure) => void): void
    /** Renews the life of a session that is kept. */
    touch?(sid: string, session: SessionData, callback?: () => void): void
  }

  /** Keeps sessions in this process, up to 256 MiB of them. */
  export declare class MemoryStore extends Store {
    get(sid: string, callback: (error: Failure, session?: SessionData | null) => void): void
    set(sid: string, session: SessionData, callback?: (error?: Failure) => void): void
    destroy(sid: string, callback?: (error?: Failure) => void): void
    all(callback: (error: Failure, all?: Record<string, SessionData> | null) => void): void
    length(callback: (error: Failure, length?: number) => void): void
    clear(callback?: (error?: Failure) => void): void
    touch(sid: string, session: SessionData, callback?: () => void): void
  }
}

Object.assign(session, { Session, Cookie, Store, MemoryStore, default: session })

// Node reads the names that `import { Store }` may use from these lines; `export =` replaces the object.
/* oxlint-disable typescript/no-unsafe-member-access */
module.exports.Cookie = Cookie
module.exports.MemoryStore = MemoryStore
module.exports.Session = Session
module.exports.Store = Store
/* oxlint-enable typescript/no-unsafe-member-access */

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- where Express looks for additions to its request
  namespace Express {
    type SessionStore = session.Store & { generate: (req: Request) => void }
    interface SessionEntries {
      'express-session': {
        session: session.Session & Partial<session.SessionData>
        sessionStore: SessionStore
      }
    }
  }
}

export = session
