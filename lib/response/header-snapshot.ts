import type { OutgoingHttpHeaders } from 'node:http'
import { isHttp2, type HoldableResponse } from './intercept'

/** Remembers the status and the headers of a response, to go back to them. */
export class HeaderSnapshot {
  readonly #status: number | undefined
  readonly #message: string | undefined
  readonly #sendDate: boolean | undefined
  /** By lower-case name, each with its name as it was written in the same place of the other; HTTP/2 has only these. */
  readonly #headers: OutgoingHttpHeaders
  readonly #names: readonly string[] | undefined

  constructor(res: HoldableResponse) {
    this.#status = res.statusCode
    // HTTP/2 has no status message (RFC 9113, 8.3.2), and Node warns of those who look at it.
    if (!isHttp2(res)) this.#message = res.statusMessage
    this.#sendDate = res.sendDate
    this.#headers = res.getHeaders?.() ?? {}
    this.#names = res.getRawHeaderNames?.()
    for (const name in this.#headers) {
      const value = this.#headers[name]
      if (Array.isArray(value)) this.#headers[name] = [...value]
    }
  }

  restore(res: HoldableResponse): void {
    if (this.#status !== undefined) res.statusCode = this.#status
    if (!isHttp2(res) && res.statusMessage !== this.#message) res.statusMessage = this.#message
    const now = res.getHeaders?.() ?? {}
    for (const name of Object.keys(now)) if (!Object.hasOwn(this.#headers, name)) res.removeHeader?.(name)
    for (const [index, [lower, value]] of Object.entries(this.#headers).entries()) {
      if (value === undefined || (now[lower] === value && !Array.isArray(value))) continue
      res.setHeader?.(this.#names?.[index] ?? lower, Array.isArray(value) ? [...value] : value)
    }
    // Removing a Date that a handler set would switch Node's own off.
    if (this.#sendDate !== undefined) res.sendDate = this.#sendDate
  }
}
