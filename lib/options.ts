import { randomBytes } from 'node:crypto'
import type { ExpressStore } from './repository/express-store'
import { checkCookie, type CookieOptions } from './cookie/attributes'
import { need, needKnown } from './errors'
import { warnOnce } from './events'
import { warnOfOptions } from './option-warnings'
import type { DeclaredData } from './express-request'
import type { Codec } from './repository/codec'
import type { Merge } from './repository/merge'
import type { Limits } from './repository/record'
import type { AppSession } from './session/session'
import type { StandardSchema } from './standard-schema'
import type { SessionRequest } from './request'
import { MemoryStore } from './stores/memory/memory-store'
import type { Store } from './stores/store'
import type { Transport } from './cookie/transport'

/** What signs the cookie. */
export type Secret = string | Buffer

/** When a session is read: before the handler runs, or when the handler asks for it. */
export type LoadMode = 'eager' | 'lazy'

/**
 * What `session()` takes. All durations are milliseconds.
 *
 * @typeParam Data - the keys that the application keeps in a session
 */
export interface SessionOptions<Data extends object = DeclaredData> {
  /**
   * What signs the cookie (HMAC-SHA-256); 32 bytes or more. Of several, the first signs and each verifies: put a new
   * one in front, and remove the old one when its cookies have had time to be signed anew. To do so while the process
   * runs, change the array in place, or give a function, which is asked at each use. Required.
   */
  secret: Secret | readonly Secret[] | (() => Secret | readonly Secret[])

  /**
   * Where sessions are kept. A store written for express-session works, too, without the second promise in full: it has
   * no conditional write. A function chooses for each request, between stores that stay the same. Default: a `MemoryStore`, which forgets at a restart and serves one process.
   */
  store?: Store | ExpressStore | ((req: SessionRequest) => Store | ExpressStore) | undefined

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
   * When a cookie with a `maxAge` is sent again, so that it starts over: `'half'`, once half of it has passed;
   * `'always'`, with every response; `'never'`. A response that wrote nothing sends it only after the store said that the
   * session is still there. `'always'` needs `load: 'eager'`, and sends a cookie without `maxAge`, too. Default `'half'`.
   */
  renew?: 'half' | 'always' | 'never' | undefined

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
   * What becomes of changes to a session that was destroyed, regenerated or expired meanwhile: `'throw'` rejects with
   * `ERR_SESSION_GONE`, `'drop'` drops them with a message on the diagnostics channel. Default `'throw'`.
   */
  whenGone?: 'throw' | 'drop' | undefined

  /**
   * What becomes of a request whose session cannot be read, because the store failed: `'throw'` answers 503;
   * `'anonymous'` gives it an empty session that is never stored and never replaces the visitor's cookie, while
   * changes to it fail with 503. Default `'throw'`.
   */
  whenUnreadable?: 'throw' | 'anonymous' | undefined

  /**
   * Merges what this request and another one made of a session, where both committed. Default: by top-level key; a
   * key that this request changed takes its value, every other key is the other's.
   */
  merge?: Merge | undefined

  /**
   * What the application's data have to be like: a schema of zod, valibot or another library with Standard Schema, which
   * also gives `sessions.of(req)` and its like their types. Each session that is read is checked, after Holdfast's own part
   * was taken out. What the schema makes of the data is written over them, so that a transform brings sessions of an older
   * version up to date, and keys that it does not know stay. Keys may be absent. One that does not fit is no session: the
   * visitor is anonymous, with `holdfast:rejected` for the reason `schema`. Default: every session fits.
   */
  schema?: StandardSchema<Data> | undefined

  /**
   * How long the browser keeps the cookie after `regenerate({ remember: true })`, in milliseconds from each use, and how
   * long the session lives between two uses. Default 30 days, or `lifetime` if that is less.
   */
  rememberFor?: number | undefined

  /**
   * Whether a loaded session counts: false, and the visitor is anonymous, with a new id. Its record stays as it is.
   * Default: every session does.
   */
  valid?: { of(req: SessionRequest, session: AppSession<Data>): boolean | Promise<boolean> }['of'] | undefined

  /**
   * A last look at a session that is about to be stored; what it changes is stored, too. With `update` it sees what the
   * function made of it, and may be called again. What it throws, the commit fails with.
   */
  beforeSave?: { of(req: SessionRequest, session: AppSession<Data>): void }['of'] | undefined

  /**
   * Whose a session is: a text that names the user, or undefined (null, `''`) for nobody's. Makes `sessions.list(user)` and
   * `sessions.destroy(user)` work, on a store with an index, as MemoryStore and RedisStore have one. Asked at each commit,
   * with the session as it will be stored, whose methods it must not call. Default: no session is anybody's.
   */
  user?: { of(session: AppSession<Data>): string | null | undefined }['of'] | undefined

