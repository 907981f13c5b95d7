import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import { type RedisServer, startRedis } from '../../support/redis-server'
import { suite } from './suite'

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

suite('connect-redis', async () => {
  const client = await createClient({ url: redis.url }).connect()
  return {
    store: new RedisStore({ client }),
    pass: async (id, ms, age) => {
      const key = `sess:${id}`
      const left = await client.pTTL(key)
      await client.set(key, age((await client.get(key))!))
      await client.pExpire(key, left - ms)
    },
    close: () => client.destroy()
  }
})
