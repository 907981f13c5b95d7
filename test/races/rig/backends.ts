import Redis from 'ioredis'
import { MemoryStore } from '../../../lib/stores/memory/memory-store'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import type { Store } from '../../../lib/stores/store'
import { startRedis } from '../../support/redis-server'
import { pass } from './time'

/** What is kept under an id, seen from behind the store. */
export interface Observation {
  readonly text: string | null
  /** What is left of its life in milliseconds, -1 for ever; undefined where that cannot be seen. */
  readonly life?: number
}

/** A real store, and the back door to what it keeps. */
export interface Backend {
  readonly store: Store
  observe(id: string): Promise<Observation>
  /** Ends the life of what is kept under the id. */
  expire(id: string): Promise<void>
  /** Takes the life of what is kept under the id, so that it never ends. */
  persist?(id: string): Promise<void>
  clear(): Promise<void>
  stop(): Promise<void>
}

export async function memoryBackend(): Promise<Backend> {
  const store = new MemoryStore()
  const seen = new Set<string>()
  return {
    store,
    async observe(id) {
      seen.add(id)
      return { text: await store.get(id) }
    },
    async expire(id) {
      await store.touch(id, 1)
      await pass(2)
    },
    async clear() {
      for (const id of seen) await store.destroy(id)
      seen.clear()
    },
    stop: () => store.close()
  }
}

export async function redisBackend(): Promise<Backend> {
  const server = await startRedis()
  const store = RedisStore.connect(server.url)
  const admin = new Redis(server.url)
  return {
    store,
    async observe(id) {
      const key = `SESSION:${id}`
      const [text, life] = await Promise.all([admin.get(key), admin.pttl(key)])
      return { text, life }
    },
    async expire(id) {
      await admin.pexpireat(`SESSION:${id}`, 1)
    },
    async persist(id) {
      await admin.persist(`SESSION:${id}`)
    },
    async clear() {
      await admin.flushdb()
    },
    async stop() {
      await store.close()
      admin.disconnect()
      await server.stop()
    }
  }
}
