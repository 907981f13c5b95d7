import type Redis from 'ioredis'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { storeTests } from '../../../lib/store-tests'
import { openRedis } from '../../support/redis'
import { testLives } from '../life-tests'

const redis = openRedis({ nodeRedis: true })
let autoPipelining: Redis
let closed: Redis

beforeAll(() => {
  autoPipelining = redis.connect({
    enableAutoPipelining: true,
    stringNumbers: true,
    keyPrefix: 'app:'
  })
  closed = redis.connect({ lazyConnect: true })
  closed.disconnect()
})

const stores: [name: string, make: () => RedisStore][] = [
  ['ioredis', () => new RedisStore(redis.client, { prefix: 'one:' })],
  ['ioredis with auto-pipelining', () => new RedisStore(autoPipelining, { prefix: 'two:' })],
  ['node-redis', () => new RedisStore(redis.nodeRedis, { prefix: 'three:' })],
  ['a client of its own', () => redis.store]
]

const unreachable = (): RedisStore => new RedisStore(closed)

describe.each(stores)('RedisStore with %s keeps the contract', (_, make) => {
  for (const { name, run } of storeTests(make, { unreachable })) test(name, run)
  testLives(make)
})