  /**
   * Whether the response stores what changed. With false only `save` and `update` store, and a new id from
   * `regenerate` comes into being with the next of them. Default true.
   */
  autoCommit?: boolean | undefined

  /**
   * The text that a store keeps for a session: `encode` makes it of an object of JSON values, and `decode` is its inverse,
   * throws for what it cannot read, and gives the object that becomes the session. Default: JSON.
   */
  codec?: Codec | undefined

  /**
   * The most that one session may take in the store: `bytes` of its text (default 1 MiB), and the `depth` to which objects
   * and arrays are nested (default 100).
   */
  limits?: { readonly bytes?: number | undefined; readonly depth?: number | undefined } | undefined
}

/** Options that have no default but to be absent. */
type Absent = 'schema' | 'valid' | 'beforeSave' | 'user' | 'codec' | 'transport' | 'merge' | 'proxy'

type Defined<T> = { [Key in keyof T]-?: Exclude<T[Key], undefined> }

/** The options with their defaults, checked. */
export interface Settings
  extends
    Defined<Omit<SessionOptions, 'secret' | 'cookie' | 'limits' | Absent>>,
    Pick<SessionOptions, Absent> {
  /** A function answers with them as they are now: an application may replace them while it runs. */
  readonly secrets: readonly Secret[] | (() => readonly Secret[])
  readonly cookie: CookieOptions
  readonly limits: Limits
}

const DAY = 86_400_000
const MAX_TIMER = 2 ** 31 - 1

interface Rule {
  readonly default?: unknown
  readonly accepts: (value: unknown) => boolean
  readonly must: string
}

const isFunction = (value: unknown) => typeof value === 'function'
const isFlag = (value: unknown) => typeof value === 'boolean'
const flag = (initial?: boolean): Rule => ({ default: initial, accepts: isFlag, must: 'be true or false' })
const hook = (form: string): Rule => ({ accepts: isFunction, must: `be a function ${form}` })
const oneOf = (...values: readonly [string, ...string[]]): Rule => ({
  default: values[0],
  accepts: (value) => values.includes(value as string),
  must: `be ${values.map((value) => `'${value}'`).join(' or ')}`
})

/** Each option with its default, and what is asked of it alone. `secret`, `store` and `cookie` have more to be asked. */
const RULES: Record<keyof SessionOptions, Rule> = {
  secret: { accepts: () => true, must: '' },
  store: { accepts: () => true, must: '' },
  signed: flag(true),
  transport: {
    accepts: (value) => hasMethods(value, 'read', 'write', 'clear'),
    must: 'have the functions read, write and clear'
  },
  name: { default: 'sid', accepts: () => true, must: '' },
  cookie: { default: {}, accepts: isObject, must: 'be an object of cookie attributes' },
  idleTimeout: { accepts: isPositive, must: 'be milliseconds, more than 0 and finite' },
  lifetime: {
    default: 30 * DAY,
    accepts: (value) => isPositive(value) || value === Infinity,
    must: 'be milliseconds, more than 0, or Infinity'
  },
  load: {
    default: 'eager',
    accepts: (value) => value === 'eager' || value === 'lazy' || isFunction(value),
    must: "be 'eager', 'lazy' or a function"
  },
  renew: oneOf('half', 'always', 'never'),
  saveUninitialized: flag(false),
  genid: { default: createId, accepts: isFunction, must: 'be a function that returns an id' },
  proxy: flag(),
  timeout: {
    default: 1000,
    accepts: (value) => isPositive(value) && (value as number) <= MAX_TIMER,
    must: `be milliseconds, more than 0, at most ${MAX_TIMER}`
  },
  whenGone: oneOf('throw', 'drop'),
  whenUnreadable: oneOf('throw', 'anonymous'),
  merge: hook('(base, mine, theirs) => data'),
  schema: {
    accepts: (value) =>
      (isObject(value) || isFunction(value)) &&
      hasMethods((value as Partial<StandardSchema>)['~standard'], 'validate'),
    must: 'be a schema of a library with Standard Schema, such as zod or valibot'
  },
  rememberFor: { accepts: isPositive, must: 'be milliseconds, more than 0 and finite' },
  valid: hook('(req, session) => boolean'),
  beforeSave: hook('(req, session) => void'),
  user: hook('(session) => string | undefined'),
  autoCommit: flag(true),
  codec: {
    accepts: (value) => hasMethods(value, 'encode', 'decode'),
    must: 'have the functions encode and decode'
  },
  limits: {
    default: { bytes: 2 ** 20, depth: 100 },
    accepts: isObject,
    must: 'be an object, { bytes, depth }'
  }
}

