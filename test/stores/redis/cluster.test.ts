import Redis, { Cluster, type ClusterOptions } from 'ioredis'
import { createClient, createCluster, type RedisClientType } from 'redis'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { slotOf } from '../../../lib/stores/redis/slot'
import { storeTests } from '../../../lib/store-tests'
import { type NodeCluster, type RedisCluster, startCluster } from '../../support/redis-cluster'
import type { RedisServer } from '../../support/redis-server'
import { atEnd } from '../../support/serve'
import { until } from '../../support/site'
import { failure, SECRET_ID, soon, untilItWorks } from './helpers'

const MINUTE = 60_000

let cluster: RedisCluster
let ioredis: Cluster
let plain: Cluster
let queueing: Cluster
let nodeRedis: NodeCluster
let queueingNodeRedis: NodeCluster

beforeAll(async () => {
  const args = ['--cluster-require-full-coverage', 'no']
  cluster = atEnd(await startCluster({ args }), (it) => it.stop())
  const options = {
    enableOfflineQueue: false,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    redisOptions: { maxRetriesPerRequest: 0, disconnectTimeout: 100 }
  }
  const seeds = [{ host: '127.0.0.1', port: cluster.nodes[0]!.port }]
  const connect = (given: ClusterOptions) => atEnd(new Cluster(seeds, given), (it) => it.disconnect())
  ioredis = connect({ ...options, keyPrefix: 'app:' })
  plain = connect(options)
  queueing = connect({ clusterNodeRetryStrategy: () => 500, redisOptions: { disconnectTimeout: 100 } })
  const rootNodes = [{ url: cluster.nodes[0]!.url }]
  nodeRedis = createCluster({ rootNodes, defaults: { disableOfflineQueue: true } })
  queueingNodeRedis = createCluster({ rootNodes })
  for (const one of [nodeRedis, queueingNodeRedis]) atEnd(await one.connect(), () => one.destroy())
}, 90_000)

describe.each([
  ['ioredis', () => new RedisStore(ioredis)],
  ['node-redis', () => new RedisStore(nodeRedis, { prefix: 'other:' })]
])('RedisStore with a cluster by %s keeps the contract', (_, make) => {
  for (const { name, run } of storeTests(make)) test(name, run)
})

describe('slots', () => {
  test.each([
    '',
    'a',
    'SESSION:id',
    '{app}:SESSION:id',
    'x{}y',
    '{}{a}',
    '{a}{b}',
    'a{b',
    'a}b{c}',
    '{第}x',
    '{{a}}'
  ])('are those of Redis: %p', async (key) => {
    expect(slotOf(key)).toBe(await ioredis.cluster('KEYSLOT', key))
  })
})

test.each([
  ['ioredis', () => new RedisStore(ioredis)],
  ['node-redis', () => new RedisStore(nodeRedis)]
])('each of the nodes keeps a part of the sessions, %s', async (_, make) => {
  const store = make()
  const ids = Array.from({ length: 50 }, (_, i) => `id-${i}`)
  for (const id of ids) await store.get(id)
  const nodes = ids.map((id) => store.nodeOf(id))
  expect(new Set(nodes).size).toBe(3)
  expect(ids.every((id, i) => store.nodeOf(id) === nodes[i])).toBe(true)
})

describe.each([
  ['ioredis', () => new Redis(cluster.nodes[0]!.url), (client: unknown) => (client as Redis).disconnect()],
  [
    'node-redis',
    () => createClient({ url: cluster.nodes[0]!.url }).connect(),
    (client: unknown) => (client as RedisClientType).destroy()
  ]
])('a client for one server, at a node of a cluster, %s', (_, make, close) => {
  test('is told what to use instead', async () => {
    const client = atEnd(await make(), close)
    // No id has its slot at each node, so one of the three is elsewhere.
    const store = new RedisStore(client, { prefix: `{${tagAt(cluster.nodes[1]!)}}:` })
    for (const call of [store.get(SECRET_ID, MINUTE), store.set(SECRET_ID, 'text', MINUTE, null)]) {
      expect((await failure(call)).message).toMatch(/new Redis\.Cluster/)
    }
  })
})

