import { createServer } from 'node:http'
import Koa from 'koa'
import session from 'koa-session'
import { openRaw } from './clients.mjs'
import { pagesOf } from './pages.mjs'
import { PlainStore } from './plain-store.mjs'

export async function koaServer(library) {
  const app = new Koa()
  library.install?.(app)
  const pages = pagesOf(library, (ctx, body) => (ctx.body = body))
  app.use((ctx) => pages[ctx.path](ctx, ctx))
  return createServer(app.callback())
}

export async function koaSession({ store: redis }, { secret, url }) {
  const store = new PlainStore(await openRaw(redis, url))
  return {
    install(app) {
      app.keys = [secret]
      app.use(session({ store }, app))
    },
    open: (ctx) => ctx.session,
    login: async (ctx, data) => {
      Object.assign(ctx.session, data)
      await ctx.session.regenerate()
    }
  }
}
