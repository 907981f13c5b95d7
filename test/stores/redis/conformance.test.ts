import Redis from 'ioredis'
import { createClient } from 'redis'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { storeTests } from '../../../lib/store-tests'
import { type RedisServer, startRedis } from '../../support/redis-server'
import { testLives } from '../life-tests'

let server: RedisServer
let ioredis: Redis
let autoPipelining: Redis
let nodeRedis: ReturnType<typeof createClient>
let connected: RedisStore<Redis>
let closed: Redis

beforeAll(async () => {
  server = await startRedis()
  ioredis = new Redis(server.url)
  autoPipelining = new Redis(server.url, {
    enableAutoPipelining: true,
    stringNumbers: true,
    keyPrefix: 'app:'
  })
  nodeRedis = createClient({ url: server.url })
  await nodeRedis.connect()
  connected = RedisStore.connect(server.url)
  closed = new Redis(server.url, { lazyConnect: true })
  closed.disconnect()
})

afterAll(async () => {
  await ioredis.quit()
  await autoPipelining.quit()
  await nodeRedis.close()
  await connected.close()
  await server.stop()
})

const stores: [name: string, make: () => RedisStore][] = [
  ['ioredis', () => new RedisStore(ioredis, { prefix: 'one:' })],
  ['ioredis with auto-pipelining', () => new RedisStore(autoPipelining, { prefix: 'two:' })],
  ['node-redis', () => new RedisStore(nodeRedis, { prefix: 'three:' })],
  ['a client of its own', () => connected]
]

const unreachable = (): RedisStore => new RedisStore(closed)

describe.each(stores)('RedisStore with %s keeps the contract', (_, make) => {
  for (const { name, run } of storeTests(make, { unreachable })) test(name, run)
  testLives(make)
})
