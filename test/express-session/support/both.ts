import './quiet'
import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { Browser } from '../../support/browser'
import type { Answer, Sent } from '../../support/send'
import { atEnd, serve } from '../../support/serve'
import { portOf } from '../../support/server'
import { implementations, type SessionModule as Module } from './implementations'

export type { SessionModule as Module } from './implementations'

/** For tests that both have to pass, as `describe.each` takes them. */
export const both = implementations.map(({ name, session }): [string, Module] => [name, session])

export const secret = 'what signs the cookies of both, in tests'

/** A request as a handler without types sees it. */
export type Req = IncomingMessage & {
  session: Bag
  sessionID: string
  sessionStore: StoreLike
}

type Done = (error?: unknown) => void

/** A session of either, with what a test keeps in it. */
export interface Bag {
  readonly id: string
  cookie: CookieLike
  touch(): unknown
  save(done: Done): unknown
  save(): Promise<void>
  reload(done: Done): unknown
  reload(): Promise<void>
  regenerate(done: Done): unknown
  regenerate(): Promise<void>
  destroy(done: Done): unknown
  destroy(): Promise<void>
  [key: string]: unknown
}

export interface CookieLike {
  maxAge: number | null | undefined
  originalMaxAge: number | null
  expires: Date | null
  [key: string]: unknown
}

/** A store of either. */
export interface StoreLike {
  get(id: string, done: (error: unknown, session?: Bag | null) => void): void
  set(id: string, session: object, done?: Done): void
  destroy(id: string, done?: Done): void
  touch(id: string, session: object, done?: Done): void
  all(done: (error: unknown, all: Record<string, Bag>) => void): void
  clear(done?: Done): void
  length(done: (error: unknown, length: number) => void): void
  load(id: string, done: (error: unknown, session?: Bag) => void): void
  generate(req: object): void
  regenerate(req: object, done: Done): void
  createSession(req: object, data: object): Bag
  emit(event: string): boolean
  listenerCount(event: string): number
}

export const storeOf = (session: Module) => new session.MemoryStore() as unknown as StoreLike

export type Handler = (req: Req, res: ServerResponse) => unknown
type Middleware = (req: never, res: never, next: (error?: unknown) => void) => void

interface SiteOptions extends Record<string, unknown> {
  /** What comes in front of the middleware. */
  readonly before?: (req: IncomingMessage & Record<string, unknown>, res: ServerResponse) => void
}

/** A browser at a server with nothing but the session in front of a handler. It ends after the test. */
export class Site extends Browser {
  /** What the middleware passed on after a response had begun. */
  readonly errors: unknown[] = []
  readonly #agent = atEnd(new Agent({ keepAlive: true }), (it) => it.destroy())

  private constructor(
    readonly store: StoreLike,
    port: number,
    name: string
  ) {
    super(port, name)
  }

  /**
   * @param options - of the middleware; by default a secret, a MemoryStore, and quiet values for `resave` and
   *   `saveUninitialized`
   */
  static async of(session: Module, { before, ...options }: SiteOptions, handler: Handler): Promise<Site> {
    const given = { secret, resave: false, saveUninitialized: false, store: storeOf(session), ...options }
    const middleware = session(given as never) as unknown as Middleware
    const server = await serve((req, res) => {
      before?.(req as never, res)
      middleware(req as never, res as never, (error) => {
        if (error === undefined) return site.#run(handler, req as Req, res)
        site.#fail(error, res)
      })
    })
    // Else it could close a connection in the moment in which a request comes.
    server.keepAliveTimeout = 0
    const name = (options.name ?? options.key ?? 'connect.sid') as string
    const site = new Site(given.store, portOf(server), name)
    return site
  }

  override send(path: string, sent: Sent = {}, port?: number): Promise<Answer> {
    return super.send(path, { agent: this.#agent, ...sent }, port)
  }

  #run(handler: Handler, req: Req, res: ServerResponse): void {
    const failed = (error: unknown) => this.#fail(error, res)
    try {
      Promise.resolve(handler(req, res)).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #fail(error: unknown, res: ServerResponse): void {
    if (res.headersSent) return void this.errors.push(error)
    res.statusCode = (error as { status?: number }).status ?? 500
    res.end(error instanceof Error ? error.message : String(error))
  }
}

/** Changes nothing. */
export const end: Handler = (_req, res) => res.end()

/** Counts the visits of the session, and answers with their number. */
export const visits: Handler = (req, res) => {
  const n = (req.session.n = ((req.session.n as number | undefined) ?? 0) + 1)
  res.end(String(n))
}

/** A change at the first visit alone. */
export const logIn: Handler = (req, res) => {
  req.session.user = 'bob'
  res.end()
}

/** The `Set-Cookie` line of this name. */
export function cookieOf(answer: Answer, name = 'connect.sid'): string | undefined {
  return answer.setCookies.find((line) => line.startsWith(`${name}=`))
}

/** Asks a store that calls back. */
export function asked<T>(ask: (done: (error: unknown, result?: T) => void) => void): Promise<T | undefined> {
  return promisify(ask as (done: (error: Error | null, result?: T) => void) => void)()
}

/** Asks a method that calls back with nothing but an error. */
export function done(act: (done: (error?: unknown) => void) => unknown): Promise<undefined> {
  return asked<undefined>((end) => void act(end))
}

/** What a store has of a session. */
export function kept(store: StoreLike, id: string): Promise<Bag | null | undefined> {
  return asked<Bag | null>((end) => store.get(id, end))
}

export function lengthOf(store: StoreLike): Promise<number | undefined> {
  return asked<number>((end) => store.length(end))
}

/** Counts the calls of a method, replaced on the store itself as applications do it. */
export function count(store: object, name: string): { calls: unknown[][] } {
  const methods = store as Record<string, (...args: unknown[]) => unknown>
  const original = methods[name]!
  const counted = { calls: [] as unknown[][] }
  methods[name] = function (...args) {
    counted.calls.push(args)
    return original.apply(this, args)
  }
  return counted
}
