import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { checkCookie, type CookieOptions } from './cookie/attributes'
import { SessionError } from './errors'
import type { Merge } from './merge'
import { MemoryStore } from './stores/memory'
import type { Store } from './stores/store'

/** A request as Express, Connect and Node's own servers hand it to a middleware. */
export type SessionRequest = (IncomingMessage | Http2ServerRequest) & {
  originalUrl?: string
  secure?: boolean
}

/** When a session is read: before the handler runs, or when the handler asks for it. */
export type LoadMode = 'eager' | 'lazy'

/** What `session()` takes. All durations are milliseconds. */
export interface SessionOptions {
  /**
   * What signs the cookie (HMAC-SHA-256); 32 bytes or more. Of several, the first signs and each verifies: put a new
   * one in front, and remove the old one when its cookies have had time to be signed anew. Required.
   */
  secret: string | Buffer | readonly (string | Buffer)[]

  /** Where sessions are kept. Default: a `MemoryStore`, which forgets at a restart and serves one process. */
  store?: Store

  /** The name of the cookie. Default `'sid'`. */
  name?: string

  /** The attributes of the cookie. Default: `path: '/'`, `httpOnly`, `secure: 'auto'`, `sameSite: 'lax'`, no `maxAge`. */
  cookie?: CookieOptions

  /**
   * How long a session lives without being used, in milliseconds. Default: `cookie.maxAge` where that is given, else
   * one day. With `load: 'lazy'`, a request whose handler never asks for the session does not use it.
   */
  idleTimeout?: number

  /**
   * How long a session lives at most, in milliseconds, however much it is used. Default 30 days; `Infinity` switches
   * it off.
   */
  lifetime?: number

  /**
   * `'eager'` reads the session before the handler runs, so that all code written for `req.session.x` works. `'lazy'`
   * reads it when the handler says `await req.session.load()` or `update`; a route that does neither costs no round
   * trip. A function decides for each request. Default `'eager'`.
   */
  load?: LoadMode | ((req: SessionRequest) => LoadMode)

  /**
   * Sends the cookie again with every response, so that a cookie with `maxAge` starts over each time. By a response
   * that wrote nothing only after the store said that the session is still there. Needs `load: 'eager'`. Default false.
   */
  rolling?: boolean

  /** Sends a cookie with a `maxAge` again when half of it has passed. Default true. */
  renew?: boolean

  /** Stores new sessions that nobody put anything into, and sends their cookie. Needs `load: 'eager'`. Default false. */
  saveUninitialized?: boolean

  /**
   * Makes the id of a new session: 1 to 128 characters of A–Z a–z 0–9 - _, and never the same twice. With fewer than
   * 128 random bits (OWASP ASVS 5.0, 7.2.3), guessing ids becomes possible: that risk is the application's. Default:
   * 256 random bits.
   */
  genid?: (req: SessionRequest) => string

  /**
   * Whether to believe `X-Forwarded-Proto` on the question of whether the connection is secure: true always, false
   * never. Default: as Express's `req.secure` says, which follows its setting `trust proxy`.
   */
  proxy?: boolean

  /** How long each load and each commit may wait for the store, in milliseconds, retries included. Default 1000. */
  timeout?: number

  /**
   * What becomes of changes to a session that was destroyed, regenerated or expired meanwhile: `'error'` rejects with
   * `ERR_SESSION_GONE`, `'drop'` drops them with a message on the diagnostics channel. Default `'error'`.
   */
  onGone?: 'error' | 'drop'

  /**
   * What becomes of a request whose session cannot be read, because the store failed: `'fail'` answers 503;
   * `'anonymous'` gives it an empty session that is never stored and never replaces the visitor's cookie, while
   * changes to it fail with 503. Default `'fail'`.
   */
  onStoreError?: 'fail' | 'anonymous'

  /**
   * Merges what this request and another one made of a session, where both committed. Default: by top-level key; a
   * key that this request changed takes its value, every other key is the other's.
   */
  merge?: Merge

  /** The most that one session may take in the store, in bytes of its text. Default 1 MiB. */
  maxBytes?: number

  /** How deep objects and arrays in a session may be nested. Default 100. */
  maxDepth?: number
}

/** The options with their defaults, checked. */
export interface Settings extends Required<Omit<SessionOptions, 'secret' | 'cookie' | 'proxy' | 'merge'>> {
  readonly secrets: readonly (string | Buffer)[]
  readonly cookie: CookieOptions
  readonly proxy: boolean | undefined
  readonly merge: Merge | undefined
}

const DAY = 86_400_000
const MAX_TIMER = 2 ** 31 - 1
const KNOWN = [
  ...['secret', 'store', 'name', 'cookie', 'idleTimeout', 'lifetime', 'load', 'rolling', 'renew'],
  ...[
    'saveUninitialized',
    'genid',
    'proxy',
    'timeout',
    'onGone',
    'onStoreError',
    'merge',
    'maxBytes',
    'maxDepth'
  ]
]

