import { createServer } from 'node:http'
import Koa from 'koa'
import session from 'koa-session'
import { openIoredis } from './clients.mjs'
import { pagesOf } from './pages.mjs'
import { PlainStore } from './plain-store.mjs'

export async function koaServer(library) {
  const app = new Koa()
  library.install?.(app)
  const pages = pagesOf(library)
  app.use(async (ctx) => {
    ctx.body = await pages[ctx.path](ctx)
  })
  return createServer(app.callback())
}

export async function koaSession(_subject, { secret, url }) {
  const store = new PlainStore(await openIoredis(url))
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
