import { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { isHttp2, isResponding, isStatus, type Sending } from './intercept'
import type { HoldableResponse, Method, SendingName } from './response'

const SETTERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const
type Setter = (typeof SETTERS)[number]

const STAND_IN = Symbol('stand-in')

interface Held {
  [STAND_IN]: ResponseStandIn | undefined
}

/**
 * The properties of a held response. They stay on it afterwards and ask its prototype then: to delete a property costs 5 µs
 * on Node 24, and makes a dictionary of the response.
 */
const REPLACEMENTS: readonly (readonly [string, PropertyDescriptor & ThisType<Held>])[] = [
  ...(['headersSent', 'writableEnded', 'writableNeedDrain'] as const).map(
    (name) => [name, { configurable: true, get: getter(name) }] as const
  ),
  ...SETTERS.map(
    (name) => [name, { configurable: true, enumerable: true, writable: true, value: setter(name) }] as const
  )
]

function getter(name: 'headersSent' | 'writableEnded' | 'writableNeedDrain') {
  return function (this: Held): unknown {
    const standIn = this[STAND_IN]
    return standIn ? standIn[name] : Reflect.get(Object.getPrototypeOf(this) as object, name, this)
  }
}

function setter(name: Setter) {
  return function (this: Held, ...args: unknown[]): unknown {
    const standIn = this[STAND_IN]
    if (standIn) return standIn.call(name, args)
    return (Object.getPrototypeOf(this) as Record<Setter, Method>)[name].apply(this, args)
  }
}

/**
 * Makes a response look as after a native send although nothing has left. A model, which is a response of Node's without a
 * connection, is sent what the handler sends: it checks the arguments, and knows how far the response is. It is made when it
 * is first needed, as it costs more than all the rest.
 *
 * `finished` stays what it is: by it Node's server tells which connections it may close as idle. `writableFinished` stays,
 * too, and so does `writableEnded` on a response that a program made for itself, without a connection: it takes the body
 * from there as soon as the response says that it has ended.
 */
export class ResponseStandIn {
  /** What others had put on the response before. */
  readonly #own: [name: string, before: PropertyDescriptor][] = []
  readonly #isHttp2: boolean
  readonly #isFake: boolean
  #model: ServerResponse | undefined
  #status: number | undefined
  #message: string | undefined
  #written = false
  /** Nothing was called but an `end` that nobody could object to: a model is not needed yet. */
  #plainEnd = false

  /** @param begun - the headers have left already */
  constructor(
    private readonly res: HoldableResponse,
    private readonly method: string | undefined,
    private readonly begun: boolean
  ) {
    this.#isHttp2 = isHttp2(res)
    if (!begun) this.#status = res.statusCode
    if (!begun && !this.#isHttp2) this.#message = res.statusMessage
    // A fake has no rules to keep.
    this.#isFake = !('headersSent' in res)
    if (this.#isFake) return
    const isConnected = this.#isHttp2 || res.destroyed === true || res.socket instanceof Socket
    ;(res as Partial<Held>)[STAND_IN] = this
    for (const [name, replacement] of REPLACEMENTS) {
      if (!(name in res) || (name === 'writableEnded' && !isConnected)) continue
      const before = Object.getOwnPropertyDescriptor(res, name)
      if (before && before.get === replacement.get && before.value === replacement.value) continue
      if (before) this.#own.push([name, before])
      // Assigning is many times faster, where it is possible.
      if (before || replacement.get) Object.defineProperty(res, name, replacement)
      else (res as unknown as Record<string, unknown>)[name] = replacement.value
    }
  }

  get headersSent(): boolean {
    return this.#plainEnd || this.#required.headersSent
  }

  get writableEnded(): boolean {
    return this.#plainEnd || this.#required.writableEnded
  }

  get writableNeedDrain(): boolean {
    return this.#written && !this.#required.writableEnded
  }

  /**
   * Takes a call in place of the response.
   *
   * @param isKept - whether the response will get it; else its buffer is not filled
   * @throws what the response would throw
   */
  take({ name, args }: Sending, isKept = true): void {
    const { res } = this
    if (this.#isFake || name === 'flush') return
    const given = args.filter((arg) => typeof arg !== 'function')
    if (name === 'end' && !this.#model && !this.#plainEnd && this.#isPlain(given)) {
      this.#plainEnd = true
      return
    }
    if (name === 'writeHead' && this.#isHttp2 && !res.headersSent) {
      // Here 0 means 200, and there are fewer statuses: the response itself checks them.
      given[0] = res.statusCode = (given[0] as number) | 0 || 200
    }
    const second = given[1]
    // Without a connection nobody would look at the encoding.
    if (typeof second === 'string' && name !== 'writeHead') Buffer.from('', second as BufferEncoding)
    // Node's response knows no stream: what matters is that headers can be sent once.
    if (isResponding(name)) return void this.call('writeHead', [200])
    this.call(name, given)
    if (name === 'write' && isKept) this.#written = true
    if (name !== 'writeHead') return
    this.#status = res.statusCode = this.#required.statusCode
    if (typeof second === 'string' && !this.#isHttp2) this.#message = res.statusMessage = second
  }

  /** Makes the response itself again, with the status that it had when it was first held. */
  remove(): void {
    const { res } = this
    for (const [name, before] of this.#own) Object.defineProperty(res, name, before)
    this.#own.length = 0
    if (!this.#isFake) (res as Partial<Held>)[STAND_IN] = undefined
    if (this.#status === undefined) return
    res.statusCode = this.#status
    if (!this.#isHttp2) res.statusMessage = this.#message
  }

  /** Makes a call on the model. @throws what the response would throw */
  call(name: SendingName | Setter, args: unknown[]): unknown {
    try {
      return (this.#required as unknown as Record<typeof name, Method>)[name](...args)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (this.#isHttp2 && code === 'ERR_HTTP_HEADERS_SENT') {
        throw Object.assign(error as Error, { code: 'ERR_HTTP2_HEADERS_SENT' })
      }
      throw error
    }
  }

  /** Whether `end` takes these arguments, and the status, whatever the headers are. */
  #isPlain(given: unknown[]): boolean {
    const [chunk] = given
    if (given.length > 1 || !(chunk === undefined || typeof chunk === 'string' || Buffer.isBuffer(chunk)))
      return false
    return !this.res.strictContentLength && this.#message === undefined && isStatus(this.#status ?? 200)
  }

  /** The model, as far as the response is. */
  get #required(): ServerResponse {
    return (this.#model ??= this.#createModel())
  }

  #createModel(): ServerResponse {
    const { res, method } = this
    const request = { method, httpVersionMajor: 1, httpVersionMinor: 1 }
    const model = new ServerResponse(request as never)
    // A write after the end: the real response tells of it when the call is made there.
    model.on('error', () => undefined)
    if (this.#status !== undefined) model.statusCode = this.#status
    if (this.#message !== undefined) model.statusMessage = this.#message
    if (this.begun) model.flushHeaders()
    else if (res.strictContentLength) {
      model.strictContentLength = true
      model.setHeaders(new Map(Object.entries(res.getHeaders?.() ?? {})) as Map<string, string>)
    }
    if (this.#plainEnd) model.end()
    return model
  }
}
