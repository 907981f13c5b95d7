import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Redis, { Cluster } from 'ioredis'
import { createClient, createCluster, type RedisClientType } from 'redis'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { storeTests } from '../../../lib/store-tests'
import { type NodeCluster, startCluster } from '../../support/redis-cluster'
import { type RedisServer, startRedis } from '../../support/redis-server'
import { atEnd } from '../../support/serve'

const document = readFileSync(join(__dirname, '../../../docs/websockets.md'), 'utf8')
const [, rights = ''] = /^ACL SETUSER web ([^`]*)/m.exec(document) ?? []
const user = { username: 'web', password: 'password' }

async function allow({ url }: RedisServer): Promise<void> {
  const admin = new Redis(url)
  await admin.call('ACL', 'SETUSER', 'web', 'reset', ...rights.trim().split(/\s+/))
  admin.disconnect()
}

describe('with the rights that the documents name', () => {
  let ioredis: Redis
  let nodeRedis: RedisClientType
  beforeAll(async () => {
    const server = atEnd(await startRedis(), (it) => it.stop())
    await allow(server)
    ioredis = atEnd(new Redis({ port: server.port, db: 1, ...user }), (it) => it.disconnect())
    nodeRedis = createClient({ url: server.url, database: 1, ...user })
    atEnd(await nodeRedis.connect(), () => nodeRedis.destroy())
  })

  describe.each([
    ['ioredis', () => new RedisStore(ioredis)],
    ['node-redis', () => new RedisStore(nodeRedis)]
  ])('%s keeps the contract', (_, make) => {
    for (const { name, run } of storeTests(make)) test(name, run)
  })
})

describe('with the same rights on a cluster', () => {
  let ioredis: Cluster
  let nodeRedis: NodeCluster
  beforeAll(async () => {
    const cluster = atEnd(await startCluster(), (it) => it.stop())
    for (const node of cluster.nodes) await allow(node)
    const [{ host, port, url }] = cluster.nodes as [RedisServer]
    // One second, its default, is too little on a starved machine.
    const options = { redisOptions: user, slotsRefreshTimeout: 60_000 }
    ioredis = atEnd(new Cluster([{ host, port }], options), (it) => it.disconnect())
    await once(ioredis, 'ready')
    nodeRedis = createCluster({ rootNodes: [{ url }], defaults: user })
    atEnd(await nodeRedis.connect(), () => nodeRedis.destroy())
  })

  describe.each([
    ['ioredis', () => new RedisStore(ioredis)],
    ['node-redis', () => new RedisStore(nodeRedis)]
  ])('%s keeps the contract', (_, make) => {
    for (const { name, run } of storeTests(make)) test(name, run)
  })
})
