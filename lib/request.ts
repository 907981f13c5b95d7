import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { warnOnce } from './events'

/** A request as Express, Connect and Node's own servers pass it to a middleware. */
export type SessionRequest = (IncomingMessage | Http2ServerRequest) & {
  originalUrl?: string
  secure?: boolean
}

interface Connection {
  readonly socket?: unknown
  readonly secure?: boolean
  readonly headers: IncomingHttpHeaders
}

/**
 * Whether a request came over a secure connection.
 *
 * @param proxy - whether to believe the leftmost `X-Forwarded-Proto`; undefined: as Express's `req.secure` says
 */
export function isSecure({ socket, secure, headers }: Connection, proxy: boolean | undefined): boolean {
  if ((socket as TLSSocket | undefined)?.encrypted) return true
  if (proxy !== true) return proxy === undefined && secure === true
  const forwarded = headers['x-forwarded-proto']
  const first = (Array.isArray(forwarded) ? forwarded[0] : forwarded)?.split(',')[0]
  return first?.trim().toLowerCase() === 'https'
}

/** Says once that a proxy's word on the connection is not believed, so that a cookie goes without Secure. */
export function warnUnbelieved({ headers }: Connection): void {
  if (!isSecure({ headers }, true)) return
  warnOnce(
    'HOLDFAST_UNTRUSTED_PROXY',
    'a request came with X-Forwarded-Proto: https, which is not believed, so that the session cookie is not Secure: behind ' +
      "a proxy that ends TLS, set Express's `trust proxy` or the option proxy: true; else proxy: false ends this warning"
  )
}

/** Says once why a Secure cookie was not sent. */
export function warnInsecure(): void {
  warnOnce(
    'HOLDFAST_INSECURE_CONNECTION',
    'the session cookie was not sent: it is Secure, and the connection is not. Behind a proxy that ends TLS, set ' +
      "Express's `trust proxy` or the option proxy; without TLS, use cookie.secure 'auto' or false"
  )
}

/** A request or a response, as Express links them. */
export interface Linked {
  req?: unknown
  res?: unknown
}

/** The first Node whose V8 does not punish a changed prototype: dictionaries only cost there. */
const FAST = 24

/**
 * Makes it cheap to add properties to a request and a response of Express, for everybody from here on.
 *
 * Express gives them other prototypes. From then on V8 shares none of their hidden classes: each property that is added
 * makes one of its own, with a copy of the forty descriptions before it, and inline caches miss. An object that lost a
 * property is a dictionary instead, without such costs (docs/decisions/0015-dictionaries.md). `res` of the
 * request and `req` of the response are what Express has set itself; objects that have kept their prototypes do not have both.
 */
export function makeDictionaries(req: Linked, res: Linked, version = process.versions.node): void {
  if (Number.parseInt(version) >= FAST || req.res !== res || res.req !== req) return
  // `delete` and `=` throw if the property was redefined.
  if (Reflect.deleteProperty(req, 'res')) Reflect.set(req, 'res', res)
  if (Reflect.deleteProperty(res, 'req')) Reflect.set(res, 'req', req)
}
