import { RedisStore } from '../../lib/redis'
import { type RedisServer, startRedis } from './redis-server'

/** A RedisStore on a Redis of its own, from before the first test of a file or of a `describe` to after the last. */
export function openRedisStore(): { readonly server: RedisServer; readonly store: RedisStore } {
  const opened = {} as { server: RedisServer; store: RedisStore }
  beforeAll(async () => {
    opened.server = await startRedis()
    opened.store = RedisStore.connect(opened.server.url)
  })
  afterAll(async () => {
    await opened.store.close()
    await opened.server.stop()
  })
  return opened
}
