import type { OutgoingHttpHeader } from 'node:http'
import { isHttp2 } from './intercept'
import type { HoldableResponse } from './response'

type Value = OutgoingHttpHeader | undefined

/**
 * Remembers the status and the headers of a response, to go back to them. The names are in lower case: remembering how they
 * were written would cost every request more than the rest of this.
 */
export class HeaderSnapshot {
  readonly #status: number | undefined
  readonly #message: string | undefined
  readonly #sendDate: boolean | undefined
  readonly #names: readonly string[]
  readonly #values: Value[] = []

  constructor(res: HoldableResponse) {
    this.#status = res.statusCode
    // HTTP/2 has no status message (RFC 9113, 8.3.2), and Node warns of those who look at it.
    if (!isHttp2(res)) this.#message = res.statusMessage
    this.#sendDate = res.sendDate
    this.#names = res.getHeaderNames?.() ?? []
    for (const name of this.#names) this.#values.push(copy(res.getHeader?.(name)))
  }

  restore(res: HoldableResponse): void {
    if (this.#status !== undefined) res.statusCode = this.#status
    if (!isHttp2(res) && res.statusMessage !== this.#message) res.statusMessage = this.#message
    for (const name of res.getHeaderNames?.() ?? []) if (!this.#names.includes(name)) res.removeHeader?.(name)
    for (const [index, name] of this.#names.entries()) {
      const value = this.#values[index]
      if (value !== undefined && !isSame(value, res.getHeader?.(name))) res.setHeader?.(name, copy(value)!)
    }
    // Removing a Date that a handler set would switch Node's own off.
    if (this.#sendDate !== undefined) res.sendDate = this.#sendDate
  }
}

function copy(value: Value): Value {
  return Array.isArray(value) ? [...value] : value
}

function isSame(one: Value, other: Value): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other
  return one.length === other.length && one.every((line, index) => line === other[index])
}
