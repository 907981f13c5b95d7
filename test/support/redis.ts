import Redis, { type RedisOptions } from 'ioredis'
import type { RedisClientType } from 'redis'
import { RedisStore } from '../../lib/redis'
import { type RedisServer, startRedis } from './redis-server'

/** A Redis, and what connects to it. It ends with the tests that opened it. */
class TestRedis {
  server!: RedisServer
  /** A client of the package `redis`, if it was asked for. */
  nodeRedis!: RedisClientType
  #store: RedisStore<Redis> | undefined
  #client: Redis | undefined
  readonly #clients: Redis[] = []

  get url(): string {
    return this.server.url
  }

  /** The store with a client of its own, which gives a machine that is busy the time that it takes. */
  get store(): RedisStore<Redis> {
    const { port } = this.server
    const patient = { connectTimeout: 60_000, socketTimeout: 60_000 }
    return (this.#store ??= RedisStore.connect({ host: '127.0.0.1', port, ...patient }))
  }

  /** A client of ioredis as it is by default. */
  get client(): Redis {
    return (this.#client ??= this.connect())
  }

  /** Another client of ioredis. */
  connect(options: RedisOptions = {}): Redis {
    const client = new Redis(this.url, options)
    this.#clients.push(client)
    return client
  }

  async start(args: string[], nodeRedis: boolean): Promise<void> {
    this.server = await startRedis({ args })
    if (!nodeRedis) return
    // Loaded only by the tests that use it.
    const { createClient } = jest.requireActual<typeof import('redis')>('redis')
    this.nodeRedis = await createClient({ url: this.url }).connect()
  }

  async stop(): Promise<void> {
    await this.#store?.close()
    for (const client of this.#clients) client.disconnect()
    ;(this.nodeRedis as RedisClientType | undefined)?.destroy()
    await (this.server as RedisServer | undefined)?.stop()
  }
}

/** A Redis of its own, from before the first test of a file or of a `describe` to after the last. */
export function openRedis({ args = [] as string[], nodeRedis = false } = {}): TestRedis {
  const redis = new TestRedis()
  beforeAll(() => redis.start(args, nodeRedis))
  afterAll(() => redis.stop())
  return redis
}
