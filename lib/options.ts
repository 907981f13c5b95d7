import { randomBytes } from 'node:crypto'
import type { CallbackStore } from './repository/express-store'
import { checkCookie, type CookieOptions } from './cookie/attributes'
import { need } from './errors'
import type { Merge } from './repository/merge'
import type { Session } from './session/session'
import type { SessionRequest } from './request'
import { MemoryStore } from './stores/memory/memory-store'
import type { Store } from './stores/store'
import type { Transport } from './cookie/transport'

/** When a session is read: before the handler runs, or when the handler asks for it. */
export type LoadMode = 'eager' | 'lazy'

/**
 * What `session()` takes. All durations are milliseconds.
 *
 * @typeParam S - a session with the keys that the application declared
 */
export interface SessionOptions<S extends Session = Session> {
  /**
   * What signs the cookie (HMAC-SHA-256); 32 bytes or more. Of several, the first signs and each verifies: put a new
   * one in front, and remove the old one when its cookies have had time to be signed anew. Required.
   */
  secret: string | Buffer | readonly (string | Buffer)[]

  /**
   * Where sessions are kept. A store written for express-session works, too, without the second promise in full: it has
   * no conditional write. A function chooses for each request, between stores that stay the same. Default: a `MemoryStore`, which forgets at a restart and serves one process.
   */
  store?: Store | CallbackStore | ((req: SessionRequest) => Store | CallbackStore) | undefined

  /**
   * Whether the cookie carries a signature. Without one, whoever guesses an id has the session, so that ids are all the
   * protection there is. Default true.
   */
  signed?: boolean | undefined

  /**
   * How the session id travels, for clients that keep no cookies: `headerTransport('x-session-id')`, or an object of
   * one's own. Default: in a cookie.
   */
  transport?: Transport | undefined

  /** The name of the cookie. Default `'sid'`. */
  name?: string | undefined

  /** The attributes of the cookie. Default: `path: '/'`, `httpOnly`, `secure: 'auto'`, `sameSite: 'lax'`, no `maxAge`. */
  cookie?: CookieOptions | undefined

  /**
   * How long a session lives without being used, in milliseconds. Default: `cookie.maxAge` where that is given, else
   * one day. With `load: 'lazy'`, a request whose handler never asks for the session does not use it.
   */
  idleTimeout?: number | undefined

  /**
   * How long a session lives at most, in milliseconds, however much it is used. Default 30 days; `Infinity` switches
   * it off.
   */
  lifetime?: number | undefined

  /**
   * `'eager'` reads the session before the handler runs, so that all code written for `req.session.x` works. `'lazy'`
   * reads it when the handler says `await req.session.load()` or `update`; a route that does neither costs no round
   * trip. A function decides for each request. Default `'eager'`.
   */
  load?: (LoadMode | ((req: SessionRequest) => LoadMode)) | undefined

  /**
   * Sends the cookie again with every response, so that a cookie with `maxAge` starts over each time. By a response
   * that wrote nothing only after the store said that the session is still there. Needs `load: 'eager'`. Default false.
   */
  rolling?: boolean | undefined

  /** Sends a cookie with a `maxAge` again when half of it has passed. Default true. */
  renew?: boolean | undefined

  /** Stores new sessions that nobody put anything into, and sends their cookie. Needs `load: 'eager'`. Default false. */
  saveUninitialized?: boolean | undefined

  /**
   * Makes the id of a new session: 1 to 128 characters of A–Z a–z 0–9 - _, and never the same twice. With fewer than
   * 128 random bits (OWASP ASVS 5.0, 7.2.3), guessing ids becomes possible: that risk is the application's. Default:
   * 256 random bits.
   */
  genid?: ((req: SessionRequest) => string) | undefined

  /**
   * Whether to believe `X-Forwarded-Proto` on the question of whether the connection is secure: true always, false
   * never. Default: as Express's `req.secure` says, which follows its setting `trust proxy`.
   */
  proxy?: boolean | undefined

  /** How long each load and each commit may wait for the store, in milliseconds, retries included. Default 1000. */
  timeout?: number | undefined

  /**
   * What becomes of changes to a session that was destroyed, regenerated or expired meanwhile: `'error'` rejects with
   * `ERR_SESSION_GONE`, `'drop'` drops them with a message on the diagnostics channel. Default `'error'`.
   */
  onGone?: 'error' | 'drop' | undefined

