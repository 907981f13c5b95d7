import { RedisStore } from 'connect-redis'
import { openRedis } from '../../support/redis'
import { suite } from './suite'

const redis = openRedis({ nodeRedis: true })

suite('connect-redis', () => {
  const client = redis.nodeRedis
  return {
    store: new RedisStore({ client }),
    pass: async (id, ms, age) => {
      const key = `sess:${id}`
      const left = await client.pTTL(key)
      await client.set(key, age((await client.get(key))!))
      await client.pExpire(key, left - ms)
    }
  }
})
