import type { OutgoingHttpHeader } from 'node:http'
import { isHttp2, type HoldableResponse } from './holdable-response'

interface Header {
  /** As it was written; HTTP/2 has lower case only. */
  readonly name: string
  readonly value: OutgoingHttpHeader
}

/** Remembers the status and the headers of a response, to go back to them. */
export class HeaderSnapshot {
  readonly #status: number | undefined
  readonly #message: string | undefined
  readonly #sendDate: boolean | undefined
  readonly #headers = new Map<string, Header>()

  constructor(res: HoldableResponse) {
    this.#status = res.statusCode
    // HTTP/2 has no status message (RFC 9113, 8.3.2), and Node warns of those who look at it.
    if (!isHttp2(res)) this.#message = res.statusMessage
    this.#sendDate = res.sendDate
    const rawNames = res.getRawHeaderNames?.() ?? []
    for (const [index, [name, value]] of Object.entries(res.getHeaders?.() ?? {}).entries()) {
      if (value !== undefined) this.#headers.set(name, { name: rawNames[index] ?? name, value: copy(value) })
    }
  }

  restore(res: HoldableResponse): void {
    if (this.#status !== undefined) res.statusCode = this.#status
    if (!isHttp2(res) && res.statusMessage !== this.#message) res.statusMessage = this.#message
    const now = res.getHeaders?.() ?? {}
    for (const name of Object.keys(now)) if (!this.#headers.has(name)) res.removeHeader?.(name)
    for (const [lower, { name, value }] of this.#headers) {
      if (Array.isArray(value) || now[lower] !== value) res.setHeader?.(name, copy(value))
    }
    // Removing a Date that a handler set would switch Node's own off.
    if (this.#sendDate !== undefined) res.sendDate = this.#sendDate
  }
}

/** `appendHeader` adds to the very array that is set. */
function copy(value: OutgoingHttpHeader): OutgoingHttpHeader {
  return Array.isArray(value) ? [...value] : value
}
