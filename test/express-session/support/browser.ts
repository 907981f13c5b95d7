import type { RequestListener, Server } from 'node:http'
import { Cookies } from '../../support/cookies'
import { type Answer, send } from '../../support/send'
import { serve } from '../../support/serve'
import { portOf } from '../../support/server'
import { idIn } from '../../support/site'

export { atEnd, serve } from '../../support/serve'
export { portOf } from '../../support/server'

/** What a browser shows in the end, after all redirects. */
export interface Page extends Answer {
  /** Where it is now: path and query. */
  readonly path: string
}

/** Keeps cookies, posts forms, follows redirects. */
export class Browser {
  readonly cookies = new Cookies()
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
    return this.cookies.header
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
    const answer = await send(Number(url.port), path, {
      method,
      headers: { ...this.cookies.headers, ...headers },
      body
    })
    this.cookies.keep(answer.setCookies)
    const { location } = answer.headers
    if (location === undefined) return { ...answer, path }
    const next = await this.#go('GET', new URL(location, url), {})
    return { ...next, setCookies: [...answer.setCookies, ...next.setCookies] }
  }
}
