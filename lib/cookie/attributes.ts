import { types } from 'node:util'
import { needKnown, SessionError } from '../errors'

/** The attributes of the session cookie. Assign to `req.session.cookie` to change them for one session. */
export interface CookieOptions {
  /** Limits both the cookie and the middleware to this part of the site. Default `'/'`. */
  path?: string | undefined
  /** Sends the cookie to this domain and its subdomains. By default, only the host that set it gets it. */
  domain?: string | undefined
  /** Hides the cookie from scripts in the page. Default true. */
  httpOnly?: boolean | undefined
  /**
   * Sends the cookie over HTTPS only. `'auto'`, the default, does so if the connection that set it was secure. Set
   * `true` for a feature that needs Secure (`sameSite: 'none'`, `partitioned`, a name with `__Host-` or `__Secure-`):
   * with `'auto'`, it would fail on the first connection that is not secure.
   */
  secure?: boolean | 'auto' | undefined
  /**
   * Limits which requests from other sites carry the cookie: `'strict'` or true, none; `'lax'`, the default, only
   * when the user follows a link; `'none'`, all, which needs `secure: true`. `'auto'` means None over a secure
   * connection and Lax otherwise. With false, the attribute is not sent, and the browser decides.
   */
  sameSite?: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined
  /**
   * The life of the cookie, in milliseconds from each use. By default, or with null, the cookie ends with the
   * browser.
   */
  maxAge?: number | null | undefined
  /** The moment at which the cookie ends. Prefer `maxAge`, which wins if both are set. Default null. */
  expires?: Date | null | undefined
  /** Keeps a separate cookie for each site that embeds this one (CHIPS); needs `secure: true`. Default false. */
  partitioned?: boolean | undefined
  /** Tells Chromium which cookies to keep longest if there are too many. Not sent by default. */
  priority?: 'low' | 'medium' | 'high' | undefined
}

type Code = 'ERR_SESSION_OPTIONS' | 'ERR_SESSION_DATA'

interface Rule {
  readonly accepts: (value: unknown) => boolean
  readonly must: string
}

const PREFIX = /^__(host|secure)-/i
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/
const PATH = /^\/[\x20-\x3a\x3d-\x7e]{0,1023}$/
const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
const DOMAIN = new RegExp(`^(?=.{1,255}$)\\.?${LABEL}(\\.${LABEL})*$`, 'i')

// Browsers ignore a date outside these years, and the cookie would end with the browser (RFC 6265, 5.1.1).
const FIRST_DATE = Date.UTC(1601, 0)
const LAST_DATE = Date.UTC(10_000, 0) - 1

const isDate = (time: number) => time >= FIRST_DATE && time <= LAST_DATE
const matches = (shape: RegExp) => (value: unknown) => typeof value === 'string' && shape.test(value)
const isToken = matches(TOKEN)
const oneOf = (...values: readonly unknown[]): Rule => ({
  accepts: (value) => values.includes(value),
  must: `be one of ${values.map((value) => JSON.stringify(value)).join(', ')}`
})

const RULES: Record<keyof CookieOptions, Rule> = {
  path: {
    accepts: matches(PATH),
    must: 'begin with /, and be at most 1024 ASCII characters without ; < and controls'
  },
  domain: {
    accepts: matches(DOMAIN),
    must: 'be a host name such as example.com; leave it out for this host only'
  },
  httpOnly: oneOf(true, false),
  secure: oneOf(true, false, 'auto'),
  sameSite: oneOf('lax', 'strict', 'none', 'auto', true, false),
  maxAge: {
    accepts: (value) =>
      value === null || (typeof value === 'number' && value >= 0 && isDate(Date.now() + value)),
    must: 'be a number of milliseconds from 0 up that ends before the year 10000, or null'
  },
  expires: {
    accepts: (value) => value === null || (types.isDate(value) && isDate(value.getTime())),
    must: 'be a valid Date in the years 1601 to 9999, or null'
  },
  partitioned: oneOf(true, false),
  priority: oneOf('low', 'medium', 'high')
}
/** The names of all attributes. */
export const ATTRIBUTES = Object.keys(RULES) as (keyof CookieOptions)[]

/** Whether a cookie can be sent with this attribute. `'auto'` cannot: it has to be settled for a connection first. */
export function isAttribute(key: keyof CookieOptions, value: unknown): boolean {
  return value !== 'auto' && RULES[key].accepts(value)
}

/** Throws a SessionError with this code unless the attribute is well-formed; at run time `'auto'` is not. */
export function checkAttribute(key: keyof CookieOptions, value: unknown, code: Code): void {
  if (code === 'ERR_SESSION_OPTIONS' ? RULES[key].accepts(value) : isAttribute(key, value)) return
  const settled = value === 'auto' ? "; 'auto' is for the options, here it has to be settled" : ''
  throw new SessionError(code, `cookie.${key} must ${RULES[key].must}${settled}`)
}

/**
 * Checks a cookie's name and attributes, each and together, so that nothing else than meant gets into a `Set-Cookie`
 * header and no browser drops the cookie (RFC 6265, 4.1.1; RFC 6265bis, 4.1.3 and 5.7).
 *
 * @param options - The options at start, or `req.session.cookie`; what is left out has its default.
 * @param code - `ERR_SESSION_OPTIONS`, the default, at start: `'auto'` is allowed, and does not count as Secure.
 *   `ERR_SESSION_DATA` at run time: `'auto'` has to be settled, and `maxAge` is only what is left until `expires`.
 * @throws SessionError with that code; the message names the option and the remedy.
 */
export function checkCookie(name: string, options: CookieOptions, code: Code = 'ERR_SESSION_OPTIONS'): void {
  const refuse = (message: string) => {
    throw new SessionError(code, message)
  }
  const atStart = code === 'ERR_SESSION_OPTIONS'

  if (!isToken(name)) refuse("name must be one or more of A-Z a-z 0-9 and !#$%&'*+-.^_`|~")
  for (const key of ATTRIBUTES) {
    const skipped = options[key] === undefined || (key === 'maxAge' && !atStart)
    if (!skipped) checkAttribute(key, options[key], code)
  }
  if (atStart) needKnown('cookie', options, ATTRIBUTES)

  const { path = '/', domain, secure = 'auto', sameSite, partitioned } = options
  const prefix = PREFIX.exec(name)?.[0]
  const remedy = 'needs Secure; set cookie.secure to true'
  if (prefix?.toLowerCase() === '__host-') {
    if (path !== '/') refuse(`cookie.path must be / where name begins with ${prefix}; leave it out`)
    if (domain !== undefined) refuse(`cookie.domain cannot go with ${prefix} in name; leave one out`)
  }
  if (secure !== true) {
    if (prefix) refuse(`name: ${prefix} ${remedy}, or choose another name`)
    if (partitioned) refuse(`cookie.partitioned ${remedy}`)
    if (sameSite === 'none') refuse(`cookie.sameSite: 'none' ${remedy}`)
    if (sameSite === 'auto' && !secure) refuse("cookie.sameSite: 'auto' needs cookie.secure 'auto' or true")
  }
}

/** Milliseconds below which a life was probably meant in seconds. */
const SHORT = 10_000

/** Whether a life was probably meant in seconds. 86,400 is a day then, and 86.4 seconds in milliseconds, which nobody means. */
export function looksLikeSeconds(life: number): boolean {
  return life > 0 && (life < SHORT || (life % 86_400 === 0 && life % 60_000 !== 0))
}
