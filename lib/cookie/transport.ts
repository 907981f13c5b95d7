import type { ServerResponse } from 'node:http'
import { readCookies } from './cookie-header'
import type { SessionCookie } from './session-cookie'
import { clearCookie, mergeSetCookie, setCookie } from './set-cookie'
import type { Signer, Verified } from './signature'
import { need, refusePromise } from '../errors'
import { publish } from '../events'
import { isSecure, warnInsecure, type SessionRequest } from '../request'

/** The request, and the cookie settings of the session whose id the response carries. */
export interface Carried {
  readonly req: SessionRequest
  /** The session's cookie settings; they end no later than the session. */
  readonly cookie: SessionCookie
}

/** The headers of a response, as {@link Transport} changes them: of node:http, node:http2 or Express. */
export type ResponseHeaders = Pick<
  ServerResponse,
  'getHeader' | 'setHeader' | 'appendHeader' | 'removeHeader'
>

/**
 * Carries the session id between client and server: by default in a cookie, otherwise as you implement it. The value
 * is the signed id; with `signed: false`, the plain id; with a `CookieStore`, the sealed session. Nothing waits for its
 * functions: they must not be asynchronous.
 */
export interface Transport {
  /**
   * Returns the value in the request, as `write` put it; undefined if there is none. Of several, each is tried in
   * turn.
   */
  read(req: SessionRequest): string | readonly string[] | undefined
  /** Puts the id into the headers of the response, which have not been sent yet. */
  write(res: ResponseHeaders, id: string, carried: Carried): void
  /** Makes the client drop its session, which is over. */
  clear(res: ResponseHeaders, carried: Carried): void
  /** The request header that `read` uses, for the `Vary` header of the response. */
  readonly vary?: string
}

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * Headers that have a meaning of their own: those that a browser sets itself (Fetch, "forbidden request-header"), and those
 * of a response that say something about its content or where it leads.
 */
const TAKEN =
  /^((accept|access-control|content|if|proxy|sec)(-.*)?|(set-)?cookie|connection|keep-alive|host|te|trailer|transfer-encoding|upgrade|via|expect|range|origin|referer|user-agent|age|allow|cache-control|clear-site-data|date|etag|expires|last-modified|link|location|refresh|retry-after|server|strict-transport-security|vary|www-authenticate)$/i

/**
 * Carries the id in a header of the request and the response, for clients that keep no cookies. A logout sends the
 * header empty, and the client must drop its id.
 *
 * @throws SessionError `ERR_SESSION_OPTIONS` if the name cannot be the name of a header, or HTTP uses it itself
 */
export function headerTransport(name: string): Transport {
  need(
    typeof name === 'string' && TOKEN.test(name) && !TAKEN.test(name),
    'headerTransport takes the name of a header that HTTP does not use itself: x-session-id, say'
  )
  const key = name.toLowerCase()
  return {
    vary: name,
    read: (req) => req.headers[key],
    write: (res, id) => res.setHeader(name, id),
    clear: (res) => res.setHeader(name, '')
  }
}

interface CookieTransportOptions {
  readonly name: string
  readonly proxy?: boolean | undefined
}

/** Carries the session id in a cookie. */
export function cookieTransport({ name, proxy }: CookieTransportOptions): Transport {
  const send = (res: ResponseHeaders, header: string) =>
    res.setHeader('Set-Cookie', mergeSetCookie(res.getHeader('Set-Cookie'), name, header))
  return {
    vary: 'Cookie',
    read: (req) => readCookies(req.headers.cookie, name),
    write(res, id, { req, cookie }) {
      if (cookie.secure && !isSecure(req, proxy)) return warnInsecure()
      send(res, setCookie(name, id, cookie))
    },
    clear: (res, { cookie }) => send(res, clearCookie(name, cookie))
  }
}

/** So many ids of one request are looked up. Forged ones cost no lookup: any number of them hides nobody's session. */
export const MAX_IDS = 4

/** The ids that came with a right signature, each once. */
export function readIds(transport: Transport, signer: Signer, req: SessionRequest): readonly Verified[] {
  // One of an application's own may give anything: what a query holds, say.
  const read: unknown = transport.read(req)
  if (read instanceof Promise) refusePromise(read, 'transport')
  const values: readonly unknown[] = typeof read === 'string' ? [read] : Array.isArray(read) ? read : []
  const found: Verified[] = []
  for (const value of values) {
    // A header that a logout emptied holds none.
    if (typeof value !== 'string' || value === '') continue
    if (found.length === MAX_IDS) break
    const verified = signer.verify(value)
    if (!verified) publish('holdfast:rejected', () => ({ reason: 'bad signature' }))
    else if (found.length === 0 || !found.some(({ id }) => id === verified.id)) found.push(verified)
  }
  return found
}
