import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import express4 from 'express4'
import session, { MemoryStore, type SessionOptions } from '../../lib'
import { CountingStore } from './counting-store'
import {
  follow,
  Signal,
  TestServer,
  type Asked,
  type Answer,
  type Exchange,
  type Protocol
} from './hold-http'

/** What a request looks like to the tests' handlers, whoever brought it. */
export type Request = IncomingMessage & {
  session: session.Session & Record<string, unknown>
  sessionID: string
}
export type Response = ServerResponse
export type Next = (error?: unknown) => void
export type Layer = (req: Request, res: Response, next: Next) => unknown
export type ErrorLayer = (error: session.SessionError, req: Request, res: Response, next: Next) => unknown

export const KINDS = ['Express 5', 'Express 4', 'Connect', 'HTTP/2'] as const
export type Kind = (typeof KINDS)[number]

const secret = 'what signs the cookies where responses are held'

/** A store that the test holds up: what `set` does comes about at the test's word. */
export class HeldStore extends CountingStore {
  /** `set` was asked, and when it did it, in the order of events that the test notes here, too. */
  readonly events: string[] = []

  constructor(private readonly memory = new MemoryStore()) {
    super(memory)
    this.always(async (ask) => {
      this.events.push('set')
      const result = await ask()
      this.events.push('stored')
      return result
    }, 'set')
  }

  /** The next `set` waits for the answer's `resolve`, or fails by its `reject`. */
  holdNext(): { asked: Signal; answer: Signal; done: Signal } {
    const asked = new Signal('set being asked')
    const answer = new Signal('the answer of the test')
    const done = new Signal('set')
    this.next('set', async (ask) => {
      this.events.push('set')
      asked.resolve()
      await answer.seen
      const result = await ask()
      this.events.push('stored')
      done.resolve()
      return result
    })
    return { asked, answer, done }
  }

  /** How many records are kept. */
  get size(): number {
    return this.memory.size
  }
}

/** A server with sessions, and the cookie of its one visitor. */
export class HeldApp {
  readonly store: HeldStore
  cookie: string | undefined

  private constructor(
    readonly server: TestServer,
    store: HeldStore
  ) {
    this.store = store
  }

  /**
   * @param layers - what comes after the session, or the one handler that does
   * @param before - what comes before the session
   * @param onError - an error handler, which comes last
   */
  static async open(
    kind: Kind,
    layers: Layer | Layer[],
    {
      before = [],
      onError,
      ...options
    }: Partial<SessionOptions> & { before?: Layer[]; onError?: ErrorLayer } = {}
  ): Promise<HeldApp> {
    const store = new HeldStore()
    const sessions = session({ secret, store, ...options })
    const all: (Layer | ErrorLayer)[] = [...before, sessions, ...[layers].flat()]
    if (onError)
      all.push((error: session.SessionError, req: Request, res: Response, next: Next) =>
        onError(error, req, res, next)
      )
    const protocol: Protocol = kind === 'HTTP/2' ? 'HTTP/2' : 'HTTP/1.1'
    return new HeldApp(await TestServer.open(protocol, listenerOf(kind, all)), store)
  }

  /** A request with the visitor's cookie, under way. */
  ask({ headers, ...asked }: Asked = {}): Exchange {
    const cookie: Record<string, string> = this.cookie === undefined ? {} : { cookie: this.cookie }
    return this.server.ask({ ...asked, headers: { ...cookie, ...headers } })
  }

  /** As {@link ask}, with the first byte of the answer among the events of the store. */
  watch(asked?: Asked): Exchange {
    const exchange = this.ask(asked)
    exchange.begun.seen.then(
      () => this.store.events.push('first byte'),
      () => undefined
    )
    return exchange
  }

  /** A request of the visitor, who keeps the cookie that comes. */
  async get(asked?: Asked): Promise<Answer> {
    const answer = await this.ask(asked).ended.seen
    this.keep(answer.headers)
    return answer
  }

  keep(headers: Answer['headers']): void {
    const line = [headers['set-cookie'] ?? []].flat().find((cookie) => cookie.startsWith('sid='))
    if (line !== undefined) this.cookie = line.split(';')[0]
  }

  /** What is stored of the visitor's session. */
  async stored(): Promise<Record<string, unknown> | null> {
    const id = /=s%3A([^.]+)\.|=s:([^.]+)\./.exec(this.cookie ?? '')
    const text = await this.store.inner.get(id?.[1] ?? id?.[2] ?? '')
    return text === null ? null : (JSON.parse(text) as Record<string, unknown>)
  }
}

function listenerOf(kind: Kind, layers: (Layer | ErrorLayer)[]) {
  const all = layers.map(caught)
  if (kind === 'Connect' || kind === 'HTTP/2') {
    return (req: IncomingMessage, res: Response) => walk(all, req as Request, res)
  }
  const app = (kind === 'Express 5' ? express : express4)()
  for (const layer of all) app.use(layer as never)
  return app as unknown as (req: IncomingMessage, res: Response) => void
}

/** What an asynchronous handler throws is an error for `next` with Express 5; here it is everywhere. */
function caught(layer: Layer | ErrorLayer): Layer | ErrorLayer {
  if (layer.length === 4) {
    return (error: session.SessionError, req: Request, res: Response, next: Next) =>
      run(() => (layer as ErrorLayer)(error, req, res, next), next)
  }
  return (req: Request, res: Response, next: Next) => run(() => (layer as Layer)(req, res, next), next)
}

/** Errors are for `next`, as handlers mean them; what a test expects in vain fails the test. */
function run(action: () => unknown, next: Next): void {
  void follow(async () => {
    try {
      await action()
    } catch (error) {
      next(error)
      if ((error as { matcherResult?: unknown }).matcherResult !== undefined) throw error
    }
  }).catch(() => undefined)
}

/** Layers one after the other, as in Connect: `next` goes on where the last one was, whoever calls it. */
function walk(layers: (Layer | ErrorLayer)[], req: Request, res: Response): void {
  let index = 0
  const next: Next = (error) => {
    const layer = layers[index++]
    if (!layer) {
      if (res.headersSent) return
      res.statusCode = (error as { status?: number } | undefined)?.status ?? (error === undefined ? 404 : 500)
      res.end('the end of the chain')
    } else if ((layer.length === 4) !== (error !== undefined)) next(error)
    else if (layer.length === 4) (layer as ErrorLayer)(error as session.SessionError, req, res, next)
    else (layer as Layer)(req, res, next)
  }
  next()
}
