import { randomBytes } from 'node:crypto'
import type { ExpressStore } from './repository/express-store'
import { checkCookie, type CookieOptions } from './cookie/attributes'
import { need, needKnown, refusePromise } from './errors'
import { warnOnce } from './events'
import { warnOfOptions } from './option-warnings'
import type { DeclaredData } from './express-request'
import type { Codec } from './repository/codec'
import type { Limits } from './repository/record'
import type { AppSession } from './session/session'
import type { Stored } from './session-data'
import type { StandardSchema } from './standard-schema'
import type { SessionRequest } from './request'
import { MemoryStore } from './stores/memory/memory-store'
import type { Store } from './stores/store'
import type { Transport } from './cookie/transport'

/** A secret that signs the cookie. */
export type Secret = string | Buffer

/** When a session is read: `'eager'`, before the handler runs; `'lazy'`, when the handler asks for it. */
export type LoadMode = 'eager' | 'lazy'

/**
 * The options of `session()`. All durations are milliseconds.
 *
 * @typeParam Data - the keys that the application keeps in a session
 */
export interface SessionOptions<Data extends object = DeclaredData> {
  /**
   * Signs the cookie (HMAC-SHA-256). Use at least 32 bytes. In an array, the first secret signs and all of them
   * verify: to rotate, add a new one at the front, and remove the old one after its cookies have had time to be
   * signed again. To rotate while the process runs, change the array in place, or pass a function, which is called at
   * each use. Required.
   */
  secret: Secret | readonly Secret[] | (() => Secret | readonly Secret[])

  /**
   * Keeps the sessions. A store written for express-session works too, but it has no conditional write, so it does
   * not keep the second promise in full. A function chooses a store for each request, always from the same few store
   * objects. Default: a `MemoryStore`, which forgets everything at a restart and serves one process.
   */
  store?: Store | ExpressStore | { of(req: SessionRequest): Store | ExpressStore }['of'] | undefined

  /**
   * Signs the id in the cookie. Without a signature, anyone who guesses an id has the session, so the ids are its
   * only protection. Default true.
   */
  signed?: boolean | undefined

  /**
   * Carries the session id for clients that keep no cookies: `headerTransport('x-session-id')`, or an object of your
   * own. Default: a cookie.
   */
  transport?: Transport | undefined

  /** The name of the cookie. Default `'sid'`. */
  name?: string | undefined

  /** The attributes of the cookie. Default: `path: '/'`, `httpOnly`, `secure: 'auto'`, `sameSite: 'lax'`, no `maxAge`. */
  cookie?: CookieOptions | undefined

  /**
   * How long an unused session lives, in milliseconds. Default: `cookie.maxAge` if it is set, otherwise one day. With
   * `load: 'lazy'`, a request whose handler never asks for the session does not count as a use.
   */
  idleTimeout?: number | undefined

  /**
   * How long a session lives at most, in milliseconds, no matter how often it is used. Default 30 days; `Infinity`
   * removes the limit.
   */
  lifetime?: number | undefined

  /**
   * `'eager'` reads the session before the handler runs, so all code written for `req.session.x` works. `'lazy'`
   * reads it when the handler calls `await req.session.load()` or `update`; a route that calls neither costs no round
   * trip. A function decides for each request. Default `'eager'`.
   */
  load?: LoadMode | { of(req: SessionRequest): LoadMode }['of'] | undefined

  /**
   * When to send a cookie with a `maxAge` again, so that its life starts over: `'half'`, once half of it has passed;
   * `'always'`, with every response; `'never'`. A response that wrote nothing sends the cookie only after the store
   * has confirmed that the session still exists. `'always'` needs `load: 'eager'`, and also sends a cookie without
   * `maxAge`. Default `'half'`.
   */
  renew?: 'half' | 'always' | 'never' | undefined

  /** Stores new sessions even while they are empty, and sends their cookies. Needs `load: 'eager'`. Default false. */
  saveUninitialized?: boolean | undefined