/** @throws SessionError `ERR_SESSION_OPTIONS`, naming the option and the remedy */
export function checkOptions(options: SessionOptions): Settings {
  need(isObject(options), 'session() takes an object: session({ secret })')
  const stray = Object.keys(options).find((key) => !KNOWN.includes(key))
  need(stray === undefined, `${stray} is no option; there are ${KNOWN.join(', ')}`)
  const { name = 'sid', cookie = {}, lifetime = 30 * DAY, load = 'eager', timeout = 1000 } = options
  const {
    rolling = false,
    renew = true,
    saveUninitialized = false,
    onGone = 'error',
    onStoreError = 'fail'
  } = options
  const { genid = createId, proxy, merge, maxBytes = 2 ** 20, maxDepth = 100 } = options

  need(isObject(cookie), 'cookie must be an object of cookie attributes')
  checkCookie(name, cookie)
  // Browsers take 4096 bytes of name and value together (RFC 6265bis, 5.6), and a value takes less than 512.
  need(name.length <= 2048, 'name must be 2048 characters or shorter')
  const { maxAge } = cookie
  need(
    maxAge !== 0,
    'cookie.maxAge must be more than 0: leave it out for a cookie that ends with the browser'
  )
  need(
    isPositive(lifetime) || lifetime === Infinity,
    'lifetime must be milliseconds, more than 0, or Infinity'
  )
  need(
    (maxAge ?? 0) <= lifetime,
    'cookie.maxAge must not be above lifetime: raise lifetime, or lower cookie.maxAge'
  )
  const { idleTimeout = maxAge ?? DAY } = options
  need(isPositive(idleTimeout), 'idleTimeout must be milliseconds, more than 0 and finite')
  need(
    isPositive(timeout) && timeout <= MAX_TIMER,
    `timeout must be milliseconds, more than 0, at most ${MAX_TIMER}`
  )
  need(isPositive(maxBytes), 'maxBytes must be bytes, more than 0 and finite')
  need(isPositive(maxDepth), 'maxDepth must be a number of levels, more than 0 and finite')
  for (const [key, value] of Object.entries({ rolling, renew, saveUninitialized, proxy })) {
    need(value === undefined || typeof value === 'boolean', `${key} must be true or false`)
  }
  need(
    ['eager', 'lazy'].includes(load as string) || typeof load === 'function',
    "load must be 'eager', 'lazy' or a function"
  )
  need(load === 'eager' || !rolling, "rolling needs load: 'eager', as an unread session is not renewed")
  need(
    load === 'eager' || !saveUninitialized,
    "saveUninitialized needs load: 'eager', as only a read tells what is new"
  )
  need(onGone === 'error' || onGone === 'drop', "onGone must be 'error' or 'drop'")
  need(onStoreError === 'fail' || onStoreError === 'anonymous', "onStoreError must be 'fail' or 'anonymous'")
  need(typeof genid === 'function', 'genid must be a function that returns an id')
  need(
    merge === undefined || typeof merge === 'function',
    'merge must be a function (base, mine, theirs) => data'
  )

  const secrets = checkSecrets(options.secret)
  const store = checkStore(options.store)
  return {
    ...{ secrets, store, name, cookie, idleTimeout, lifetime, load, rolling, renew, saveUninitialized },
    ...{ genid, proxy, timeout, onGone, onStoreError, merge, maxBytes, maxDepth }
  }
}

const PLACEHOLDERS = ['keyboard cat', 'secret', 'changeme', 'change me', 'your secret', 'shhhh', 'password']

function checkSecrets(secret: SessionOptions['secret']): readonly (string | Buffer)[] {
  const secrets: unknown[] = Array.isArray(secret) ? [...(secret as unknown[])] : [secret]
  need(secrets.length > 0, 'secret must have at least one element')
  for (const one of secrets) {
    const usable = (typeof one === 'string' || Buffer.isBuffer(one)) && one.length > 0
    need(usable, 'secret must be a string or a Buffer that is not empty, or an array of these')
    const weak = PLACEHOLDERS.some((word) => one === word || one.toString().startsWith(`${word} `))
    if (Buffer.byteLength(one) >= 32 && !weak) continue
    const message =
      'secret is a placeholder or shorter than 32 bytes: take a random one, such as ' +
      '`node -p "crypto.randomBytes(32).toString(\'base64url\')"` prints, and keep it out of the source'
    need(process.env.NODE_ENV !== 'production', message)
    process.emitWarning(message, { code: 'HOLDFAST_WEAK_SECRET' })
  }
  return secrets as (string | Buffer)[]
}

function checkStore(store: Store | undefined): Store {
  if (store === undefined) return new MemoryStore()
  const methods = isObject(store) ? (store as unknown as Record<string, unknown>) : {}
  const has = (...names: string[]) => names.every((name) => typeof methods[name] === 'function')
  if (methods.contract === 1 && has('get', 'set', 'touch', 'destroy')) return store
  need(
    !has('get', 'set', 'destroy'),
    'store is made for express-session (it calls back): use a store of this contract, such as RedisStore of holdfast/redis'
  )
  throw new SessionError('ERR_SESSION_OPTIONS', 'store must have contract: 1 and get, set, touch and destroy')
}

function createId(): string {
  return randomBytes(32).toString('base64url')
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER
}

function need(holds: boolean, message: string): asserts holds {
  if (!holds) throw new SessionError('ERR_SESSION_OPTIONS', message)
}
