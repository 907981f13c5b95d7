import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { TLSSocket } from 'node:tls'

/** A request as Express, Connect and Node's own servers hand it to a middleware. */
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

let warned = false

/** Says once why a Secure cookie was not sent. */
export function warnInsecure(): void {
  if (warned) return
  warned = true
  process.emitWarning(
    'the session cookie was not sent: it is Secure, and the connection is not. Behind a proxy that ends TLS, set ' +
      "Express's `trust proxy` or the option proxy; without TLS, use cookie.secure 'auto' or false",
    { code: 'HOLDFAST_INSECURE_CONNECTION' }
  )
}