  /**
   * Makes the id of a new session: 1 to 128 characters of A–Z a–z 0–9 - _, and never the same id twice. With fewer
   * than 128 random bits (OWASP ASVS 5.0, 7.2.3), an attacker may guess ids: that risk is yours. Default: 256 random
   * bits.
   */
  genid?: { of(req: SessionRequest): string }['of'] | undefined

  /**
   * Trusts `X-Forwarded-Proto` to say whether the connection is secure: true always, false never. Default: Express's
   * `req.secure` decides, which follows its setting `trust proxy`.
   */
  proxy?: boolean | undefined

  /** How long each load and each commit may wait for the store, in milliseconds, including retries. Default 1000. */
  timeout?: number | undefined

  /**
   * How to treat changes to a session that was destroyed, regenerated or expired in the meantime: `'throw'` rejects
   * with `ERR_SESSION_GONE`; `'drop'` drops the changes and publishes `holdfast:dropped` on the diagnostics channel,
   * and `update` resolves to undefined. Default `'throw'`.
   */
  whenGone?: 'throw' | 'drop' | undefined

  /**
   * How to treat a request whose session cannot be read because the store failed: `'throw'` answers 503;
   * `'anonymous'` gives the request an empty session that is never stored and never replaces the visitor's cookie,
   * and changes to it fail with 503. Default `'throw'`.
   */
  whenUnreadable?: 'throw' | 'anonymous' | undefined

  /**
   * Merges the changes of this request with those of another request that committed first. Default: by top-level key.
   * A key that this request changed takes its value; every other key takes the other request's value. Each argument
   * has all of the data: `base`, as both requests found it; `mine`, as this request has it; `theirs`, as it is stored
   * now. The result replaces it, so `{ ...theirs, ...mine }` would undo a change that the other response has confirmed.
   */
  merge?: { of(base: Stored<Data>, mine: Stored<Data>, theirs: Stored<Data>): Stored<Data> }['of'] | undefined

  /**
   * Checks the application's data: a schema of zod, valibot or another library with Standard Schema. It also gives
   * `sessions.of(req)` and the other methods their types. Holdfast checks each session that it reads, without its own
   * fields, and writes the schema's output over the data. A transform can therefore bring sessions of an older
   * version up to date; keys that the schema does not know stay. Keys may be absent. If a session does not fit, it
   * does not count: the visitor is anonymous, `holdfast:rejected` gives the reason `schema` and the key, and a warning
   * in development the issue. Default: every session fits.
   */
  schema?: StandardSchema<Data> | undefined

  /**
   * How long the browser keeps the cookie after `regenerate({ remember: true })`, in milliseconds from each use, and
   * how long the session lives between two uses. Default 30 days, or `cookie.maxAge` if that is longer, but at most
   * `lifetime`.
   */
  rememberFor?: number | undefined

  /**
   * Decides whether a loaded session counts. If the answer is false, the visitor is anonymous and gets a new id; the
   * record stays as it is. No answer counts as no, with a warning in development. The session waits for it: take the second argument, as `req.session` is not there
   * yet, or its methods fail (`ERR_SESSION_DATA`). It is asked about sessions without a user, too, such as carts of
   * visitors: `valid: async (req, s) => !s.userId || (await isActive(s.userId))`. Default: every session counts.
   */
  valid?: { of(req: SessionRequest, session: AppSession<Data>): boolean | Promise<boolean> }['of'] | undefined

  /**
   * Sees each session before it is stored, and may change it. With `update`, it sees the function's result, and may
   * be called more than once. If it throws, the commit fails with that error. It changes the session itself, and calls
   * none of its methods: the commit would fail, as it does if a changed copy is returned.
   */
  beforeSave?: { of(req: SessionRequest, session: AppSession<Data>): NoCopy<Data> }['of'] | undefined

