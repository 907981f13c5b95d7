import Redis from 'ioredis'
import { MemoryStore, type Store } from '../../../lib/index'
import { RedisStore } from '../../../lib/redis'
import { startRedis } from '../../support/redis-server'
import { atEnd } from '../../support/serve'

/** The two stores of the demo, each opened by the test that asks for it, and closed after it. */
export const stores: { name: string; open(): Promise<Store> }[] = [
  { name: 'memory', open: () => Promise.resolve(new MemoryStore()) },
  {
    name: 'Redis',
    open: async () => {
      const server = atEnd(await startRedis(), (it) => it.stop())
      return new RedisStore(atEnd(new Redis(server.url), (it) => it.quit()))
    }
  }
]
