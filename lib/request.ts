import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'

/** A request as Express, Connect and Node's own servers hand it to a middleware. */
export type SessionRequest = (IncomingMessage | Http2ServerRequest) & {
  originalUrl?: string
  secure?: boolean
}
