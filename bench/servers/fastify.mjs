import cookie from '@fastify/cookie'
import session from '@fastify/session'
import fastify from 'fastify'
import { openRaw } from './clients.mjs'
import { pagesOf } from './pages.mjs'
import { PlainCallbackStore } from './plain-store.mjs'

export async function fastifyServer(library) {
  const app = fastify()
  library.install?.(app)
  const pages = pagesOf(library, (_reply, body) => body)
  for (const [path, page] of Object.entries(pages)) app.get(path, page)
  await app.ready()
  return app.server
}

export async function fastifySession({ store: redis }, { secret, url }) {
  const store = new PlainCallbackStore(await openRaw(redis, url))
  return {
    install(app) {
      app.register(cookie)
      app.register(session, {
        secret,
        store,
        saveUninitialized: false,
        rolling: false,
        cookie: { secure: 'auto' }
      })
    },
    open: (request) => request.session,
    login: async (request, data) => {
      await request.session.regenerate()
      Object.assign(request.session, data)
    }
  }
}
