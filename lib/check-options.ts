import { randomBytes } from 'node:crypto'
import { checkCookie } from './cookie/attributes'
import { need } from './errors'
import type { CallbackStore } from './repository/express-store'
import type { SessionOptions, Settings } from './options'
import { MemoryStore } from './stores/memory/memory-store'
import type { Store } from './stores/store'

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
