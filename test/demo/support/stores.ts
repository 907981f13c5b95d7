import Redis from 'ioredis'
import { MemoryStore, type Store } from '../../../lib/index'
import { RedisStore } from '../../../lib/redis'
import { startRedis } from '../../support/redis-server'

/** A store to run the demo on, and how to look into it past the store's own reading. */
export interface Kept {
  store: Store
  stop(): Promise<void>
}

/** The two stores of the demo, each opened by the test that asks for it. */
export const stores: { name: string; open(): Promise<Kept> }[] = [
  {
    name: 'memory',
    open: () => Promise.resolve({ store: new MemoryStore(), stop: () => Promise.resolve() })
  },
  {
    name: 'Redis',
    open: async () => {
      const server = await startRedis()
      const client = new Redis(server.url)
      return {
        store: new RedisStore(client),
        stop: async () => {
          await client.quit()
          await server.stop()
        }
      }
    }
  }
]