  /**
   * What becomes of a request whose session cannot be read, because the store failed: `'fail'` answers 503;
   * `'anonymous'` gives it an empty session that is never stored and never replaces the visitor's cookie, while
   * changes to it fail with 503. Default `'fail'`.
   */
  onStoreError?: 'fail' | 'anonymous' | undefined

  /**
   * Merges what this request and another one made of a session, where both committed. Default: by top-level key; a
   * key that this request changed takes its value, every other key is the other's.
   */
  merge?: Merge | undefined

  /**
   * Whether a loaded session counts: false, and the visitor is anonymous, with a new id. Its record stays as it is.
   * Default: every session does.
   */
  valid?: ((req: SessionRequest, session: Session) => boolean | Promise<boolean>) | undefined

  /**
   * A last look at a session that is about to be stored; what it changes is stored, too. With `update` it sees what the
   * function made of it, and may be called again. What it throws, the commit fails with.
   */
  beforeSave?: ((req: SessionRequest, session: Session) => void) | undefined

  /**
   * Whose a session is: a text that names the user, or undefined (null, `''`) for nobody's. Makes `sessions.list(user)` and
   * `sessions.destroy(user)` work, on a store with an index, as MemoryStore and RedisStore have one. Asked at each commit,
   * with the session as it will be stored, whose methods it must not call. Default: no session is anybody's.
   */
  user?: { of(session: S): string | null | undefined }['of'] | undefined

  /**
   * Whether the response stores what changed. With false only `save` and `update` store, and a new id from
   * `regenerate` comes into being with the next of them. Default true.
   */
  autoCommit?: boolean | undefined

  /**
   * The text that a store keeps for a session, made of an object of JSON values. With `deserialize`, which is its
   * inverse, throws for what it cannot read, and whose object becomes the session. Default: `JSON.stringify`.
   */
  serialize?: ((record: Record<string, unknown>) => string) | undefined

  /** See `serialize`. Default: `JSON.parse`. */
  deserialize?: ((text: string) => Record<string, unknown>) | undefined

  /** The most that one session may take in the store, in bytes of its text. Default 1 MiB. */
  maxBytes?: number | undefined

  /** How deep objects and arrays in a session may be nested. Default 100. */
  maxDepth?: number | undefined
}

/** Options that have no default but to be absent. */
type Absent = 'valid' | 'beforeSave' | 'user' | 'serialize' | 'deserialize' | 'transport' | 'merge' | 'proxy'

type Defined<T> = { [Key in keyof T]-?: Exclude<T[Key], undefined> }

/** The options with their defaults, checked. */
export interface Settings
  extends Defined<Omit<SessionOptions, 'secret' | 'cookie' | Absent>>, Pick<SessionOptions, Absent> {
  readonly secrets: readonly (string | Buffer)[]
  readonly cookie: CookieOptions
}

const DAY = 86_400_000
const MAX_TIMER = 2 ** 31 - 1
const DEFAULTS = {
  signed: true,
  name: 'sid',
  lifetime: 30 * DAY,
  load: 'eager',
  rolling: false,
  renew: true,
  saveUninitialized: false,
  autoCommit: true,
  genid: createId,
  timeout: 1000,
  onGone: 'error',
  onStoreError: 'fail',
  maxBytes: 2 ** 20,
  maxDepth: 100
} as const
const OTHERS = ['secret', 'store', 'transport', 'cookie', 'idleTimeout', 'proxy', 'merge']
const HOOKS = ['valid', 'beforeSave', 'user', 'serialize', 'deserialize']
const KNOWN = [...Object.keys(DEFAULTS), ...OTHERS, ...HOOKS]