const KNOWN = Object.keys(RULES) as (keyof SessionOptions)[]

/** Options under the names that other libraries have for them, and that Holdfast had. */
const ELSEWHERE: Record<string, string> = {
  onGone: "whenGone: 'throw' or 'drop'",
  onStoreError: "whenUnreadable: 'throw' or 'anonymous'",
  rolling: "renew: 'always'",
  serialize: 'codec: { encode, decode }',
  deserialize: 'codec: { encode, decode }',
  maxBytes: 'limits: { bytes }',
  maxDepth: 'limits: { depth }',
  key: 'name',
  keys: 'secret: [newest, older]',
  ttl: 'idleTimeout, in milliseconds',
  maxAge: 'cookie: { maxAge }, or idleTimeout',
  ...Object.fromEntries(
    ['path', 'domain', 'httpOnly', 'secure', 'sameSite', 'expires', 'partitioned', 'priority'].map((name) => [
      name,
      `cookie: { ${name} }`
    ])
  )
}
const EXPRESS_SESSION = ['resave', 'unset']

/** @throws SessionError `ERR_SESSION_OPTIONS`, naming the option and the remedy */
export function checkOptions(options: SessionOptions): Settings {
  need(isObject(options), 'session() takes an object: session({ secret })')
  needCalled(options)
  for (const name of Object.keys(options)) {
    const isForeign = EXPRESS_SESSION.includes(name)
    const remedy = "belongs to express-session: leave it out, or require('holdfast/express-session')"
    need(!isForeign, `session() has no option ${name}: it ${remedy}`)
    const elsewhere = Object.keys(ELSEWHERE).find((other) => other.toLowerCase() === name.toLowerCase())
    need(elsewhere === undefined, `session() has no option ${name}: it is ${ELSEWHERE[elsewhere!]}`)
  }
  needKnown('session()', options, KNOWN)
  const settings: Record<string, unknown> = {}
  for (const name of KNOWN) {
    const rule = RULES[name]
    // eslint-disable-next-line @typescript-eslint/prefer-nullish-coalescing -- null is a value that is wrong
    const value: unknown = options[name] === undefined ? rule.default : options[name]
    if (value === undefined) continue
    need(rule.accepts(value), `${name} must ${rule.must}${name === 'renew' ? formerRenew(value) : ''}`)
    settings[name] = value
  }
  const { secret, store, ...rest } = settings as unknown as SessionOptions
  const { cookie = {} } = rest
  const given = {
    idleTimeout: cookie.maxAge ?? DAY,
    rememberFor: Math.min(rest.lifetime ?? Infinity, 30 * DAY),
    ...rest,
    cookie
  } as Checked
  const checked = { ...given, limits: checkLimits(given.limits) }
  checkTogether(checked)
  warnOfOptions(options)
  return {
    ...checked,
    secrets: checkSecrets(secret),
    // eslint-disable-next-line @typescript-eslint/prefer-nullish-coalescing -- null is a value that is wrong
    store: checkedStore(store === undefined ? new MemoryStore() : store)
  }
}

/** @throws SessionError `ERR_SESSION_OPTIONS` for a request: `app.use(session)` calls the function with one */
export function needCalled(options: object): void {
  const isRequest = 'headers' in options && 'method' in options
  need(!isRequest, 'session was given to the application as it is: call it, app.use(session({ secret }))')
}

function formerRenew(value: unknown): string {
  return typeof value === 'boolean' ? `; ${value} is '${value ? 'half' : 'never'}' now` : ''
}

type Checked = Omit<Settings, 'secrets' | 'store'>

/** What one option asks of another one. */
function checkTogether({
  name,
  cookie,
  lifetime,
  rememberFor,
  load,
  renew,
  saveUninitialized
}: Checked): void {
  checkCookie(name, cookie)
  // Browsers take 4096 bytes of name and value together (RFC 6265bis, 5.6), and a value takes less than 512.
  need(name.length <= 2048, 'name must be 2048 characters or shorter')
  const { maxAge } = cookie
  need(
    maxAge !== 0,
    'cookie.maxAge must be more than 0: leave it out for a cookie that ends with the browser'
  )
  need(
    (maxAge ?? 0) <= lifetime,
    'cookie.maxAge must not be above lifetime: raise lifetime, or lower cookie.maxAge'
  )
  need(
    rememberFor <= lifetime,
    'rememberFor must not be above lifetime: raise lifetime, or lower rememberFor'
  )
  need(
    load === 'eager' || renew !== 'always',
    "renew: 'always' needs load: 'eager', as an unread session is not renewed"
  )
  need(
    load === 'eager' || !saveUninitialized,
    "saveUninitialized needs load: 'eager', as only a read tells what is new"
  )
}

