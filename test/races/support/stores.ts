import { MemoryStore, type Store } from '../../../lib'
import { RedisStore } from '../../../lib/redis'
import { type RedisServer, startRedis } from '../../support/redis-server'

/** Runs the same tests on a MemoryStore and on a real Redis. */
export function onBothStores(tests: (store: () => Store) => void): void {
  describe('on a MemoryStore', () => {
    let store: MemoryStore
    beforeEach(() => void (store = new MemoryStore()))
    afterEach(() => store.close())
    tests(() => store)
  })

  describe('on Redis', () => {
    let server: RedisServer
    let store: RedisStore
    beforeAll(async () => {
      server = await startRedis()
      store = RedisStore.connect(server.url)
    })
    afterAll(async () => {
      await store.close()
      await server.stop()
    })
    tests(() => store)
  })
}
