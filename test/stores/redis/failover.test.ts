import Redis, { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { slotOf } from '../../../lib/stores/redis/slot'
import { type RedisCluster, startCluster } from '../../support/redis-cluster'
import { untilItWorks } from './helpers'

const MINUTE = 60_000

let cluster: RedisCluster
let clients: { store: RedisStore; close(): unknown }[]

beforeAll(async () => {
  cluster = await startCluster({ replicas: 1 })
  const seeds = cluster.nodes.map(({ host, port }) => ({ host, port }))
  const failFast = new Cluster(seeds, {
    enableOfflineQueue: false,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    redisOptions: { maxRetriesPerRequest: 0, disconnectTimeout: 100 }
  })
  const queueing = new Cluster(seeds, {
    clusterNodeRetryStrategy: () => 100,
    redisOptions: { disconnectTimeout: 100 }
  })
  const nodeRedis = createCluster({
    rootNodes: cluster.nodes.map(({ url }) => ({ url })),
    defaults: { disableOfflineQueue: true },
    topologyRefreshOnReconnectionAttemptStrategy: 1000
  })
  await nodeRedis.connect()
  clients = [
    { store: new RedisStore(failFast), close: () => failFast.disconnect() },
    { store: new RedisStore(queueing), close: () => queueing.disconnect() },
    { store: new RedisStore(nodeRedis), close: () => nodeRedis.destroy() }
  ]
}, 120_000)

afterAll(async () => {
  for (const { close } of clients) close()
  await cluster.stop()
})

test('a primary is lost for good: each client finds the one that took its place', async () => {
  const lost = 1
  const id = idAt(lost)
  await clients[0]!.store.set(id, 'text', MINUTE, null)
  for (const { store } of clients) expect(await store.get(id)).toBe('text')
  const replica = new Redis(cluster.nodes[lost + 3]!.url)
  await untilItWorks(async () => expect(await replica.dbsize()).toBe(1))
  replica.disconnect()
  await cluster.nodes[lost]!.kill()
  for (const { store } of clients) {
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
