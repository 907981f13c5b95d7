import { ServerResponse } from 'node:http'
import {
  isHttp2,
  type HoldableResponse,
  type Method,
  type Sending,
  type SendingName
} from './holdable-response'

const SETTERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const
type Setter = (typeof SETTERS)[number]

/**
 * A response that looks as after a native send although nothing has left. A stand-in, a response of Node's without a
 * connection, is sent what the handler sends: it checks the arguments, and knows how far the response is.
 *
 * `finished` stays what it is: by it Node's server tells which connections it may close as idle.
 */
export class FrozenResponse {
  readonly #standIn: ServerResponse | undefined
  readonly #own = new Map<string, PropertyDescriptor | undefined>()
  readonly #isHttp2: boolean
  #status: number | undefined
  #message: string | undefined
  #written = false

  /** @param begun - the headers have left already */
  constructor(
    private readonly res: HoldableResponse,
    method: string | undefined,
    begun: boolean
  ) {
    this.#isHttp2 = isHttp2(res)
    if (!begun) this.#status = res.statusCode
    if (!begun && !this.#isHttp2) this.#message = res.statusMessage
    // A fake has no rules to keep.
    if (!('headersSent' in res)) return

    const request = { method, httpVersionMajor: 1, httpVersionMinor: 1 }
    const standIn = (this.#standIn = new ServerResponse(request as never))
    // A write after the end: the real response tells of it when the call is made there.
    standIn.on('error', () => undefined)
    if (this.#status !== undefined) standIn.statusCode = this.#status
    if (this.#message !== undefined) standIn.statusMessage = this.#message
    if (begun) standIn.flushHeaders()
    else if (res.strictContentLength) {
      standIn.strictContentLength = true
      standIn.setHeaders(new Map(Object.entries(res.getHeaders?.() ?? {})) as Map<string, string>)
    }

    this.#replace('headersSent', { get: () => standIn.headersSent })
    this.#replace('writableEnded', { get: () => standIn.writableEnded })
    this.#replace('writableNeedDrain', { get: () => this.#written && !standIn.writableEnded })
    for (const name of SETTERS) {
      this.#replace(name, { value: (...args: unknown[]) => this.#call(name, args) })
    }
  }

  /**
   * Takes a call in place of the response.
   *
   * @throws what the response would throw
   */
  take({ name, args }: Sending): void {
    const { res } = this
    if (!this.#standIn || name === 'flush') return
    const given = args.filter((arg) => typeof arg !== 'function')
    if (name === 'writeHead' && this.#isHttp2 && !res.headersSent) {
      // Here 0 means 200, and there are fewer statuses: the response itself checks them.
      given[0] = res.statusCode = (given[0] as number) | 0 || 200
    }
    const second = given[1]
    // Without a connection nobody would look at the encoding.
    if (typeof second === 'string' && name !== 'writeHead') Buffer.from('', second as BufferEncoding)
    this.#call(name, given)
    if (name === 'write') this.#written = true
    if (name !== 'writeHead') return
    this.#status = res.statusCode = this.#standIn.statusCode
    if (typeof second === 'string' && !this.#isHttp2) this.#message = res.statusMessage = second
  }

  /** Makes the response itself again, with the status that it had when it froze. */
  thaw(): void {
    const { res } = this
    for (const [name, own] of this.#own) {
      if (own) Object.defineProperty(res, name, own)
      else Reflect.deleteProperty(res, name)
    }
    this.#own.clear()
    if (this.#status !== undefined) res.statusCode = this.#status
    if (this.#status !== undefined && !this.#isHttp2) res.statusMessage = this.#message
  }

  #call(name: SendingName | Setter, args: unknown[]): unknown {
    try {
      return (this.#standIn as unknown as Record<typeof name, Method>)[name](...args)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (this.#isHttp2 && code === 'ERR_HTTP_HEADERS_SENT') {
        throw Object.assign(error as Error, { code: 'ERR_HTTP2_HEADERS_SENT' })
      }
      throw error
    }
  }

  #replace(name: string, descriptor: PropertyDescriptor): void {
    const { res } = this
    if (!(name in res)) return
    this.#own.set(name, Object.getOwnPropertyDescriptor(res, name))
    Object.defineProperty(res, name, { ...descriptor, configurable: true })
  }
}
