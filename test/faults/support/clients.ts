import { once, type EventEmitter } from 'node:events'
import Redis from 'ioredis'
import { createClient } from 'redis'
import { RedisStore } from '../../../lib/stores/redis/redis-store'

/** A store and what it stands on. */
export interface Opened {
  readonly store: RedisStore
  readonly client: EventEmitter
  /** The client is connected, now or for the first time. */
  ready(): Promise<unknown>
  close(): unknown
}

export interface ClientKind {
  readonly name: string
  open(url: string): Opened
  /** Notices by itself that nothing comes back, and connects again. */
  readonly noticesSilence: boolean
}

const own: ClientKind = {
  name: 'RedisStore.connect',
  noticesSilence: true,
  open(url) {
    const store = RedisStore.connect(url)
    const { client } = store
    return { store, client, ready: () => readyOf(client), close: () => store.close() }
  }
}

const plain: ClientKind = {
  name: 'ioredis with its defaults',
  noticesSilence: false,
  open(url) {
    const client = new Redis(url).on('error', () => undefined)
    return {
      store: new RedisStore(client),
      client,
      ready: () => readyOf(client),
      close: () => client.disconnect()
    }
  }
}

const nodeRedis: ClientKind = {
  name: 'node-redis as the docstring says',
  noticesSilence: true,
  open(url) {
    const client = createClient({
      url,
      disableOfflineQueue: true,
      pingInterval: 1000,
      socket: { socketTimeout: 3000, reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 1000) }
    }).on('error', () => undefined)
    client.connect().catch(() => undefined)
    return {
      store: new RedisStore(client),
      client,
      ready: async () => client.isReady || once(client, 'ready'),
      close: () => client.destroy()
    }
  }
}

/** Clients as applications have them. */
export const clients: readonly ClientKind[] = [own, plain, nodeRedis]
export { own, plain }

async function readyOf(client: Redis): Promise<unknown> {
  return client.status === 'ready' || once(client, 'ready')
}