  /**
   * Names the user of a session: a string, or undefined (also null or `''`) if the session belongs to nobody.
   * `sessions.list(user)` and `sessions.destroy(user)` need it, and a store with an index, such as MemoryStore or
   * RedisStore. Called at each commit, with the session as it will be stored; it must not call the session's methods.
   * Default: no session has a user.
   */
  user?: { of(session: AppSession<Data>): string | null | undefined }['of'] | undefined

  /**
   * Stores changes before the response leaves. With false, only `save` and `update` store, and the next of them also
   * stores a new id from `regenerate`. Default true.
   */
  autoCommit?: boolean | undefined

  /**
   * Converts a session's data to the text in the store and back. `encode` takes an object of JSON values and returns
   * a string. `decode` does the reverse: it returns the object that becomes the session, and throws if it cannot read
   * the text. Default: JSON.
   */
  codec?: Codec | undefined

  /**
   * Limits the size of a session in the store: `bytes` of its text (default 1 MiB), and the `depth` of nested objects
   * and arrays (default 100).
   */
  limits?: { readonly bytes?: number | undefined; readonly depth?: number | undefined } | undefined
}

/** A function of one expression returns something. Only another object could be taken for data that are to be stored. */
type NoCopy<Data extends object> = AppSession<Data> | string | number | boolean | null | undefined | void

/** Options that have no default but to be absent. */
type Absent = 'schema' | 'valid' | 'beforeSave' | 'user' | 'codec' | 'transport' | 'merge' | 'proxy'

type Defined<T> = { [Key in keyof T]-?: Exclude<T[Key], undefined> }

/** A function answers with them as they are now: an application may replace them while it runs. */
export type Secrets = readonly Secret[] | (() => readonly Secret[])

