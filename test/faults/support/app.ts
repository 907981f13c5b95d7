import type { Server } from 'node:http'
import express, { type ErrorRequestHandler, type Request, type Router } from 'express'
import session, { type SessionError, type SessionOptions, type Store } from '../../../lib'
import { listen, portOf, stop } from '../../support/server'

export const secret = 'what signs the cookies while things break'

/** A session's data as the routes here use it. */
type Bag = Record<string, unknown> & { count?: number }

/**
 * An application on Express 5 whose routes do to a session, in every manner, what requests do. `/free` is the one
 * that does without; it is lazy, the others are eager.
 */
export class App {
  /** What reached the error handler: code, and the message of the cause. An error itself keeps its request alive. */
  readonly errors: { code: string; cause: string | undefined }[] = []
  readonly #requests: WeakRef<object>[] = []
  readonly #waiting: (() => void)[] = []
  readonly #app = express()
  #server!: Server
  /** Called when a response to a write was handed over to the connection. */
  onFinish: (() => void) | undefined

  private constructor(store: Store, options: Partial<SessionOptions>, more: Router) {
    const app = this.#app
    app.use((req, res, next) => {
      this.#requests.push(new WeakRef(req))
      if (this.onFinish && /mark|save|count/.test(req.url)) res.once('finish', this.onFinish)
      next()
    })
    app.use(session({ secret, store, load: ({ url }) => (url === '/free' ? 'lazy' : 'eager'), ...options }))
    app.use('/wait', (_req, _res, next) => void this.#waiting.push(next), routes())
    app.use(routes(), more)
    app.use(this.#answerErrors)
  }

  /** @param more - routes that only one test has */
  static async open(
    store: Store,
    options: Partial<SessionOptions> = {},
    more: Router = express.Router()
  ): Promise<App> {
    const app = new App(store, options, more)
    app.#server = await listen(app.#app)
    return app
  }

  get port(): number {
    return portOf(this.#server)
  }

  /** Requests that memory still holds. */
  get held(): number {
    return this.#requests.filter((request) => request.deref()).length
  }

  /** Requests of `/wait/…`, which is every route once more, that have loaded their session and go no further. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Lets those go on. */
  letGo(): void {
    for (const go of this.#waiting.splice(0)) go()
  }

  stop(): Promise<void> {
    return stop(this.#server)
  }

  readonly #answerErrors: ErrorRequestHandler = (error: SessionError, _req, res, next) => {
    this.errors.push({ code: error.code, cause: (error.cause as Error | undefined)?.message })
    if (res.headersSent) return next(error)
    res.set(error.headers ?? {}).status(error.status ?? 500)
    res.json({ error: error.code ?? String(error) })
  }
}

/** The session of a request, for handlers that keep what they like in it. */
export function bagOf(req: Request): Bag {
  return req.session as unknown as Bag
}

function routes(): Router {
  const router = express.Router()
  router.get('/free', (_req, res) => void res.json({}))
  router.get('/read', (req, res) => {
    const { cookie: _cookie, ...data } = bagOf(req)
    res.json(data)
  })
  router.get('/mark/:key', (req, res) => {
    bagOf(req)[req.params.key] = true
    res.json({})
  })
  router.get('/unmark/:key', (req, res) => {
    delete bagOf(req)[req.params.key]
    res.json({})
  })
  router.get('/save/:key', async (req, res) => {
    bagOf(req)[req.params.key] = true
    await req.session.save()
    res.json({})
  })
  router.get('/end/:status/:key', (req, res) => {
    bagOf(req)[req.params.key] = true
    const status = Number(req.params.status)
    if (status === 303) res.redirect(status, '/read')
    else res.status(status).end()
  })
  router.get('/throw/:key', (req) => {
    bagOf(req)[req.params.key] = true
    throw Object.assign(new Error('a handler'), { status: 418 })
  })
  router.get('/count', async (req, res) => {
    const count = await req.session.update((s) => {
      const bag = s as unknown as Bag
      return (bag.count = (bag.count ?? 0) + 1)
    })
    res.json({ count })
  })
  router.get('/login', async (req, res) => {
    const s = (await req.session.regenerate()) as unknown as Bag
    s.user = 'somebody'
    res.json({})
  })
  router.get('/logout', async (req, res) => {
    await req.session.destroy()
    res.json({})
  })
  return router
}
