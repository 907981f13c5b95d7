import { promisify } from 'node:util'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { openNodeRedis, openRaw } from './clients.mjs'
import { PlainCallbackStore } from './plain-store.mjs'

const stores = {
  memory: () => new session.MemoryStore(),
  'node-redis': async (url) => new RedisStore({ client: await openNodeRedis(url) }),
  ioredis: async (url) => new PlainCallbackStore(await openRaw('ioredis', url))
}

export async function expressSession({ store }, { secret, url }) {
  return {
    middleware: session({ secret, resave: false, saveUninitialized: false, store: await stores[store](url) }),
    open: (req) => req.session,
    login: async (req, data) => {
      await promisify(req.session.regenerate).call(req.session)
      Object.assign(req.session, data)
    }
  }
}
