import Redis from 'ioredis'
import { MemoryStore } from '../../../lib/stores/memory/memory-store'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import type { Store } from '../../../lib/stores/store'
import { startRedis } from '../../support/redis-server'
import { atEnd } from '../../support/serve'
import { pass, resumeTime, stopTime } from './time'

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
}

/** Both backends for the tests of a file, which run while time stands still. */
export function openBackends(): Record<'MemoryStore' | 'Redis', Backend> {
  const backends = {} as Record<'MemoryStore' | 'Redis', Backend>
  beforeAll(async () => {
    Object.assign(backends, { MemoryStore: memoryBackend(), Redis: await redisBackend() })
    stopTime()
    atEnd(backends, resumeTime)
  })
  return backends
}

function memoryBackend(): Backend {
  const store = atEnd(new MemoryStore(), (it) => it.close())
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
    }
  }
}

async function redisBackend(): Promise<Backend> {
  const server = atEnd(await startRedis(), (it) => it.stop())
  const store = atEnd(RedisStore.connect(server.url), (it) => it.close())
  const admin = atEnd(new Redis(server.url), (it) => it.disconnect())
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
    }
  }
}
