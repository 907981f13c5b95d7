import { stringifySetCookie } from 'cookie'
import { deprecate } from './deprecate'

/** The part of a cookie's settings that decides on its `Set-Cookie` header, and that a store keeps. */
export interface CookieData {
  originalMaxAge: number | null | undefined
  partitioned: boolean | undefined
  priority: 'low' | 'medium' | 'high' | undefined
  expires: Date | null | undefined
  secure: boolean | 'auto' | undefined
  httpOnly: boolean | undefined
  domain: string | undefined
  path: string | undefined
  sameSite: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined
}

class CookieMembers implements Omit<CookieData, 'expires'> {
  declare path: string | undefined
  /** Holds `expires`; some stores read it. */
  declare _expires: Date | null | undefined
  declare originalMaxAge: number | null | undefined
  declare httpOnly: boolean | undefined
  declare domain: string | undefined
  declare secure: boolean | 'auto' | undefined
  declare sameSite: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined
  declare partitioned: boolean | undefined
  declare priority: 'low' | 'medium' | 'high' | undefined

  get expires(): Date | null | undefined {
    return this._expires
  }

  set expires(date: Date | null | undefined) {
    this._expires = date
    this.originalMaxAge = this.maxAge
  }

  /** The time that is left, or `expires` itself if it is no Date. */
  get maxAge(): number | null | undefined {
    const { expires } = this
    return expires instanceof Date ? expires.valueOf() - Date.now() : expires
  }

  set maxAge(life: number | Date | null | undefined) {
    if (life && typeof life !== 'number' && !(life instanceof Date)) {
      throw new TypeError('maxAge must be a number or Date')
    }
    if (life instanceof Date) deprecate('maxAge as Date; pass number of milliseconds instead')
    this.expires = typeof life === 'number' ? new Date(Date.now() + life) : life
    // The time left may be a millisecond less by now, and a session that is touched often would lose many.
    if (typeof life === 'number') this.originalMaxAge = life
  }

  get data(): CookieData {
    const { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite } = this
    return { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite }
  }

  toJSON(): CookieData {
    return this.data
  }

  /** The `Set-Cookie` header. Throws a TypeError that names the attribute which cannot be sent. */
  serialize(name: string, value: string): string {
    return serialize(name, value, this.data)
  }
}

/** `req.session.cookie`, member by member as in express-session. All durations are milliseconds. */
export type Cookie = CookieMembers

/**
 * A function and not a class, as libraries of the old style say `Cookie.call(this)`.
 *
 * @param options - applied in their order, so that the last of `expires` and `maxAge` wins
 */
export const Cookie = function Cookie(this: Cookie, options?: object | null) {
  this.path = '/'
  this.maxAge = null
  this.httpOnly = true
  if (!options) return
  if (typeof options !== 'object') throw new TypeError('argument options must be a object')
  const given = options as Record<string, unknown>
  for (const key in given) {
    if (key !== 'data' && key !== '__proto__') (this as unknown as Record<string, unknown>)[key] = given[key]
  }
  this.originalMaxAge ??= this.maxAge
} as unknown as { new (options?: object | null): Cookie; prototype: Cookie }

Cookie.prototype = CookieMembers.prototype
Object.defineProperty(Cookie.prototype, 'constructor', { value: Cookie, writable: true, configurable: true })

/** A cookie as a store gives it back. */
export type Kept = Cookie | { expires?: unknown; originalMaxAge?: number | null }

/** The cookie that a store kept, with a Date for its end, and the life that it was given. */
export function keptCookie(kept: Kept): Cookie {
  const expires = kept.expires
  const originalMaxAge = kept.originalMaxAge
  const cookie = new Cookie(kept)
  if (typeof expires === 'string') cookie.expires = new Date(expires)
  cookie.originalMaxAge = originalMaxAge
  return cookie
}

/** @throws TypeError in the words of express-session's cookie library */
export function serialize(name: string, value: string, data: CookieData): string {
  const { originalMaxAge: _life, expires, ...attributes } = data
  // An object of the application's own has it as a member, in milliseconds: the header counts seconds.
  const given = { name, value, expires: expires ?? undefined, ...attributes, maxAge: undefined }
  try {
    return stringifySetCookie(given as never)
  } catch (error) {
    // The offending value stands behind the colon: it may be the session's id. So there is no cause, either.
    // oxlint-disable-next-line preserve-caught-error
    throw new TypeError((error as Error).message.split(':', 1)[0])
  }
}

/** The application's choice in a cookie: everything but the moment at which it ends. */
export function choiceOf(cookie: unknown): string {
  const { originalMaxAge, partitioned, priority, secure, httpOnly, domain, path, sameSite } =
    cookieData(cookie)
  const choice = [originalMaxAge ?? null, partitioned, priority, secure, httpOnly, domain, path, sameSite]
  return JSON.stringify(choice)
}

/** The settings of a cookie of any origin. */
export function cookieData(cookie: unknown): CookieData {
  return ((cookie as Cookie | undefined)?.data ?? cookie ?? {}) as CookieData
}
