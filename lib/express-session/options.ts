import { randomBytes, KeyObject } from 'node:crypto'
import { checkCookie } from '../cookie/attributes'
import type { CallbackStore } from '../repository/express-store'
import type { Store as Texts } from '../stores/store'
import { deprecate } from './deprecate'
import { MemoryStore } from './memory-store'
import type { Store } from './store'
import { TextStore } from './conditional-store'

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
  store?: CallbackStore | Texts
  cookie?: CookieOptions | ((req: Incoming) => CookieOptions)
  genid?: (req: Incoming) => unknown
  rolling?: unknown
  resave?: unknown
  saveUninitialized?: unknown
  unset?: unknown
  proxy?: unknown
  timeout?: number
}

/** The options with express-session's defaults. */
export interface Settings {
  readonly name: string
  /** Undefined: each request brings its own. */
  readonly secrets: readonly Secret[] | undefined
  readonly store: CallbackStore & Partial<Store>
  readonly cookieOptions: (req: Incoming) => CookieOptions
  readonly genid: (req: Incoming) => unknown
  readonly rolling: boolean
  readonly resave: boolean
  readonly saveUninitialized: boolean
  readonly unset: 'destroy' | 'keep'
  readonly proxy: boolean | undefined
  /** Milliseconds for each load and each commit. */
  readonly timeout: number
}

/** How long RedisStore keeps a session whose cookie ends with the browser: a day, as connect-redis does. */
const DAY = 86_400_000

/** @throws TypeError in express-session's words */
export function readOptions(options: Options): Settings {
  const { cookie = {}, genid = createId, unset, timeout = 1000 } = options
  if (typeof genid !== 'function') throw new TypeError('genid option must be a function')
  for (const name of ['resave', 'saveUninitialized'] as const) {
    if (options[name] === undefined) deprecate(`undefined ${name} option; provide ${name} option`)
  }
  if (unset && unset !== 'destroy' && unset !== 'keep') {
    throw new TypeError('unset option must be "destroy" or "keep"')
  }
  const settings: Settings = {
    name: options.name || options.key || 'connect.sid',
    secrets: readSecrets(options.secret),
    store: readStore(options.store, timeout),
    cookieOptions: typeof cookie === 'function' ? (req) => cookie(req) ?? {} : () => cookie ?? {},
    genid,
    rolling: Boolean(options.rolling),
    resave: options.resave === undefined || Boolean(options.resave),
    saveUninitialized: options.saveUninitialized === undefined || Boolean(options.saveUninitialized),
    unset: unset === 'destroy' ? 'destroy' : 'keep',
    proxy: typeof options.proxy === 'boolean' ? options.proxy : undefined,
    timeout
  }
  if (typeof cookie !== 'function') warnOfCookie(settings.name, cookie)
  return settings
}

function readSecrets(secret: unknown): readonly Secret[] | undefined {
  if (!secret) {
    deprecate('req.secret; provide secret option')
    return undefined
  }
  const secrets: unknown[] = Array.isArray(secret) ? [...(secret as unknown[])] : [secret]
  if (secrets.length === 0 || !secrets.every(isSecret)) {
    throw new TypeError('secret option array must contain one or more strings')
  }
  if (secrets.some(isWeak)) {
    const remedy = '`node -p "crypto.randomBytes(32).toString(\'base64url\')"` prints a better one'
    warn('HOLDFAST_WEAK_SECRET', `secret is a placeholder or shorter than 32 bytes; ${remedy}`)
  }
  return secrets
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
  if (!('contract' in store) || store.contract !== 1) return store as CallbackStore
  if (store.stateless)
    throw new TypeError('a store that keeps nothing, such as CookieStore, is for the main entry only')
  return new TextStore(store, { life: DAY, timeout })
}

/** What browsers would drop is only warned of: every application that starts with express-session has to start. */
function warnOfCookie(name: string, cookie: CookieOptions): void {
  try {
    checkCookie(name, cookie)
  } catch (error) {
    warn('HOLDFAST_COOKIE', (error as Error).message)
  }
}

const warned = new Set<string>()

function warn(code: string, message: string): void {
  if (warned.has(message)) return
  warned.add(message)
  process.emitWarning(message, { code })
}

/** 192 random bits. */
function createId(): string {
  return randomBytes(24).toString('base64url')
}
