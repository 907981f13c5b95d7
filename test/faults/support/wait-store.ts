import type { Cluster, Redis } from 'ioredis'
import type { Store } from '../../../lib'
import type { RedisStore } from '../../../lib/stores/redis/redis-store'

/** A store that answers only when a replica has the write, too. */
export function waitsForReplica(store: RedisStore<Cluster>): Store {
  const replicated = async (id: string): Promise<void> => {
    const replicas = await (store.nodeOf(id) as Redis).call('WAIT', '1', '500')
    if (Number(replicas) < 1) throw new Error('no replica has it')
  }
  return {
    contract: 1,
    get: (id, ttl) => store.get(id, ttl),
    touch: (id, ttl) => store.touch(id, ttl),
    nodeOf: (id) => store.nodeOf(id),
    async set(id, ...rest) {
      const result = await store.set(id, ...rest)
      if ('id' in result) await replicated(id)
      return result
    },
    async destroy(id) {
      const wasThere = await store.destroy(id)
      await replicated(id)
      return wasThere
    }
  }
}
