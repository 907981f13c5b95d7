import { Agent, type RequestListener, type Server } from 'node:http'
import express, { type Express, type Request, type Response } from 'express'
import session, { type Session, type SessionError, type SessionOptions, type Store } from '../../lib'
import { Browser } from './browser'
import { CountingStore } from './counting-store'
import type { Answer, Sent } from './send'
import { atEnd, serve } from './serve'
import { portOf, stop } from './server'

export const secret = 'what signs the cookies in the tests of the core'

/** A session, for handlers that keep what they like in it. */
export type Bag = Session & Record<string, unknown>

/** A route for one request. What it resolves to is the answer, as JSON, unless it answered by itself. */
export type Handler = (session: Bag, req: Request, res: Response) => unknown

/** An application with sessions on a free port of 127.0.0.1, and its visitors. It stops after the test. */
export class Site {
  /** What reached the application's error handler. */
  readonly errors: SessionError[] = []
  /** Requests at once have a connection each, and those that follow use them again. */
  readonly agent = atEnd(new Agent({ keepAlive: true }), (it) => it.destroy())
  readonly #handlers = new Map<string, Handler>()
  #server!: Server
  #count = 0

  private constructor(
    readonly store: CountingStore,
    readonly name: string
  ) {}

  /**
   * @param options - with a CountingStore on a MemoryStore, where no store is given
   * @param setup - what goes between the session and the routes
   * @param app - Express 4 in the place of Express 5, say
   */
  static async open(
    options: Partial<SessionOptions> = {},
    setup?: (app: Express) => void,
    app: Express = express()
  ): Promise<Site> {
    const { store: given, name = 'sid' } = options
    const isChooser = typeof given === 'function'
    const store =
      given instanceof CountingStore ? given : new CountingStore(isChooser ? undefined : (given as Store))
    const site = new Site(store, name)
    app.use(session({ secret, ...options, store: isChooser ? given : store }))
    setup?.(app)
    app.use((req, res, next) => {
      site.#answer(req, res).catch(next)
    })
    app.use(((error: SessionError, _req, res, next) => {
      site.errors.push(error)
      if (res.headersSent) return next(error)
      res.set(error.headers ?? {}).status(error.status ?? 500)
      res.json({ error: error.code ?? error.name })
    }) as express.ErrorRequestHandler)
    return site.#listen(app as RequestListener)
  }

  /** A site whose server is the test's own. */
  static listen(listener: RequestListener, store = new CountingStore()): Promise<Site> {
    return new Site(store, 'sid').#listen(listener)
  }

  get port(): number {
    return portOf(this.#server)
  }

  /** Somebody with a browser: cookies are kept, and sent. */
  visitor(cookie?: string): Visitor {
    return new Visitor(this, cookie === undefined ? [] : [[this.name, cookie]])
  }

  /** Puts a handler where a request with this header finds it. */
  route(handler: Handler): Record<string, string> {
    const name = String(++this.#count)
    this.#handlers.set(name, handler)
    return { 'x-handler': name }
  }

  /** What the store keeps for an id. */
  async stored(id: string): Promise<Record<string, unknown> | null> {
    const text = await this.store.inner.get(id)
    return text === null ? null : (JSON.parse(text) as Record<string, unknown>)
  }

  stop(): Promise<void> {
    return stop(this.#server)
  }

  async #listen(listener: RequestListener): Promise<this> {
    this.#server = await serve(listener)
    // Else it could close a connection in the moment in which a request comes.
    this.#server.keepAliveTimeout = 0
    return this
  }

  async #answer(req: Request, res: Response): Promise<void> {
    const handler = this.#handlers.get(String(req.headers['x-handler']))
    if (!handler) return void res.status(404).end()
    const result = await handler(req.session as Bag, req, res)
    if (!res.headersSent && !res.writableEnded) res.json(result ?? null)
  }
}

/** A browser at a site. */
export class Visitor extends Browser {
  constructor(
    private readonly site: Site,
    cookies?: Iterable<readonly [name: string, value: string]>
  ) {
    super(() => site.port, site.name, cookies)
  }

  /** A second window of the same browser, as it is now. */
  override clone(): Visitor {
    return new Visitor(this.site, this.cookies)
  }

  override send(path: string, sent: Sent = {}): Promise<Answer> {
    return super.send(path, { agent: this.site.agent, ...sent })
  }

  /** One request that this handler answers. */
  visit(handler: Handler, sent: Sent & { path?: string } = {}): Promise<Answer> {
    return this.send(sent.path ?? '/', {
      ...sent,
      headers: { ...this.site.route(handler), ...sent.headers }
    })
  }

  /** As {@link visit}, for a handler that has to succeed: what it resolved to. */
  async ask<T>(handler: (...args: Parameters<Handler>) => T | Promise<T>): Promise<T> {
    const { status, text } = await this.visit(handler)
    if (status !== 200) throw new Error(`the answer was ${status} ${text}`)
    return JSON.parse(text) as T
  }
}

/** What is stored of a visitor's session, without what is ours. */
export async function dataOf(site: Site, visitor: Visitor): Promise<unknown> {
  const { '@': _meta, ...data } = (await site.stored(visitor.id))!
  return data
}

/** A site, and a visitor who has a session there. The calls of the store count from now on. */
export async function returning(
  options: Partial<SessionOptions> = {},
  data: Record<string, unknown> = { n: 1 }
): Promise<{ site: Site; visitor: Visitor }> {
  const site = await Site.open(options)
  const visitor = site.visitor()
  await visitor.ask(async (s) => void Object.assign(await s.load(), data))
  site.store.forget()
  return { site, visitor }
}

/** A login by the session: a new id, with what is to be kept of the old session. */
export async function login(s: Bag, keep?: true | string[]): Promise<null> {
  const fresh = await s.regenerate(keep && { keep })
  fresh.user = 'test'
  return null
}

/** An error handler that answers with the status of the error alone. */
export const answerErrors: express.ErrorRequestHandler = (error: { status?: number }, _req, res, _next) => {
  res.status(error.status ?? 500).end()
}

/** Runs on until the condition holds: for what happens after the answer has gone. Gives up after a minute. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let looks = 0; !(await holds()); looks++) {
    if (looks > 30_000) throw new Error(`never came true: ${String(holds)}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
