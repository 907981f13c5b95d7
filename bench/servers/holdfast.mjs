import { once } from 'node:events'
import { openNodeRedis } from './clients.mjs'

const DIST = new URL('../../dist/', import.meta.url)

/** Holdfast, as a middleware for Express and `node:http`. `dist`: the folder of another build than the current one. */
export async function holdfast({ store, load, dist = DIST }, { secret, url }) {
  const { default: session } = await import(new URL('index.mjs', dist))
  const { RedisStore } = await import(new URL('redis.mjs', dist))
  const stores = {
    memory: () => new session.MemoryStore({ maxBytes: 2 ** 32 }),
    'node-redis': async () => new RedisStore(await openNodeRedis(url)),
    ioredis: async () => {
      const store = RedisStore.connect(url)
      await once(store.client, 'ready')
      return store
    }
  }
  return {
    middleware: session({ secret, load, store: await stores[store]() }),
    lazy: load === 'lazy',
    open: load === 'lazy' ? (req) => req.session.load() : (req) => req.session,
    login: async (req, data) => Object.assign(await req.session.regenerate(), data),
    update: (req, fn) => req.session.update(fn)
  }
}