/** @throws SessionError `ERR_SESSION_OPTIONS`, naming the option and the remedy */
export function checkOptions(options: SessionOptions): Settings {
  need(isObject(options), 'session() takes an object: session({ secret })')
  const stray = Object.keys(options).find((key) => !KNOWN.includes(key))
  const remedy =
    stray === 'resave' || stray === 'unset'
      ? "it belongs to express-session: leave it out, or require('holdfast/express-session')"
      : `there are ${KNOWN.join(', ')}`
  need(stray === undefined, `${stray} is no option; ${remedy}`)
  const given: Record<string, unknown> = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined)
  )
  const {
    secret,
    cookie = {},
    idleTimeout = cookie?.maxAge ?? DAY,
    ...rest
  } = given as unknown as SessionOptions
  const settings = { ...DEFAULTS, ...rest, cookie, idleTimeout }
  checkCookieOptions(settings)
  checkTimes(settings)
  checkChoices(settings)
  for (const key of HOOKS) {
    const hook = given[key]
    need(hook === undefined || typeof hook === 'function', `${key} must be a function`)
  }
  need(
    (settings.serialize === undefined) === (settings.deserialize === undefined),
    'serialize and deserialize must be given together, as each undoes the other'
  )
  const secrets = checkSecrets(secret)
  const { store = new MemoryStore() } = settings
  return { ...settings, secrets, store: isChooser(store) ? store : checkStore(store) }
}

/** A class is no function that gives stores: `new` was forgotten. */
function isChooser(
  store: Settings['store']
): store is Extract<Settings['store'], (...args: never) => unknown> {
  return typeof store === 'function' && !/^class\b/.test(Function.prototype.toString.call(store))
}

type Checked = Omit<Settings, 'secrets' | 'store'>

function checkCookieOptions({ name, cookie, lifetime, transport }: Checked): void {
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
  const methods = (transport ?? {}) as Record<string, unknown>
  const isWhole = ['read', 'write', 'clear'].every((name) => typeof methods[name] === 'function')
  need(transport === undefined || isWhole, 'transport must have the functions read, write and clear')
}

function checkTimes({ idleTimeout, timeout, maxBytes, maxDepth }: Checked): void {
  need(isPositive(idleTimeout), 'idleTimeout must be milliseconds, more than 0 and finite')
  need(
    isPositive(timeout) && timeout <= MAX_TIMER,
    `timeout must be milliseconds, more than 0, at most ${MAX_TIMER}`
  )
  need(isPositive(maxBytes), 'maxBytes must be bytes, more than 0 and finite')
  need(isPositive(maxDepth), 'maxDepth must be a number of levels, more than 0 and finite')
}

function checkChoices(settings: Checked): void {
  const { load, rolling, renew, saveUninitialized, autoCommit, signed, proxy, onGone, onStoreError } =
    settings
  const flags = { rolling, renew, saveUninitialized, autoCommit, signed, proxy }
  for (const [key, value] of Object.entries(flags)) {
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
  need(typeof settings.genid === 'function', 'genid must be a function that returns an id')
  const { merge } = settings
  need(
    merge === undefined || typeof merge === 'function',
    'merge must be a function (base, mine, theirs) => data'
  )
}

const PLACEHOLDERS = ['keyboard cat', 'secret', 'changeme', 'change me', 'your secret', 'shhhh', 'password']

function checkSecrets(secret: SessionOptions['secret']): readonly (string | Buffer)[] {
  const secrets: unknown[] = Array.isArray(secret) ? [...(secret as unknown[])] : [secret]
  need(secrets.length > 0, 'secret must have at least one element')
  for (const one of secrets) {
    const usable = (typeof one === 'string' || Buffer.isBuffer(one)) && one.length > 0
    const hint = one === undefined ? '; it is undefined: is the environment variable set?' : ''
    need(usable, `secret must be a string or a Buffer that is not empty, or an array of these${hint}`)
    const weak = PLACEHOLDERS.some((word) => one === word || one.toString().startsWith(`${word} `))
    if (Buffer.byteLength(one) >= 32 && !weak) continue
    const message =
      'secret is a placeholder or shorter than 32 bytes: take a random one, such as `npx holdfast secret` prints, ' +
      'and keep it out of the source'
    need(process.env.NODE_ENV !== 'production', message)
    process.emitWarning(message, { code: 'HOLDFAST_WEAK_SECRET' })
  }
  return secrets as (string | Buffer)[]
}

/** @throws SessionError `ERR_SESSION_OPTIONS` for what is no store */
export function checkStore(store: Store | CallbackStore): Store | CallbackStore {
  const methods = isObject(store) ? (store as unknown as Record<string, unknown>) : {}
  const has = (...names: string[]) => names.every((name) => typeof methods[name] === 'function')
  const isUsable = 'contract' in methods ? methods.contract === 1 && has('touch') : true
  need(
    has('get', 'set', 'destroy') && isUsable,
    'store must have contract: 1 and get, set, touch and destroy, or be a store written for express-session'
  )
  return store
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
