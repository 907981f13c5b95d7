import { stringifySetCookie } from 'cookie'
import { SessionError } from '../errors'
import { checkCookie } from './attributes'
import { trimmed } from './cookie-header'
import type { SessionCookie } from './session-cookie'

/** The bytes of name and value together that a browser takes (RFC 6265bis, 5.6). */
export const MAX_BYTES = 4096

/**
 * The `Set-Cookie` header that gives a browser this session's cookie, spelled as express-session spells it: the
 * value percent-encoded, the life as `Expires`, never as `Max-Age`.
 *
 * @param value - What `Signer.sign` made.
 * @throws SessionError `ERR_SESSION_DATA` if an attribute is invalid, or if name and value together exceed 4096 bytes.
 */
export function setCookie(name: string, value: string, cookie: SessionCookie): string {
  return serialize(name, value, cookie, cookie.expires)
}

/**
 * The `Set-Cookie` header that makes a browser forget this session's cookie: same name, path, domain and flags, no
 * value, ended in 1970 (OWASP ASVS 5.0, 7.4.1).
 *
 * @throws SessionError `ERR_SESSION_DATA` if an attribute is invalid.
 */
export function clearCookie(name: string, cookie: SessionCookie): string {
  return serialize(name, '', cookie, new Date(0))
}

/**
 * A response's `Set-Cookie` headers with ours behind them. Earlier ones of exactly this name go, as one response
 * must not set a cookie twice (RFC 6265, 4.1.1); all others stay, in their order.
 *
 * @param existing - What `response.getHeader('set-cookie')` gives.
 */
export function mergeSetCookie(
  existing: string | number | readonly string[] | undefined,
  name: string,
  header: string
): string[] {
  const lines = [existing ?? []].flat().map(String)
  return [...lines.filter((line) => nameOf(line) !== name), header]
}

function serialize(name: string, value: string, cookie: SessionCookie, expires: Date | null): string {
  checkCookie(name, cookie, 'ERR_SESSION_DATA')
  const encoded = encode(value)
  if (name.length + encoded.length > MAX_BYTES) {
    throw new SessionError(
      'ERR_SESSION_DATA',
      `The session cookie has ${name.length + encoded.length} bytes, and browsers take ${MAX_BYTES}: keep less in it`
    )
  }
  const { domain, path, httpOnly, secure, partitioned, priority, sameSite } = cookie
  return stringifySetCookie(
    {
      name,
      value: encoded,
      domain,
      path,
      expires: expires ?? undefined,
      httpOnly,
      secure,
      partitioned,
      priority,
      sameSite
    },
    { encode: (text) => text }
  )
}

function encode(value: string): string {
  try {
    return encodeURIComponent(value)
  } catch (cause) {
    throw new SessionError('ERR_SESSION_DATA', 'The cookie value holds half of a surrogate pair', { cause })
  }
}

/** The text before the first `=` of a `Set-Cookie` header: the name, if it is one (RFC 6265bis, 5.6). */
const nameOf = (line: string) => trimmed(line, 0, Math.max(0, line.indexOf('=')))
