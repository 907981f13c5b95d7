import type { ServerResponse } from 'node:http'
import { FrozenResponse } from './stand-in'
import type { HeaderSnapshot } from './header-snapshot'
import { abort, answerOf, emitDrain, intercept } from './intercept'
import type { HoldableResponse, Method, Sending, SendingName } from './intercept'
import { answerInstead, emitError } from './error-response'
import { takeHeaders } from './write-head'

export type { HoldableResponse } from './intercept'

/** What a held response waits for. */
export interface ResponseGate {
  /** Called when the response is about to begin, and when it is about to end. Undefined: it may go on at once. */
  commit(): Promise<void> | undefined
  /** Called right before the headers leave; may set headers, and may throw. */
  headers(): void
  /** Called when the connection closes before `end`; `begun`: the handler had begun the response. */
  closed(begun: boolean): void
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
  #frozen: FrozenResponse | undefined
  /** The session may have changed after the commit that is waited for. */
  #stale = false
  /** A commit that a call began which was then refused for its arguments. */
  #unheard: Promise<void> | undefined
  #error: unknown
  #refused = false
  readonly #native: ReadonlyMap<SendingName, Method>
  readonly #sources = new Set<NodeJS.ReadableStream>()

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
    this.#native = intercept(res, (call) => this.#called(call))
    res.on?.('pipe', (source: NodeJS.ReadableStream) => this.#sources.add(source))
    res.once?.('close', () => {
      if (!this.#ended) this.gate.closed(this.#begun || this.#state === 'holding')
    })
  }

  /** Whether the headers have gone: not only asked for, but sent. */
  get begun(): boolean {
    return this.#begun
  }

  #called(call: Sending): unknown {
    const { name, args } = call
    if (this.#state === 'holding') return this.#keep(call)
    if (name === 'flush') return this.#native.get(name)?.apply(this.res, args)
    if (this.#state === 'dropped') return this.#ignore(call)
    if (this.#state === 'before') return this.#begin(call)
    if (name !== 'end' || this.#ended) return this.#pass(call)
    const pending = this.#commit()
    return pending ? this.#hold(call, pending) : this.#pass(call)
  }

  #begin({ name, args }: Sending): unknown {
    const call = { name, args: name === 'writeHead' ? takeHeaders(this.res, args) : args }
    let pending = this.#commit()
    try {
      if (!pending) this.gate.headers()
    } catch (error) {
      pending = Promise.reject(error)
    }
    return pending ? this.#hold(call, pending) : this.#pass(call)
  }

  #commit(): Promise<void> | undefined {
    const unheard = this.#unheard
    this.#unheard = undefined
    return unheard ? unheard.then(() => this.gate.commit()) : this.gate.commit()
  }

  #pass({ name, args }: Sending): unknown {
    this.#state = 'after'
    this.#begun = true
    try {
      const result = this.#native.get(name)?.apply(this.res, args)
      if (name === 'end') this.#ended = true
      return result
    } catch (error) {
      // A native call that refused its arguments has sent nothing: the handler may begin again.
      if (this.res.headersSent === false) {
        this.#state = 'before'
        this.#begun = false
      }
      throw error
    }
  }

  #hold(call: Sending, pending: Promise<void>): unknown {
    this.#state = 'holding'
    this.#frozen = new FrozenResponse(this.res, this.method, this.#begun)
    try {
      const result = this.#keep(call)
      // What a handler changes after its `end` is not part of the response.
      this.#stale = call.name !== 'end'
      void this.#settle(pending)
      return result
    } catch (error) {
      this.#frozen?.thaw()
      this.#state = this.#begun ? 'after' : 'before'
      this.#unheard = pending
      pending.catch(() => undefined)
      throw error
    }
  }

  #keep(call: Sending): unknown {
    this.#frozen?.take(call)
    this.#calls.push(call)
    if (call.name === 'end') this.#ended = this.#stale = true
    return answerOf(call, this.res)
  }

  /** Nothing throws out of here: nobody could catch it. */
  async #settle(pending: Promise<void>): Promise<void> {
    try {
      await pending
      while (this.#stale) {
        this.#stale = false
        await this.gate.commit()
      }
      this.#release()
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Everything that was held goes out, in order. */
  #release(): void {
    this.#frozen?.thaw()
    if (!this.#begun) this.gate.headers()
    let full: boolean | undefined
    for (let call = this.#calls[0]; call; call = this.#calls[0]) {
      const result = this.#pass(call)
      if (call.name === 'write') full = result === false
      this.#calls.shift()
    }
    if (full === false && !this.#ended) process.nextTick(emitDrain, this.res)
  }

  #refuse(error: unknown): void {
    const calls = this.#calls.splice(0)
    const names = calls.map(({ name }) => name)
    if (!this.#begun && names.includes('end') && !names.includes('write') && !this.#refused) {
      this.#refused = true
      this.#error = error
      this.#state = 'dropped'
      for (const source of this.#sources) source.unpipe(this.res as ServerResponse)
      for (const call of calls) this.#ignore(call)
      // Until then the response looks ended to whoever called `end`, and to what waits for the handler.
      process.nextTick(() => {
        this.#frozen?.thaw()
        this.pristine.restore(this.res)
        this.#state = 'before'
        this.#ended = false
        this.next(error)
      })
      return
    }
    this.#frozen?.thaw()
    this.#error = error
    for (const source of this.#sources) source.unpipe(this.res as ServerResponse)
    for (const call of calls) this.#ignore(call)
    if (this.#begun) {
      this.#state = 'dropped'
      process.nextTick(emitError, this.res, error)
      return abort(this.res)
    }
    this.pristine.restore(this.res)
    // The handler is streaming: its later writes could not be told from those of an error handler.
    this.#state = 'after'
    this.#begun = this.#ended = true
    answerInstead(this.res, this.#native, this.method, error)
    this.#state = 'dropped'
  }

  #ignore(call: Sending): unknown {
    const callback = call.args.find((arg) => typeof arg === 'function') as Method | undefined
    if (callback) process.nextTick(callback, this.#error)
    return answerOf(call, this.res)
  }
}
