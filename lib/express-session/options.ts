import { randomBytes, KeyObject } from 'node:crypto'
import { checkCookie } from '../cookie/attributes'
import { warnOnce } from '../events'
import { warnOfTimes } from '../option-warnings'
import { refusePromise } from '../errors'
import { hasMethods, KNOWN, needCalled, needStore, weakness } from '../options'
import type { ExpressStore } from '../repository/express-store'
import type { Store as Texts } from '../stores/store'
import { deprecate } from './deprecate'
import { MemoryStore } from './memory-store'
import { TIMEOUT } from './session'
import type { Store } from './store'
import { ConditionalStore } from './conditional-store'

/** A request, as far as this entry looks at it. */
export interface Incoming {
  method?: string
  url?: string
  originalUrl?: string
  secure?: boolean
  secret?: unknown
  headers: import('node:http').IncomingHttpHeaders
  socket?: unknown
  cookies?: Record<string, unknown>
  signedCookies?: Record<string, unknown>
  session?: unknown
  sessionID?: unknown
  sessionStore?: unknown
}

export type Secret = string | NodeJS.ArrayBufferView | KeyObject
export type CookieOptions = Record<string, unknown>

/** The options of express-session, as JavaScript gives them. */
export interface Options {
  secret?: unknown
  name?: string
  key?: string
  store?: ExpressStore | Texts
  cookie?: CookieOptions | ((req: Incoming) => CookieOptions)
  genid?: (req: Incoming) => unknown
  rolling?: unknown
  resave?: unknown
  saveUninitialized?: unknown
  unset?: unknown
  proxy?: unknown
  timeout?: number
  version?: unknown
}

/** The options with express-session's defaults. */
export interface Settings {
  readonly name: string
  /** As they are now: applications rotate them in place. Undefined: each request has its own. */
  readonly secrets: () => readonly Secret[] | undefined
  readonly store: ExpressStore & Partial<Store>
  readonly cookieOptions: (req: Incoming) => CookieOptions
  readonly genid: (req: Incoming) => unknown
  readonly rolling: boolean
  readonly resave: boolean
  readonly saveUninitialized: boolean
  readonly unset: 'destroy' | 'keep'
  readonly proxy: boolean | undefined
  /** Milliseconds for each load and each commit. */
  readonly timeout: number
  /** Whether ids that cookie-parser found count, too. */
  readonly readsParsedCookies: boolean
}

/** The options of both entries. */
const SHARED = ['secret', 'store', 'name', 'cookie', 'genid', 'saveUninitialized', 'proxy', 'timeout']

/** How long RedisStore keeps a session whose cookie ends with the browser: a day, as connect-redis does. */
const DAY = 86_400_000

/** @throws TypeError in express-session's words; SessionError `ERR_SESSION_OPTIONS` for what it would only fail with later */
export function readOptions(options: Options): Settings {
  needCalled(options)
  warnOfOthers(options)
  const { cookie = {}, genid = createId, unset, version = 1, timeout = TIMEOUT } = options
  if (typeof genid !== 'function') throw new TypeError('genid option must be a function')
  if (!(typeof timeout === 'number' && timeout > 0 && timeout < 2 ** 31))
    throw new TypeError('timeout option must be milliseconds above 0')
  if (version !== 1 && version !== 2) throw new TypeError('version option must be 1 or 2')
  const flag = (name: 'resave' | 'saveUninitialized') => {
    if (options[name] !== undefined) return Boolean(options[name])
    if (version === 1) deprecate(`undefined ${name} option; provide ${name} option`)
    return version === 1
  }
  if (unset && unset !== 'destroy' && unset !== 'keep') {
    throw new TypeError('unset option must be "destroy" or "keep"')
  }
  const settings: Settings = {
    name: options.name || options.key || 'connect.sid',
    secrets: readSecrets(options),
    store: readStore(options.store, timeout),
    cookieOptions: typeof cookie === 'function' ? (req) => cookieOf(cookie(req)) : () => cookie ?? {},
    genid,
    rolling: Boolean(options.rolling),
    resave: flag('resave'),
    saveUninitialized: flag('saveUninitialized'),
    unset: unset === 'destroy' ? 'destroy' : 'keep',
    proxy: typeof options.proxy === 'boolean' ? options.proxy : undefined,
    timeout,
    readsParsedCookies: version === 1
  }
  if (typeof cookie !== 'function') warnOfCookie(settings.name, cookie ?? {})
  return settings
}

/** Express-session passes over what it does not know. Options of the main entry are meant to do something. */
function warnOfOthers(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || SHARED.includes(name) || !(KNOWN as string[]).includes(name)) continue
    warnOnce(
      'HOLDFAST_OPTIONS',
      `the option ${name} has no effect in the drop-in: the main entry has it, require('holdfast')`
    )
  }
}

function cookieOf(given: CookieOptions | null | undefined): CookieOptions {
  if (given instanceof Promise) refusePromise(given, 'cookie')
  return given ?? {}
}

function readSecrets({ secret, version }: Options): Settings['secrets'] {
  if (!secret) {
    if (version === 2) throw new TypeError('secret option required for sessions')
    deprecate('req.secret; provide secret option')
    return () => undefined
  }
  const secrets: unknown[] = Array.isArray(secret) ? secret : [secret]
  if (secrets.length === 0 || !secrets.every(isSecret)) {
    throw new TypeError('secret option array must contain one or more strings')
  }
  const weak = secrets.findIndex(isWeak)
  if (weak >= 0) {
    const name = secrets.length > 1 ? `secret[${weak}]` : 'secret'
    warnOnce('HOLDFAST_WEAK_SECRET', weakness(name, weak))
  }
  return () => secrets.filter(isSecret)
}

function isSecret(value: unknown): value is Secret {
  if (value instanceof KeyObject) return value.type === 'secret'
  return typeof value === 'string' ? value !== '' : ArrayBuffer.isView(value) && value.byteLength > 0
}

function isWeak(secret: Secret): boolean {
  if (typeof secret === 'string') return Buffer.byteLength(secret) < 32
  return ((secret as KeyObject).symmetricKeySize ?? (secret as NodeJS.ArrayBufferView).byteLength) < 32
}

function readStore(store: Options['store'], timeout: number): Settings['store'] {
  if (!store) return new MemoryStore()
  needStore(store)
  if (!('contract' in store)) {
    if (!hasMethods(store, 'get', 'set', 'destroy'))
      throw new TypeError('store must have get, set and destroy')
    return store
  }
  if ((store.contract as unknown) !== 1)
    throw new TypeError('store must have contract: 1, or be a store written for express-session')
  if (store.stateless)
    throw new TypeError('a store that keeps nothing, such as CookieStore, is for the main entry only')
  return new ConditionalStore(store, { life: DAY, timeout })
}

/** A cookie that browsers would drop only causes a warning: every application that starts with express-session has to start. */
function warnOfCookie(name: string, cookie: CookieOptions): void {
  try {
    // Their case does not matter to express-session, nor to browsers.
    const [sameSite, priority] = [cookie.sameSite, cookie.priority].map((value) =>
      typeof value === 'string' ? value.toLowerCase() : value
    )
    checkCookie(name, { ...cookie, sameSite, priority } as object)
    warnOfTimes({ cookie })
  } catch (error) {
    warnOnce('HOLDFAST_COOKIE', (error as Error).message)
  }
}

/** 192 random bits. */
function createId(): string {
  return randomBytes(24).toString('base64url')
}