const KNOWN_LIMITS = ['bytes', 'depth'] as const

function checkLimits(given: { bytes?: unknown; depth?: unknown }): Limits {
  needKnown('limits', given, KNOWN_LIMITS)
  const limits = { ...(RULES.limits.default as { bytes: number; depth: number }) }
  for (const name of KNOWN_LIMITS) {
    const { [name]: value = limits[name] } = given
    need(isPositive(value), `limits.${name} must be a number, more than 0 and finite`)
    limits[name] = value as number
  }
  return limits
}

const PLACEHOLDERS = ['keyboard cat', 'secret', 'changeme', 'change me', 'your secret', 'shhhh', 'password']

/** Asks for the secrets as they are now: an application may replace them, and what is new is checked. */
function checkSecrets(secret: SessionOptions['secret']): Settings['secrets'] {
  let known: readonly unknown[] = []
  const secrets = () => {
    const now: unknown = typeof secret === 'function' ? secret() : secret
    const list: readonly unknown[] = Array.isArray(now) ? now : [now]
    if (list.length === 0 || list.length !== known.length || list.some((one, i) => one !== known[i])) {
      need(list.length > 0, 'secret must have at least one element')
      list.forEach((one, index) => checkSecret(one, index, list.length > 1 ? `secret[${index}]` : 'secret'))
      known = [...list]
    }
    return known as readonly Secret[]
  }
  const first = secrets()
  return typeof secret === 'string' ? first : secrets
}

/** Only the first has to be strong: the others only verify, and must stay until their cookies are signed anew. */
function checkSecret(secret: unknown, index: number, name: string): void {
  const usable = (typeof secret === 'string' || Buffer.isBuffer(secret)) && secret.length > 0
  const hint = secret === undefined ? '; it is undefined: is the environment variable set?' : ''
  need(usable, `${name} must be a string or a Buffer that is not empty, or an array of these${hint}`)
  if (!isWeak(secret)) return
  const remedy =
    index === 0
      ? 'take a random one, such as `npx holdfast secret` prints, and keep it out of the source'
      : 'it only verifies, and whoever guesses it can sign: remove it as soon as its cookies are signed anew'
  const message = `${name} is a placeholder or shorter than 32 bytes: ${remedy}`
  need(index > 0 || process.env.NODE_ENV !== 'production', message)
  warnOnce('HOLDFAST_WEAK_SECRET', message)
}

/** Whether others can guess the secret. */
export function isWeak(secret: Secret): boolean {
  if (Buffer.byteLength(secret) < 32) return true
  return PLACEHOLDERS.some((word) => secret === word || secret.toString().startsWith(`${word} `))
}

function checkedStore(store: Settings['store']): Settings['store'] {
  return isChooser(store) ? store : checkStore(store)
}

/** A class is no function that gives stores: `new` was forgotten. */
function isChooser(
  store: Settings['store']
): store is Extract<Settings['store'], (...args: never) => unknown> {
  return typeof store === 'function' && !isClass(store)
}

function isClass(value: unknown): value is { name: string } {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
}

/** @throws SessionError `ERR_SESSION_OPTIONS` for what is often given instead of a store */
export function needStore(given: unknown): void {
  need(
    !isClass(given),
    `store is the class itself: make a store of it, new ${(given as { name?: string } | null)?.name}(…)`
  )
  need(
    typeof given !== 'string',
    "store must not be an address: import RedisStore from 'holdfast/redis', and give it RedisStore.connect(url)"
  )
  need(
    !hasMethods(given, 'sendCommand'),
    "store is a client of Redis: import RedisStore from 'holdfast/redis', and give it new RedisStore(client)"
  )
}

/** @throws SessionError `ERR_SESSION_OPTIONS` for what is no store */
export function checkStore(store: Store | ExpressStore): Store | ExpressStore {
  const given: unknown = store
  needStore(given)
  const isOurs = isObject(given) && 'contract' in given
  need(
    hasMethods(given, 'get', 'set', 'destroy') &&
      (!isOurs || (given.contract === 1 && hasMethods(given, 'touch'))),
    'store must have contract: 1 and get, set, touch and destroy, or be a store written for express-session'
  )
  return store
}

function hasMethods(value: unknown, ...names: string[]): boolean {
  return (
    isObject(value) && names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  )
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
