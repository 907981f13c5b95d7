import './quiet'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { send, type Answer, type Sent } from '../../support/send'
import { serve } from '../../support/serve'
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

/** A server with nothing but the session in front of a handler, and a browser of one cookie. It ends after the test. */
export class Site {
  /** What the middleware passed on after a response had begun. */
  readonly errors: unknown[] = []
  cookie: string | undefined
  #server!: Server

  private constructor(readonly name: string) {}

  /**
   * @param options - of the middleware; a secret, and quiet values for `resave` and `saveUninitialized`, by default
   * @param before - what comes in front of the middleware
   */
  static async open(
    session: Module,
    options: Record<string, unknown>,
    handler: Handler,
    before?: (req: IncomingMessage & Record<string, unknown>, res: ServerResponse) => void
  ): Promise<Site> {
    const site = new Site((options.name ?? options.key ?? 'connect.sid') as string)
    const given = { secret, resave: false, saveUninitialized: false, ...options }
    const middleware = session(given) as unknown as Middleware
    await site.#listen((req, res) => {
      before?.(req as never, res)
      middleware(req as never, res as never, (error) => {
        if (error === undefined) return site.#run(handler, req as Req, res)
        site.#fail(error, res)
      })
    })
    return site
  }

  /** A request with the site's cookie, which the answer may replace. */
  async get(path = '/', { headers, ...sent }: Sent = {}): Promise<Answer> {
    const cookie: Record<string, string> = this.cookie === undefined ? {} : { cookie: this.cookie }
    const answer = await send(this.port, path, { ...sent, headers: { ...cookie, ...headers } })
    const line = cookieOf(answer, this.name)
    if (line !== undefined)
      this.cookie = line.includes('Expires=Thu, 01 Jan 1970') ? undefined : line.split(';')[0]
    return answer
  }

  get port(): number {
    return portOf(this.#server)
  }

  /** The session id in the cookie. */
  get id(): string {
    return idOf(this.cookie)
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

  async #listen(listener: (req: IncomingMessage, res: ServerResponse) => void): Promise<void> {
    this.#server = await serve(listener)
  }
}

/** The `Set-Cookie` line of this name. */
export function cookieOf(answer: Answer, name = 'connect.sid'): string | undefined {
  return answer.setCookies.find((line) => line.startsWith(`${name}=`))
}

export function idOf(cookie: string | undefined): string {
  const value = decodeURIComponent(/=([^;]*)/.exec(cookie ?? '')?.[1] ?? '')
  return value.slice(2, value.lastIndexOf('.'))
}

/** Asks a store that calls back. */
export function asked<T>(ask: (done: (error: unknown, result?: T) => void) => void): Promise<T | undefined> {
  return promisify(ask as (done: (error: Error | null, result?: T) => void) => void)()
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