describe.each([
  ['ioredis', (prefix: string) => new RedisStore(plain, { prefix })],
  ['ioredis with queues at each node', (prefix: string) => new RedisStore(queueing, { prefix })],
  ['node-redis', (prefix: string) => new RedisStore(nodeRedis, { prefix })],
  ['node-redis with queues at each node', (prefix: string) => new RedisStore(queueingNodeRedis, { prefix })]
])('a cluster that loses a node, %s', (_, make) => {
  test('refuses its sessions at once, keeps the others, applies nothing later, and recovers', async () => {
    const lost = cluster.nodes[1]!
    const there = make(`{${tagAt(cluster.nodes[0]!)}}:`)
    const gone = make(`{${tagAt(lost)}}:`)
    await there.set('id', 'text', MINUTE, null)
    await gone.set('id', 'text', MINUTE, null)
    await lost.kill()
    atEnd(lost, (it) => it.running || it.start())
    await noticed(() => gone.get('id'))
    for (let round = 0; round < 3; round++) {
      await soon(failure(gone.set(SECRET_ID, 'late', MINUTE, null)))
      await soon(failure(gone.get(SECRET_ID, MINUTE)))
      expect(await there.get('id', MINUTE)).toBe('text')
    }
    await lost.start()
    await untilItWorks(() => gone.set('after', 'text', MINUTE, null))
    expect(await gone.get(SECRET_ID)).toBeNull()
    await there.destroy('id')
  }, 90_000)
})

describe.each([
  ['ioredis', () => new RedisStore(plain), () => new RedisStore(nodeRedis)],
  ['node-redis', () => new RedisStore(nodeRedis), () => new RedisStore(plain)]
])('watch in a cluster, %s', (_, make, other) => {
  test('hears of what is destroyed at each node, and goes to another node when the one it listens to dies', async () => {
    const heard = new Set<string>()
    const resumed = jest.fn()
    atEnd(make(), (one) => one.close()).watch(({ id }) => heard.add(id), resumed)
    await until(() => resumed.mock.calls.length === 1)
    for (const node of cluster.nodes) await destroyUntilHeard(`{${tagAt(node)}}before`)

    const node = await listenedTo()
    await node.kill()
    atEnd(node, (it) => it.running || it.start())
    await until(() => resumed.mock.calls.length === 2)
    await destroyUntilHeard(`{${tagAt(cluster.nodes.find((one) => one.running)!)}}after`)

    /** More than once, as the nodes of this test, which come and go, do not always hear of each other. */
    async function destroyUntilHeard(id: string): Promise<void> {
      while (!heard.has(id)) {
        await untilItWorks(() => other().set(id, 'text', MINUTE, null))
        await untilItWorks(() => other().destroy(id))
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }, 90_000)
})

/** The node that somebody listens to. */
async function listenedTo(): Promise<RedisServer> {
  for (const node of cluster.nodes) {
    const client = atEnd(new Redis(node.url), (one) => one.disconnect())
    if (/ sub=[1-9]/.test((await client.client('LIST')) as string)) return node
  }
  throw new Error('nobody listens')
}

/** A hash tag whose slot is at the node, by the even division of the slots. */
function tagAt(node: RedisServer): string {
  const index = cluster.nodes.indexOf(node)
  for (let tag = 0; ; tag++) {
    if (Math.floor((slotOf(String(tag)) * cluster.nodes.length) / 16_384) === index) return String(tag)
  }
}

/** Waits until reading fails: what is sent before the client sees the end of a connection is out of the store's hands. */
async function noticed(read: () => Promise<unknown>): Promise<void> {
  for (let failed = false; !failed;) {
    const failing = read().then(
      () => undefined,
      () => void (failed = true)
    )
    await Promise.race([failing, new Promise((resolve) => setTimeout(resolve, 100))])
  }
}
