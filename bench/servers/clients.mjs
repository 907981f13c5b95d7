import { once } from 'node:events'
import { Redis } from 'ioredis'
import { createClient } from 'redis'

/** An ioredis client that fails fast, connected. */
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

/**
 * A function that sends a command and resolves to its answer, over `'node-redis'` or `'ioredis'`: what both clients can
 * do, without anything around it.
 */
export async function openRaw(client, url) {
  if (client === 'node-redis') {
    const redis = await openNodeRedis(url)
    return (...command) => redis.sendCommand(command)
  }
  const redis = await openIoredis(url, true)
  return (name, ...args) => redis.call(name, ...args)
}
