import Redis, { Cluster, type ClusterOptions } from 'ioredis'
import { createCluster } from 'redis'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { slotOf } from '../../../lib/stores/redis/slot'
import { type RedisCluster, startCluster } from '../../support/redis-cluster'
import { atEnd } from '../../support/serve'
import { untilItWorks } from './helpers'

const MINUTE = 60_000

let cluster: RedisCluster
let stores: RedisStore[]

beforeAll(async () => {
  cluster = atEnd(await startCluster({ replicas: 1 }), (it) => it.stop())
  const seeds = cluster.nodes.map(({ host, port }) => ({ host, port }))
  const connect = (given: ClusterOptions) => atEnd(new Cluster(seeds, given), (it) => it.disconnect())
  const failFast = connect({
    enableOfflineQueue: false,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    redisOptions: { maxRetriesPerRequest: 0, disconnectTimeout: 100 }
  })
  const queueing = connect({ clusterNodeRetryStrategy: () => 100, redisOptions: { disconnectTimeout: 100 } })
  const nodeRedis = createCluster({
    rootNodes: cluster.nodes.map(({ url }) => ({ url })),
    defaults: { disableOfflineQueue: true },
    topologyRefreshOnReconnectionAttemptStrategy: 1000
  })
  atEnd(await nodeRedis.connect(), () => nodeRedis.destroy())
  stores = [new RedisStore(failFast), new RedisStore(queueing), new RedisStore(nodeRedis)]
}, 120_000)

test('a primary is lost for good: each client finds the one that took its place', async () => {
  const lost = 1
  const id = idAt(lost)
  await stores[0]!.set(id, 'text', MINUTE, null)
  for (const store of stores) expect(await store.get(id)).toBe('text')
  const replica = new Redis(cluster.nodes[lost + 3]!.url)
  await untilItWorks(async () => expect(await replica.dbsize()).toBe(1))
  replica.disconnect()
  await cluster.nodes[lost]!.kill()
  for (const store of stores) {
    expect(await untilItWorks(() => store.get(id, MINUTE))).toBe('text')
    expect(await store.touch(id, MINUTE)).toBe(true)
  }
}, 120_000)

/** An id whose slot is at the primary with that number, by the even division of the slots. */
function idAt(primary: number): string {
  for (let i = 0; ; i++) {
    if (Math.floor((slotOf(`SESSION:id-${i}`) * 3) / 16_384) === primary) return `id-${i}`
  }
}