/** The options with their defaults, checked, but for the secrets: requests lead to these. */
export interface Settings
  extends
    Defined<Omit<SessionOptions, 'secret' | 'cookie' | 'limits' | Absent>>,
    Pick<SessionOptions, Absent> {
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

export const KNOWN = Object.keys(RULES) as (keyof SessionOptions)[]

/** Options under the names that other libraries have for them, and that Holdfast had. */
const ELSEWHERE: Record<string, string> = {
  onGone: "it is whenGone: 'throw' or 'drop'",
  onStoreError: "it is whenUnreadable: 'throw' or 'anonymous'",
  rolling: "it is renew: 'always' for true, and no option for false",
  serialize: 'it is codec: { encode, decode }',
  deserialize: 'it is codec: { encode, decode }',
  maxBytes: 'it is limits: { bytes }',
  maxDepth: 'it is limits: { depth }',
  key: 'it is name',
  cookieName: 'it is name',
  cookieOptions: 'it is cookie',
  password: 'it is secret',
  trustProxy: "it is Express's setting trust proxy, or proxy: true",
  keys: 'it is secret: [newest, older]',
  ttl: 'it is idleTimeout, in milliseconds',
  maxAge: 'it is cookie: { maxAge }, or idleTimeout',
  ...Object.fromEntries(
    ['path', 'domain', 'httpOnly', 'secure', 'sameSite', 'expires', 'partitioned', 'priority'].map((name) => [
      name,
      `it is cookie: { ${name} }`
    ])
  ),
  ...Object.fromEntries(
    ['resave', 'unset'].map((name) => [
      name,
      "it belongs to express-session: leave it out, or require('holdfast/express-session')"
    ])
  )
}

/** @throws SessionError `ERR_SESSION_OPTIONS`, naming the option and the remedy */
export function checkOptions(options: SessionOptions): Settings & { readonly secrets: Secrets } {
  need(isObject(options) && !Array.isArray(options), 'session() takes an object: session({ secret })')
  needCalled(options)
  need(
    !hasMethods(options, 'get', 'set', 'destroy'),
    'session() takes the store as an option: session({ secret, store })'
  )
  needKnown('session()', options, KNOWN, ELSEWHERE)
  const settings: Record<string, unknown> = {}
  for (const name of KNOWN) {
    const rule = RULES[name]
    // oxlint-disable-next-line typescript/prefer-nullish-coalescing -- null is a value that is wrong
    const value: unknown = options[name] === undefined ? rule.default : options[name]
    if (value === undefined) continue
    need(rule.accepts(value), `${name} must ${rule.must}${name === 'renew' ? renewFor(value) : ''}`)
    settings[name] = value
  }
  const { secret, store, ...rest } = settings as unknown as SessionOptions
  const { cookie = {} } = rest
  const given = {
    idleTimeout: cookie.maxAge ?? DAY,
    rememberFor: Math.min(rest.lifetime!, Math.max(30 * DAY, cookie.maxAge ?? 0)),
    ...rest,
    cookie
  } as Checked
  const checked = { ...given, limits: checkLimits(given.limits) }
  checkTogether(checked)
  warnOfOptions({ ...options, lifetime: checked.lifetime })
  return {
    ...checked,
    secrets: checkSecrets(secret),
    // oxlint-disable-next-line typescript/prefer-nullish-coalescing -- null is a value that is wrong
    store: checkedStore(store === undefined ? new MemoryStore() : store)
  }
}

/** @throws SessionError `ERR_SESSION_OPTIONS` for a request: `app.use(session)` calls the function with one */
export function needCalled(options: object): void {
  const isRequest = 'headers' in options && 'method' in options
  need(!isRequest, 'session was given to the application as it is: call it, app.use(session({ secret }))')
}

function renewFor(value: unknown): string {
  return typeof value === 'boolean' ? `: for ${value}, write '${value ? 'half' : 'never'}'` : ''
}

type Checked = Omit<Settings, 'store'>

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
  needKnown('limits', given, KNOWN_LIMITS, { maxBytes: 'it is bytes', maxDepth: 'it is depth' })
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
function checkSecrets(secret: SessionOptions['secret']): Secrets {
  let known: readonly unknown[] = []
  const secrets = () => {
    const now: unknown = typeof secret === 'function' ? secret() : secret
    if (now instanceof Promise) refusePromise(now, 'secret')
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
  const message = weakness(name, index)
  need(index > 0 || process.env.NODE_ENV !== 'production', message)
  warnOnce('HOLDFAST_WEAK_SECRET', message)
}

/** What is said of a weak secret. */
export function weakness(name: string, index: number): string {
  const remedy =
    index === 0
      ? 'take what `npx holdfast secret` prints, and put the new one in front, [new, old], so that nobody is logged out'
      : 'it only verifies, and whoever guesses it can sign: remove it as soon as no cookie of it is left'
  return `${name} is a placeholder or shorter than 32 bytes: ${remedy}`
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
  if (given instanceof Promise) refusePromise(given, 'store')
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
  if (!isObject(given) || !hasMethods(given, 'get', 'set', 'destroy')) return
  if ('contract' in given) return needDeclared(given as Store)
  // To one of express-session, set gives three arguments.
  const isOurs = (given as Store).set.length === 4 || 'conditional' in given || 'stateless' in given
  need(!isOurs, 'store lacks contract: 1, and is otherwise written for the contract of Holdfast: add it')
}

const OPTIONAL = ['keys', 'life', 'watch', 'notify', 'nodeOf'] as const
const INDEX = ['add', 'list', 'end', 'ended', 'renew', 'remove']

/** What a store declares has to be there: else it would fail at a request, or not do what it says. */
function needDeclared(store: Store): void {
  const { conditional, stateless, index } = store
  const wrong = OPTIONAL.find((name) => store[name] !== undefined && typeof store[name] !== 'function')
  need(!wrong, `store.${wrong} must be a function`)
  const areFlags = [conditional ?? true, stateless ?? false].every(isFlag)
  need(areFlags, 'conditional and stateless of a store must be true or false')
  need(
    !stateless || conditional === false,
    'store.stateless needs conditional: false: what is in the id cannot compare'
  )
  need(!index || hasMethods(index, ...INDEX), `store.index must have ${INDEX.join(', ')}`)
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

export function hasMethods(value: unknown, ...names: string[]): boolean {
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
