import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, send } from '../../support/send'
import { idIn } from '../../support/site'

const endings: (() => unknown)[] = []

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

/** Runs when the test has ended, before what was there earlier ends. */
export function atEnd(end: () => unknown): void {
  endings.push(end)
}

/** A server on a free port of 127.0.0.1, until the test ends. */
export async function serve(app: RequestListener): Promise<Server> {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  })
  return server
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

/** What a browser shows in the end, after all redirects. */
export interface Page extends Answer {
  /** Where it is now: path and query. */
  readonly path: string
}

/** Keeps cookies, posts forms, follows redirects. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly port: number

  constructor(readonly server: Server) {
    this.port = portOf(server)
  }

  /** A browser at an application that runs until the test ends. */
  static async open(app: RequestListener): Promise<Browser> {
    return new Browser(await serve(app))
  }

  /** The session's cookie. */
  get cookie(): string {
    const cookie = this.cookies.get('connect.sid')
    if (cookie === undefined) throw new Error('this browser has no session')
    return cookie
  }

  get sessionId(): string {
    return idIn(this.cookie)
  }

  /** All cookies, as a request carries them. */
  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** Another browser with the cookies that this one has now. */
  copy(): Browser {
    const copy = new Browser(this.server)
    for (const [name, value] of this.cookies) copy.cookies.set(name, value)
    return copy
  }

  /** Somebody else. */
  stranger(): Browser {
    return new Browser(this.server)
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.#go('GET', new URL(path, `http://127.0.0.1:${this.port}`), headers)
  }

  post(path: string, form: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Page> {
    const body = new URLSearchParams(form).toString()
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.#go('POST', new URL(path, `http://127.0.0.1:${this.port}`), { ...type, ...headers }, body)
  }

  /** What a GET answers, as JSON. */
  async json<T = unknown>(path: string): Promise<T> {
    return JSON.parse((await this.get(path)).text) as T
  }

  async #go(method: string, url: URL, headers: Record<string, string>, body?: string): Promise<Page> {
    const path = url.pathname + url.search
    const cookie = this.cookies.size > 0 ? { cookie: this.cookieHeader } : {}
    const answer = await send(Number(url.port), path, { method, headers: { ...cookie, ...headers }, body })
    for (const line of answer.setCookies) this.#keep(line)
    const { location } = answer.headers
    if (location === undefined) return { ...answer, path }
    const next = await this.#go('GET', new URL(location, url), {})
    return { ...next, setCookies: [...answer.setCookies, ...next.setCookies] }
  }

  #keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
    const expires = /; Expires=([^;]*)/.exec(line)?.[1]
    if (expires !== undefined && Date.parse(expires) <= Date.now()) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}
