import { isDeepStrictEqual } from 'node:util'
import { isSecure, warnUnbelieved, type SessionRequest } from '../request'
import { didYouMean, SessionError } from '../errors'
import { warnInDevelopment } from '../events'
import { type CookieOptions, ATTRIBUTES, checkAttribute, isAttribute, looksLikeSeconds } from './attributes'

/** Cookie options with `'auto'` settled for one connection. */
export type SettledCookieOptions = {
  [Key in keyof CookieOptions]: Exclude<CookieOptions[Key], 'auto'>
}

/**
 * The cookie settings in a record: those that differ from the configuration. Null means an attribute that
 * the configuration has and this session has not. The life is relative, in milliseconds, so that reading changes no
 * text.
 */
export interface StoredCookie {
  originalMaxAge?: number | null
  partitioned?: boolean
  priority?: 'low' | 'medium' | 'high' | null
  secure?: boolean
  httpOnly?: boolean
  domain?: string | null
  path?: string
  sameSite?: boolean | 'lax' | 'strict' | 'none'
}

/**
 * The cookie settings of one session, `req.session.cookie`, with the members of express-session's `Cookie`. An
 * assignment changes this session only. `maxAge` and `expires` are two views of one value: setting either sets
 * `originalMaxAge`, the life that starts over with each use. Other names take no value: they throw `ERR_SESSION_DATA`.
 */
export class SessionCookie {
  path: string
  domain: string | undefined
  httpOnly: boolean
  secure: boolean
  sameSite: boolean | 'lax' | 'strict' | 'none'
  partitioned: boolean
  priority: 'low' | 'medium' | 'high' | undefined
  /** The life from each use, in milliseconds; null if the cookie ends with the browser. A change begins it anew. */
  originalMaxAge: number | null = null
  /** When the cookie ends, if its life is still `life`. */
  private end: Date | null = null
  private life: number | null = null

  /**
   * @param options - What is left out has its default; `secure` is then false. `maxAge` wins over `expires`.
   * @param now - The present, in milliseconds since 1970. Default `Date.now()`.
   */
  constructor(options: SettledCookieOptions = {}, now = Date.now()) {
    this.path = options.path ?? '/'
    this.domain = options.domain
    this.httpOnly = options.httpOnly ?? true
    this.secure = options.secure ?? false
    this.sameSite = options.sameSite ?? 'lax'
    this.partitioned = options.partitioned ?? false
    this.priority = options.priority
    const { maxAge = null, expires } = options
    if (maxAge === null) this.setExpires(expires, now)
    else this.setMaxAge(maxAge, now)
  }

  /** When the cookie ends; null if it ends with the browser. An invalid Date throws `ERR_SESSION_DATA`. */
  get expires(): Date | null {
    if (this.life !== this.originalMaxAge) this.resetMaxAge()
    return this.end
  }

  set expires(date: Date | null | undefined | false) {
    this.setExpires(date, Date.now())
  }

  /**
   * The milliseconds that are left, negative once `expires` has passed; null if the cookie ends with the browser.
   * Null, undefined or false makes it end with the browser; a number of 0 or less ends it at once. Any other value
   * throws `ERR_SESSION_DATA`.
   */
  get maxAge(): number | null {
    const { expires } = this
    return expires && expires.getTime() - Date.now()
  }

  set maxAge(ms: number | null | undefined | false) {
    if (ms === null || ms === undefined || ms === false) this.setExpires(null, 0)
    else this.setMaxAge(ms, Date.now())
  }

  /** Starts the life over: sets `expires` to `originalMaxAge` from now. */
  resetMaxAge(now = Date.now()): void {
    this.life = this.originalMaxAge
    this.end = this.life === null ? null : new Date(now + this.life)
  }

  /** Returns a copy with the same settings. */
  copy(): SessionCookie {
    // A literal, as an assignment to an object without the names would come to `refuseUnknown`.
    // oxlint-disable-next-line typescript/no-misused-spread -- the prototype is there
    const copy: SessionCookie = { __proto__: SessionCookie.prototype, ...this }
    return Object.preventExtensions(copy)
  }

  /** Returns the settings as express-session writes them into a record. */
  toJSON() {
    const { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite } = this
    return { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite }
  }

  private setMaxAge(ms: number, now: number): void {
    const left = ms < 0 ? 0 : ms
    checkAttribute('maxAge', left, 'ERR_SESSION_DATA')
    this.originalMaxAge = Math.floor(left)
    this.resetMaxAge(now)
  }

  private setExpires(date: Date | null | undefined | false, now: number): void {
    const moment = date === false ? null : (date ?? null)
    checkAttribute('expires', moment, 'ERR_SESSION_DATA')
    this.life = this.originalMaxAge = moment && Math.max(0, moment.getTime() - now)
    this.end = moment
  }
}

// Behind the prototype, so that only names which no cookie has get there: a misspelt one would change nothing.
Object.setPrototypeOf(SessionCookie.prototype, new Proxy({}, { set: refuseUnknown }))

const FIELDS: ReadonlySet<string | symbol> = new Set([...ATTRIBUTES, 'originalMaxAge', 'end', 'life'])

