import type { IncomingMessage, ServerResponse } from 'node:http'
import { HeaderSnapshot, ResponseHold, type ResponseGate } from '../../lib/response/response-hold'
import {
  follow,
  Signal,
  TestServer,
  type Answer,
  type Asked,
  type Exchange,
  type Protocol
} from './hold-http'

/** A gate in the place of a session: there is something to commit, and the test says what becomes of it. */
export class TestGate implements ResponseGate {
  /** Whether the next question finds something to commit. */
  changed = true
  /** What happened, in its order. */
  readonly log: string[] = []
  onHeaders: () => void = () => undefined
  onCommit: () => void = () => undefined
  readonly hungUp = new Signal<boolean>('closing without an end')
  readonly #unanswered: { resolve: () => void; reject: (error: unknown) => void }[] = []
  readonly #asked: Signal[] = []
  #count = 0

  commit(): Promise<void> | undefined {
    if (!this.changed) return undefined
    this.changed = false
    this.log.push('commit')
    const commit = new Promise<void>((resolve, reject) => this.#unanswered.push({ resolve, reject }))
    this.#asks(++this.#count).resolve()
    this.onCommit()
    return commit
  }

  headers(): void {
    this.log.push('headers')
    this.onHeaders()
  }

  closed(begun: boolean): void {
    this.log.push('closed')
    this.hungUp.resolve(begun)
  }

  /** Resolves when a commit was asked for so many times. */
  asked(times = 1): Promise<void> {
    return this.#asks(times).seen
  }

  #asks(times: number): Signal {
    return (this.#asked[times] ??= new Signal(`commit ${times}`))
  }

  /** The oldest commit under way succeeds. */
  allow(): void {
    this.log.push('committed')
    this.#unanswered.shift()?.resolve()
  }

  /** The oldest commit under way fails. */
  refuse(error: unknown = unavailable()): void {
    this.log.push('refused')
    this.#unanswered.shift()?.reject(error)
  }
}

/** What a session's failed commit is to the hold: an error with a status. */
export function unavailable(): Error {
  return Object.assign(new Error('the store says no'), { status: 503 })
}

export interface Held {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly gate: TestGate
  readonly hold: ResponseHold
}

/** A server whose every response is held by a {@link TestGate}. No session is involved. */
export class HeldServer {
  readonly gate = new TestGate()
  /** What `next` got. */
  readonly errors: unknown[] = []
  /** An error handler; without one, an error page. */
  onError: (error: unknown, held: Held) => unknown = (_error, { res }) => {
    res.statusCode = 503
    res.end('error page')
  }
  /** What comes in front of the hold. */
  before: (res: ServerResponse) => unknown = () => undefined
  server!: TestServer

  private constructor(private readonly handler: (held: Held) => unknown) {}

  static async open(protocol: Protocol, handler: (held: Held) => unknown): Promise<HeldServer> {
    const rig = new HeldServer(handler)
    rig.server = await TestServer.open(protocol, (req, res) => {
      rig.before(res)
      rig.#handle(req, res)
    })
    return rig
  }

  ask(asked?: Asked): Exchange {
    return this.server.ask(asked)
  }

  /** The answer to a request whose commits all succeed. */
  async get(asked?: Asked): Promise<Answer> {
    this.gate.onCommit = () => setImmediate(() => this.gate.allow())
    return this.server.get(asked)
  }

  #handle(req: IncomingMessage, res: ServerResponse): void {
    const { gate } = this
    const next = (error: unknown) => {
      this.errors.push(error)
      follow(() => this.onError(error, held)).catch(() => res.destroy())
    }
    const hold = new ResponseHold(req.method, res, gate, new HeaderSnapshot(res), next)
    const held = { req, res, gate, hold }
    follow(() => this.handler(held)).catch(() => res.destroy())
  }
}

/** Whether anything of the response has left, headers included: looked up where the hold changes nothing. */
export function hasLeft(res: ServerResponse): boolean {
  const { stream } = res as unknown as { stream?: { headersSent: boolean } }
  return stream ? stream.headersSent : (res.socket?.bytesWritten ?? 0) > 0
}
