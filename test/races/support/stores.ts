import { MemoryStore, type Store } from '../../../lib'
import { openRedis } from '../../support/redis'

/** Runs the same tests on a MemoryStore and on a real Redis. */
export function onBothStores(tests: (store: () => Store) => void): void {
  describe('on a MemoryStore', () => {
    let store: MemoryStore
    beforeEach(() => void (store = new MemoryStore()))
    afterEach(() => store.close())
    tests(() => store)
  })

  describe('on Redis', () => {
    const redis = openRedis()
    tests(() => redis.store)
  })
}
