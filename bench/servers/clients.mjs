import { once } from 'node:events'
import { Redis } from 'ioredis'
import { createClient } from 'redis'

/** An ioredis client as RedisStore recommends it, connected. */
export async function openIoredis(url, pipelining = false) {
  const redis = new Redis(url, {
    enableAutoPipelining: pipelining,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    socketTimeout: 3000
  })
  await once(redis, 'ready')
  return redis
}

/** A client of node-redis, connected. */
export async function openNodeRedis(url) {
  return createClient({ url }).connect()
}
