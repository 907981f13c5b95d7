import { isDeepStrictEqual } from 'node:util'
import type { OutgoingHttpHeader } from 'node:http'
import type { Readable } from 'node:stream'
import { ResponseStandIn } from './stand-in'
import { abort, answerOf, emitDrain, intercept, isHttp2, isResponding } from './intercept'
import type { Native, Sending } from './intercept'
import type { HoldableResponse, Method, SendingName } from './response'
import { answerInstead, cutOff, emitError, isLate, writeAfterEnd } from './error-response'
import { interceptStream, takeStreamHeaders } from './http2-stream'
import { isAll, isBodiless, takeHeaders } from './write-head'

/** The gate that a held response waits for. */
export interface ResponseGate {
  /** Called when the response is about to begin, and when it is about to end. Undefined: it may go on at once. */
  commit(): Promise<void> | undefined
  /** Called right before the headers leave; may set headers, and may throw. */
  headers(): void
  /** Called when the connection closes before `end`; `begun`: the handler had begun the response. */
  closed(begun: boolean): void
}

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
    for (const name of this.#names) {
      const value = res.getHeader?.(name)
      this.#values.push(Array.isArray(value) ? [...value] : value)
    }
  }

  restore(res: HoldableResponse): void {
    if (this.#status !== undefined) res.statusCode = this.#status
    if (!isHttp2(res) && res.statusMessage !== this.#message) res.statusMessage = this.#message
    for (const name of res.getHeaderNames?.() ?? []) if (!this.#names.includes(name)) res.removeHeader?.(name)
    for (const [index, name] of this.#names.entries()) {
      const value = this.#values[index]
      if (value !== undefined && !isDeepStrictEqual(value, res.getHeader?.(name)))
        res.setHeader?.(name, Array.isArray(value) ? [...value] : value)
    }
    // Removing a Date that a handler set would switch Node's own off.
    if (this.#sendDate !== undefined) res.sendDate = this.#sendDate
  }
}

/**
 * Holds a response back until it may go. Calls that would send something are kept, and made in their order once the
 * gate's commit has succeeded; until then the response looks as if they had been made.
 */
export class ResponseHold {
  #state: 'before' | 'holding' | 'after' | 'dropped' = 'before'
  #begun = false
  #ended = false
  #calls: Sending[] = []
  #standIn: ResponseStandIn | undefined
  /** The session may have changed after the commit that is waited for. */
  #stale = false
  /** Lets a response without a body go on that waits for its end. */
  #complete: (() => void) | undefined
  /** A commit that a call began which was then refused for its arguments. */
  #unheard: Promise<void> | undefined
  #error: unknown
  #refused = false
  /** How far a `writeHead` is that a call implies: those that wrap ours are asked first, as Node asks them. */
  #head: 'asking' | 'asked' | undefined
  readonly #native: Native
  /** The `writeHead` of this hold: another one on the response wraps it. */
  readonly #writeHead: Method | undefined
  #sources: Readable[] | undefined

  /**
   * @param method - of the request
   * @param pristine - the status and the headers to go back to when the store says no
   * @param next - gets the error where an error handler can still answer
   */
  constructor(
    private readonly method: string | undefined,
    private readonly res: HoldableResponse,
    private readonly gate: ResponseGate,
    private readonly pristine: HeaderSnapshot,
    private readonly next: (error: unknown) => void
  ) {
    if (res.headersSent) {
      this.#state = 'after'
      this.#begun = true
      this.#ended = res.writableEnded === true
    }
    this.#native = intercept(res, this.#called.bind(this))
    this.#writeHead = (res as Native).writeHead
    if (isHttp2(res)) this.#interceptStream()
    res.on?.('pipe', (source: Readable) => (this.#sources ??= []).push(source))
    res.on?.('close', () => {
      if (!this.#ended) this.gate.closed(this.#begun || this.#state === 'holding')
    })
  }

  /** Whether the response has ended, as far as its handler knows. */
  get isOver(): boolean {
    return this.#ended
  }

  /** Whether the headers have gone: not only asked for, but sent. */
  get begun(): boolean {
    return this.#begun
  }

  #called(name: SendingName, ...args: unknown[]): unknown {
    if (this.#state === 'before' && name !== 'flush') return this.#begin(name, args)
    if (this.#state === 'holding') return this.#keep({ name, args })
    if (name === 'flush') return this.#native.flush?.apply(this.res, args)
    if (this.#state === 'dropped') return this.#ignore({ name, args })
    if (name !== 'end' || this.#ended) return this.#pass(name, args)
    const pending = this.#commit()
    return pending ? this.#hold({ name, args }, pending) : this.#pass(name, args)
  }

  #begin(name: SendingName, given: unknown[]): unknown {
    const { writeHead } = this.res as Native
    let args = given
    if (name === 'writeHead') {
      if (this.#head === 'asking') return this.#answerHead(given)
      args = takeHeaders(this.res, given)
    } else if (isResponding(name)) takeStreamHeaders(this.res, name, given)
    else if (
      !this.#head &&
      writeHead !== this.#writeHead &&
      writeHead !== (Object.getPrototypeOf(this.res) as Native).writeHead &&
      this.res.headersSent === false
    ) {
      this.#askHead()
      // A function that wraps it may have sent something.
      return this.#called(name, ...args)
    }
    let pending = this.#commit()
    if ((name === 'flushHeaders' || name === 'writeHead' || name === 'write') && isHttp2(this.res)) {
      // Node ends a response without a body with its headers.
      const code = name === 'writeHead' ? args[0] : undefined
      const end = isBodiless(this.res, this.method, code) && new Promise<void>((go) => (this.#complete = go))
      if (end) pending = pending ? pending.then(() => end) : end
    }
    try {
      if (!pending) this.gate.headers()
    } catch (error) {
      pending = Promise.reject(error)
    }
    return pending ? this.#hold({ name, args }, pending) : this.#pass(name, args)
  }

  /**
   * Runs the `writeHead` of those that wrap ours, such as compression, at the moment at which Node would: they look at
   * the response and change its headers, and what they do has to be done before the response looks as if it had begun.
   */
  #askHead(): void {
    this.#head = 'asking'
    try {
      ;(this.res as Native).writeHead?.call(this.res, this.res.statusCode)
    } finally {
      // Nobody has to come as far as ours.
      this.#head = 'asked'
    }
  }

  #answerHead(given: unknown[]): unknown {
    const { res } = this
    const [status, message] = takeHeaders(res, given)
    res.statusCode = status as number
    if (typeof message === 'string' && !isHttp2(res)) res.statusMessage = message
    this.#head = 'asked'
    return res
  }

  #commit(): Promise<void> | undefined {
    const unheard = this.#unheard
    // The response may begin anew, as another one.
    this.#unheard = this.#complete = undefined
    return unheard ? unheard.then(() => this.gate.commit()) : this.gate.commit()
  }

  #pass(name: SendingName, args: unknown[]): unknown {
    const isFlush = name === 'flushHeaders'
    if ((isFlush || name === 'write') && isAll(this.res, this.method, isFlush ? '' : args[0])) {
      // Node has the headers ready then, and what changes until the end is committed before they leave.
      if (!this.res.headersSent) this.#pass('writeHead', [this.res.statusCode])
      this.#ignore({ name, args })
      return isFlush ? undefined : true
    }
    this.#state = 'after'
    this.#begun = true
    if (this.res.writableEnded && isLate(this.res, name, args))
      return this.#ignore({ name, args }, writeAfterEnd())
    const ended = this.#ended
    if (name === 'end') this.#ended = true
    try {
      return this.#head ? this.#passHead(name, args) : this.#native[name]?.apply(this.res, args)
    } catch (error) {
      this.#ended = ended
      // A native call that refused its arguments has sent nothing: the handler may begin again.
      if (this.res.headersSent === false) {
        this.#state = 'before'
        this.#begun = false
      }
      throw error
    }
  }

  /** Those that wrap our `writeHead` have been asked, and must not be asked again by Node. */
  #passHead(name: SendingName, args: unknown[]): unknown {
    const methods = this.res as Native
    const { writeHead } = methods
    methods.writeHead = this.#native.writeHead
    try {
      return this.#native[name]?.apply(this.res, args)
    } finally {
      methods.writeHead = writeHead
      if (this.res.headersSent) this.#head = undefined
    }
  }

  #hold(call: Sending, pending: Promise<void>): unknown {
    this.#state = 'holding'
    this.#standIn = new ResponseStandIn(this.res, this.method, this.#begun)
    try {
      const result = this.#keep(call)
      // Changes that a handler makes after its `end` are not part of the response.
      this.#stale = call.name !== 'end'
      this.#wait(pending)
      return result
    } catch (error) {
      this.#standIn.remove()
      this.#state = this.#begun ? 'after' : 'before'
      this.#unheard = pending
      this.#complete?.()
      pending.catch(() => undefined)
      throw error
    }
  }

  #keep(call: Sending): unknown {
    // A response without a body sends no chunk. A pipe must not wait for that, as it is the pipe that ends the response. Behind
    // its headers Node calls a write too late.
    const isLeftOut = call.name === 'write' && this.#complete !== undefined && !this.#ended
    this.#standIn?.take(call, !isLeftOut)
    if (isLeftOut) return !this.#ignore(call, this.#calls.length > 0 ? writeAfterEnd() : undefined)
    this.#calls.push(call)
    if (call.name === 'end') this.#complete?.()
    if (call.name === 'end') this.#ended = this.#stale = true
    return answerOf(call.name, this.res)
  }

  #wait(pending: Promise<void>): void {
    pending.then(
      () => {
        // Nothing throws out of here: nobody could catch it.
        try {
          const again = this.#stale ? this.gate.commit() : undefined
          this.#stale = false
          if (again) this.#wait(again)
          else this.#release()
        } catch (error) {
          this.#refuse(error)
        }
      },
      (error: unknown) => this.#refuse(error)
    )
  }

  /** Everything that was held goes out, in order. */
  #release(): void {
    this.#standIn?.remove()
    if (!this.#begun) this.gate.headers()
    const hadBegun = this.#begun
    let full: boolean | undefined
    for (let call = this.#calls[0]; call; call = this.#calls[0]) {
      // Those who listen for headers from in front of the session may have changed it by now.
      const again = !hadBegun && this.#begun && call.name === 'end' ? this.gate.commit() : undefined
      if (again) return this.#wait(again)
      const result = this.#pass(call.name, call.args)
      if (call.name === 'write') full = result === false
      this.#calls.shift()
    }
    if (full === false && !this.#ended) process.nextTick(emitDrain, this.res)
  }

  #refuse(error: unknown): void {
    const calls = this.#calls.splice(0)
    const names = calls.map(({ name }) => name)
    // Data written to a stream past the response waits in it, and would become the body of an answer.
    const isLost = this.#begun || names.some(isResponding)
    if (!isLost && names.includes('end') && !names.includes('write') && !this.#refused) {
      this.#refused = true
      this.#error = error
      this.#state = 'dropped'
      cutOff(this.res, this.#sources)
      for (const call of calls) this.#ignore(call)
      // Until then the response looks ended to the caller of `end`, and to code that waits for the handler.
      process.nextTick(() => {
        this.#standIn?.remove()
        this.pristine.restore(this.res)
        this.#state = 'before'
        this.#ended = false
        this.#head = undefined
        this.next(error)
      })
      return
    }
    this.#standIn?.remove()
    this.#error = error
    cutOff(this.res, this.#sources)
    for (const call of calls) this.#ignore(call)
    if (isLost) return this.#drop(error)
    this.pristine.restore(this.res)
    // The handler is streaming: its later writes would look like those of an error handler.
    this.#state = 'after'
    this.#begun = this.#ended = true
    answerInstead(this.res, this.#native, this.method, error)
    this.#state = 'dropped'
  }

  #drop(error: unknown): void {
    this.#state = 'dropped'
    process.nextTick(() => {
      emitError(this.res, error)
      // Nothing can be answered any more, but error handlers also write logs.
      this.next(error)
    })
    abort(this.res)
  }

  #ignore({ name, args }: Sending, error = this.#error): unknown {
    const callback = args.find((arg) => typeof arg === 'function') as Method | undefined
    if (callback) process.nextTick(callback, error)
    return answerOf(name, this.res)
  }

  #interceptStream(): void {
    const native = interceptStream(this.res, this.res.stream!, {
      begun: () => this.#begun,
      isMixed: () => {
        const isHeld = this.#state === 'holding' && this.#calls.some(({ name }) => !isResponding(name))
        return isHeld || this.#state === 'dropped'
      },
      send: (name, args) => this.#called(name, ...args),
      write: () => (this.#state === 'before' ? this.#called('respond') : this.#complete?.()),
      end: () => {
        if (this.#state !== 'after' || this.#ended) return undefined
        this.#ended = true
        const pending = this.#commit()
        pending?.catch((error: unknown) => this.#drop(error))
        return pending
      }
    })
    Object.assign(this.#native, native)
  }
}