function refuseUnknown(_target: object, key: string | symbol, value: unknown, cookie: object): boolean {
  // Bundlers for older engines make assignments of the fields of a class.
  if (FIELDS.has(key) && Object.isExtensible(cookie))
    return Reflect.defineProperty(cookie, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true
    })
  const name = String(key)
  const message = `req.session.cookie has no ${name}${didYouMean(name, ATTRIBUTES)}`
  throw new SessionError('ERR_SESSION_DATA', message)
}

/**
 * Makes the cookie as the configuration has it, for one request after the other: `'auto'` becomes what the connection is. It
 * is shared, and frozen.
 *
 * @param proxy - As for {@link isSecure}.
 */
export function configuredCookie(
  cookie: CookieOptions,
  proxy: boolean | undefined
): (req: SessionRequest) => SessionCookie {
  const { secure = 'auto', sameSite } = cookie
  const make = (isSafe: boolean): SessionCookie => {
    const made = new SessionCookie({
      ...cookie,
      secure: secure === 'auto' ? isSafe : secure,
      sameSite: sameSite === 'auto' ? (isSafe ? 'none' : 'lax') : sameSite
    })
    Object.freeze(made)
    return made
  }
  const [safe, unsafe] = [make(true), make(false)]
  // A cookie that ends at a moment has a shorter life in each request.
  const isAging = typeof (cookie.maxAge ?? cookie.expires ?? 0) === 'object'
  return (req) => {
    const isSafe = isSecure(req, proxy)
    const isForwarded = 'x-forwarded-proto' in req.headers
    if (isForwarded && secure === 'auto' && !isSafe && proxy === undefined) warnUnbelieved(req)
    return isAging ? make(isSafe) : isSafe ? safe : unsafe
  }
}

/**
 * Warns of a life that an application has assigned, as of one among the options.
 *
 * @param lifetime - how long a session lives at most, in milliseconds
 * @param configured - lives that the options have, which were checked with them
 */
export function warnOfLife(
  life: number | null,
  lifetime: number,
  configured: readonly (number | null)[]
): void {
  if (life === null || configured.includes(life)) return
  const warn = (message: string) =>
    warnInDevelopment('HOLDFAST_TIMES', `req.session.cookie.maxAge ${message}`)
  if (looksLikeSeconds(life)) warn('was set to few milliseconds, or to days in seconds: a day is 86_400_000')
  if (life > lifetime)
    warn('was set above lifetime, which ends both the cookie and the session: raise lifetime, or lower it')
}

/** Whether what an application assigns has the settings of `cookie`, as a copy of it or its JSON has. */
export function isCopy(value: object, cookie: SessionCookie, defaults: SessionCookie): boolean {
  if (!('originalMaxAge' in value)) return false
  const copy = value instanceof SessionCookie ? value : restoreCookie(value, defaults)
  return hasSettings(copy, cookie, defaults)
}

/** Whether a record keeps the same of both cookies. */
export function hasSettings(one: SessionCookie, other: SessionCookie, defaults: SessionCookie): boolean {
  return isDeepStrictEqual(storedCookie(one, defaults), storedCookie(other, defaults))
}

/** The attributes that a record may keep, in their order. */
const STORED = [
  'originalMaxAge',
  'partitioned',
  'priority',
  'secure',
  'httpOnly',
  'domain',
  'path',
  'sameSite'
] as const satisfies (keyof StoredCookie & keyof SessionCookie)[]

/**
 * What a record has to keep of `cookie`, always in the same key order; undefined when that is nothing.
 *
 * @param defaults - The cookie as the configuration makes it.
 */
export function storedCookie(cookie: SessionCookie, defaults: SessionCookie): StoredCookie | undefined {
  let own: Record<string, unknown> | undefined
  for (const key of STORED) {
    const value = cookie[key] ?? null
    if (value !== (defaults[key] ?? null)) (own ??= {})[key] = value
  }
  return own
}

/**
 * The cookie of a session that was read: the defaults, changed by what the record keeps, with its life beginning
 * now. It also reads what express-session stores. Anything else in there is ignored; it never throws.
 *
 * @param stored - The record's `cookie`, as parsed from JSON.
 * @param defaults - The cookie as the configuration makes it. It is not changed.
 * @param now - The present, in milliseconds since 1970. Default `Date.now()`.
 */
export function restoreCookie(stored: unknown, defaults: SessionCookie, now = Date.now()): SessionCookie {
  const cookie = defaults.copy()
  if (typeof stored !== 'object' || stored === null) {
    cookie.resetMaxAge(now)
    return cookie
  }
  const record = stored as Record<string, unknown>
  for (const key of STORED) {
    const value = Object.hasOwn(record, key) ? record[key] : undefined
    if (key === 'originalMaxAge') {
      if (value === null || value === false) cookie.originalMaxAge = null
      else if (isAttribute('maxAge', value)) cookie.originalMaxAge = Math.floor(value as number)
    } else if (isAttribute(key, value)) {
      Object.assign(cookie, { [key]: value })
    } else if (value === null && (key === 'domain' || key === 'priority')) {
      cookie[key] = undefined
    }
  }
  cookie.resetMaxAge(now)
  return cookie
}
