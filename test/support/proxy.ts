import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

type Mode = 'forward' | 'hold' | 'swallow'

/** A TCP proxy in front of a server on 127.0.0.1, to bring about what networks do. */
export class Proxy {
  /** Where new connections go. */
  target: number
  readonly port: number
  readonly url: string
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #mode: Mode = 'forward'
  #losing: string | undefined

  /** Use {@link startProxy}. */
  constructor(server: Server, target: number) {
    this.target = target
    this.#server = server
    this.port = (server.address() as { port: number }).port
    this.url = `redis://127.0.0.1:${this.port}`
    server.on('connection', (client) => this.#accept(client))
  }

  /** Keeps everything back, both ways, until {@link forward}. */
  hold(): void {
    this.#mode = 'hold'
  }

  /** Lets everything vanish, both ways, for good: a black hole. Connections stay open, new ones open too. */
  swallow(): void {
    this.#mode = 'swallow'
  }

  /** Back to normal. Connections that swallowed something are dead for ever, as the streams have holes. */
  forward(): void {
    this.#mode = 'forward'
    for (const pair of this.#pairs) pair.flush()
  }

  /** Breaks all connections. */
  cut(): void {
    for (const pair of this.#pairs) pair.destroy()
  }

  /** The next request that contains the word reaches the server, but instead of the answer the connection breaks. */
  loseAnswerTo(word: string): void {
    this.#losing = word
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    const pair = new Pair(client, connect(this.target, '127.0.0.1'), () => this.#mode)
    this.#pairs.add(pair)
    client.on('close', () => this.#pairs.delete(pair))
    client.prependListener('data', (chunk: Buffer) => {
      if (this.#losing === undefined || !chunk.toString('latin1').includes(this.#losing)) return
      this.#losing = undefined
      pair.server.prependOnceListener('data', () => pair.destroy())
    })
  }
}

class Pair {
  readonly server: Socket
  readonly #client: Socket
  readonly #held: [Socket, Buffer][] = []
  #broken = false

  constructor(client: Socket, server: Socket, mode: () => Mode) {
    this.#client = client
    this.server = server
    for (const [from, to] of [
      [client, server],
      [server, client]
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (chunk: Buffer) => {
        if (mode() === 'swallow') this.#broken = true
        if (this.#broken) return
        if (mode() === 'hold') this.#held.push([to, chunk])
        else to.write(chunk)
      })
      from.on('error', () => this.destroy())
      from.on('close', () => this.destroy())
      from.on('end', () => this.destroy())
    }
  }

  flush(): void {
    for (const [to, chunk] of this.#held.splice(0)) to.write(chunk)
  }

  destroy(): void {
    this.#client.destroy()
    this.server.destroy()
  }
}

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startProxy(target: number): Promise<Proxy> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return new Proxy(server, target)
}
