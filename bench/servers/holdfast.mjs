import { makeDictionaries } from '../../dist/dictionaries.js'
import session from '../../dist/index.mjs'
import { RedisStore } from '../../dist/redis.mjs'
import { openIoredis } from './clients.mjs'
import { bare } from './pages.mjs'

/** Holdfast, as a middleware for Express and `node:http`. */
export async function holdfast({ store, load, pipelining }, { secret, url }) {
  return {
    middleware: session({
      secret,
      load,
      store:
        store === 'memory'
          ? new session.MemoryStore({ maxBytes: 2 ** 32 })
          : new RedisStore(await openIoredis(url, pipelining))
    }),
    open: load === 'lazy' ? (req) => req.session.load() : (req) => req.session,
    login: async (req, data) => Object.assign(await req.session.regenerate(), data),
    update: (req, fn) => req.session.update(fn)
  }
}

/** No sessions, only what Holdfast does to the objects of Express before all else. */
export function dictionaries() {
  return {
    ...bare,
    middleware(req, res, next) {
      makeDictionaries(req, res)
      next()
    }
  }
}
