import { once } from 'node:events'
import { request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import * as http2 from 'node:http2'
import { atEnd, serve } from './serve'
import { portOf } from './server'

export const PROTOCOLS = ['HTTP/1.1', 'HTTP/2'] as const
export type Protocol = (typeof PROTOCOLS)[number]
export type Listener = (req: IncomingMessage, res: ServerResponse) => void

/** Fails instead of waiting for ever. */
export async function bounded<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: it never happened`)), 60_000)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A promise that the test settles. */
export class Signal<T = void> {
  resolve!: (value: T) => void
  reject!: (error: unknown) => void
  readonly #promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve
    this.reject = reject
  })

  constructor(private readonly what: string) {
    this.#promise.catch(() => undefined)
  }

  get seen(): Promise<T> {
    return bounded(this.#promise, this.what)
  }
}

/** What came over the wire in the end. */
export interface Answer {
  /** 0 where no headers came. */
  readonly status: number
  /** The status message; HTTP/2 has none. */
  readonly message: string
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: string
  readonly bytes: Buffer
  /** Whether the response ended as it should: false where the server broke it off. */
  readonly complete: boolean
}

export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** One request under way, seen from the client. */
export class Exchange {
  readonly begun = new Signal<{ status: number; headers: Answer['headers'] }>('the headers of the response')
  readonly ended = new Signal<Answer>('the end of the response')
  /** Called at each informational response, with its status. */
  onInformation: (status: number) => void = () => undefined
  hangUp!: () => void
  pause!: () => void
  resume!: () => void
  #chunks: Buffer[] = []
  #status = 0
  #message = ''
  #headers: Answer['headers'] = {}
  readonly #waiting: { test: (bytes: Buffer) => boolean; signal: Signal }[] = []

  /** Resolves when the text has come. */
  received(text: string): Promise<void> {
    return this.holds((bytes) => bytes.includes(text), `receiving ${JSON.stringify(text)}`)
  }

  /** Resolves when what has come is as the test wants it. */
  async holds(test: (bytes: Buffer) => boolean, what = 'a part of the body'): Promise<void> {
    const signal = new Signal(what)
    this.#waiting.push({ test, signal })
    this.#look()
    return signal.seen
  }

  get size(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, 0)
  }

  headersCame(status: number, headers: Answer['headers'], message = ''): void {
    this.#status = status
    this.#message = message
    this.#headers = headers
    this.begun.resolve({ status, headers })
  }

  dataCame(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#look()
  }

  closed(complete: boolean): void {
    const bytes = Buffer.concat(this.#chunks)
    this.begun.reject(new Error('the connection closed before the headers'))
    this.ended.resolve({
      status: this.#status,
      message: this.#message,
      headers: this.#headers,
      // Megabytes that are no text take long.
      get body() {
        return bytes.toString()
      },
      bytes,
      complete
    })
  }

  #look(): void {
    if (this.#waiting.length === 0) return
    const bytes = Buffer.concat(this.#chunks)
    for (const { test, signal } of this.#waiting) if (test(bytes)) signal.resolve()
  }
}

/** Runs a handler; the test fails where it does, and waits for it, although its response may have ended long before. */
export function follow(handler: () => unknown): Promise<void> {
  const running = (async () => {
    await handler()
  })()
  return atEnd(running, (it) => bounded(it, 'the end of a handler'))
}

/** A server on a free port of 127.0.0.1, until the test ends. */
export class TestServer {
  private constructor(
    readonly protocol: Protocol,
    readonly server: Server | http2.Http2Server
  ) {}

  static async open(protocol: Protocol, listener: Listener): Promise<TestServer> {
    if (protocol === 'HTTP/1.1') return new TestServer(protocol, await serve(listener))
    const server = http2.createServer(listener as never)
    const sessions = new Set<http2.Http2Session>()
    server.on('session', (session: http2.Http2Session) => {
      sessions.add(session)
      session.on('close', () => sessions.delete(session))
    })
    server.listen(0, '127.0.0.1')
    await bounded(once(server, 'listening'), 'listening')
    atEnd(server, () => {
      const closed = once(server, 'close')
      server.close()
      for (const session of sessions) session.destroy()
      return closed
    })
    return new TestServer(protocol, server)
  }

  get port(): number {
    return portOf(this.server as Server)
  }

  ask(asked: Asked = {}): Exchange {
    return this.protocol === 'HTTP/2' ? askHttp2(this.port, asked) : askHttp1(this.port, asked)
  }

  /** The whole answer to one request. */
  get(asked: Asked = {}): Promise<Answer> {
    return this.ask(asked).ended.seen
  }
}

function askHttp1(port: number, { method = 'GET', path = '/', headers = {}, body }: Asked): Exchange {
  const exchange = new Exchange()
  const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false })
  asked.on('information', ({ statusCode }) => exchange.onInformation(statusCode))
  asked.on('response', (response) => {
    exchange.headersCame(response.statusCode ?? 0, response.headers, response.statusMessage)
    exchange.pause = () => response.pause()
    exchange.resume = () => response.resume()
    response.on('data', (chunk: Buffer) => exchange.dataCame(chunk))
    response.on('error', () => undefined)
    response.on('close', () => exchange.closed(response.complete))
  })
  asked.on('error', () => exchange.closed(false))
  exchange.hangUp = () => asked.destroy()
  asked.end(body)
  return exchange
}

function askHttp2(port: number, { method = 'GET', path = '/', headers = {}, body }: Asked): Exchange {
  const exchange = new Exchange()
  const client = http2.connect(`http://127.0.0.1:${port}`)
  client.on('error', () => exchange.closed(false))
  const stream = client.request({ ':method': method, ':path': path, ...headers })
  stream.on('headers', (info) => exchange.onInformation(Number(info[':status'])))
  stream.on('response', (all) => {
    const { ':status': status, ...rest } = all
    exchange.headersCame(Number(status), rest)
  })
  stream.on('data', (chunk: Buffer) => exchange.dataCame(chunk))
  stream.on('error', () => undefined)
  stream.on('close', () => {
    exchange.closed(stream.rstCode === http2.constants.NGHTTP2_NO_ERROR)
    client.close()
  })
  if (body !== undefined) stream.end(body)
  exchange.hangUp = () => client.destroy()
  exchange.pause = () => void stream.pause()
  exchange.resume = () => void stream.resume()
  atEnd(client, (it) => it.destroy())
  return exchange
}
