import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Redis, { Cluster } from 'ioredis'
import { createClient, createCluster, type RedisClientType } from 'redis'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { storeTests } from '../../../lib/store-tests'
import { type NodeCluster, type RedisCluster, startCluster } from '../../support/redis-cluster'
import { type RedisServer, startRedis } from '../../support/redis-server'

const document = readFileSync(join(__dirname, '../../../docs/websockets.md'), 'utf8')
const [, rights = ''] = /^ACL SETUSER web ([^`]*)/m.exec(document) ?? []
const user = { username: 'web', password: 'password' }

async function allow({ url }: RedisServer): Promise<void> {
  const admin = new Redis(url)
  await admin.call('ACL', 'SETUSER', 'web', 'reset', ...rights.trim().split(/\s+/))
  admin.disconnect()
}

describe('with the rights that the documents name', () => {
  let server: RedisServer
  let ioredis: Redis
  let nodeRedis: RedisClientType
  beforeAll(async () => {
    server = await startRedis()
    await allow(server)
    ioredis = new Redis({ port: server.port, ...user })
    nodeRedis = createClient({ url: server.url, ...user })
    await nodeRedis.connect()
  })
  afterAll(async () => {
    ioredis.disconnect()
    nodeRedis.destroy()
    await server.stop()
  })

  describe.each([
    ['ioredis', () => new RedisStore(ioredis)],
    ['node-redis', () => new RedisStore(nodeRedis)]
  ])('%s keeps the contract', (_, make) => {
    for (const { name, run } of storeTests(make)) test(name, run)
  })
})

describe('with the same rights on a cluster', () => {
  let cluster: RedisCluster
  let ioredis: Cluster
  let nodeRedis: NodeCluster
  beforeAll(async () => {
    cluster = await startCluster()
    for (const node of cluster.nodes) await allow(node)
    const [{ host, port, url }] = cluster.nodes as [RedisServer]
    ioredis = new Cluster([{ host, port }], { redisOptions: user })
    nodeRedis = createCluster({ rootNodes: [{ url }], defaults: user })
    await nodeRedis.connect()
  })
  afterAll(async () => {
    ioredis.disconnect()
    nodeRedis.destroy()
    await cluster.stop()
  })

  describe.each([
    ['ioredis', () => new RedisStore(ioredis)],
    ['node-redis', () => new RedisStore(nodeRedis)]
  ])('%s keeps the contract', (_, make) => {
    for (const { name, run } of storeTests(make)) test(name, run)
  })
})
