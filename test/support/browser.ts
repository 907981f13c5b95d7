import type { RequestListener } from 'node:http'
import { Cookies } from './cookies'
import { send, type Answer, type Sent } from './send'
import { serve } from './serve'
import { portOf } from './server'

/** What a browser shows in the end, after all redirects. */
export interface Page extends Answer {
  /** Where it is now: path and query. */
  readonly path: string
}

/** A browser at one application. It keeps cookies, and sends them. */
export class Browser {
  readonly cookies: Cookies

  /**
   * @param portNow - of the application, which may change when it is started again
   * @param name - of the session's cookie
   * @param cookies - that it has from the beginning, such as those of another browser
   */
  constructor(
    private readonly portNow: number | (() => number),
    readonly name = 'sid',
    cookies: Iterable<readonly [name: string, value: string]> = []
  ) {
    this.cookies = new Cookies(cookies)
  }

  /** A browser at an application that runs until the test ends. */
  static async open(app: RequestListener, name = 'connect.sid'): Promise<Browser> {
    return new Browser(portOf(await serve(app)), name)
  }

  get port(): number {
    return typeof this.portNow === 'number' ? this.portNow : this.portNow()
  }

  /** The value of the session's cookie. */
  get cookie(): string {
    const cookie = this.cookies.get(this.name)
    if (cookie === undefined) throw new Error('this browser has no session cookie')
    return cookie
  }

  /** Makes it the browser that had this one elsewhere. */
  set cookie(value: string) {
    this.cookies.set(this.name, value)
  }

  get hasCookie(): boolean {
    return this.cookies.has(this.name)
  }

  /** The session id in the cookie. */
  get id(): string {
    return idIn(this.cookie)
  }

  /** Another browser with the cookies that this one has now. */
  clone(): Browser {
    return new Browser(this.portNow, this.name, this.cookies)
  }

  /** Somebody else. */
  stranger(): Browser {
    return new Browser(this.portNow, this.name)
  }

  /** One request, whose answer is given back as it comes. */
  async send(path: string, sent: Sent = {}, port = this.port): Promise<Answer> {
    const headers = { ...this.cookies.headers, ...sent.headers }
    const answer = await send(port, path, { ...sent, headers })
    this.cookies.keep(answer.setCookies)
    return answer
  }

  /** One request with a body in JSON. Resolves to the text of the answer. */
  async call(method: string, path: string, body?: object, headers: Sent['headers'] = {}): Promise<string> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const type = { 'content-type': 'application/json' }
    return (await this.send(path, { method, headers: { ...type, ...headers }, ...sent })).text
  }

  /** Follows redirects. */
  get(path = '/', headers: Sent['headers'] = {}): Promise<Page> {
    return this.#go(path, { headers })
  }

  /** Sends a form, and follows redirects. */
  post(path: string, form: Record<string, string> = {}, headers: Sent['headers'] = {}): Promise<Page> {
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams(form).toString()
    return this.#go(path, { method: 'POST', headers: { ...type, ...headers }, body })
  }

  /** What a GET answers, as JSON. */
  async json<T = unknown>(path: string): Promise<T> {
    return JSON.parse((await this.get(path)).text) as T
  }

  async #go(path: string, sent: Sent, port = this.port): Promise<Page> {
    const answer = await this.send(path, sent, port)
    const { location } = answer.headers
    if (location === undefined) return { ...answer, path }
    const to = new URL(location, `http://127.0.0.1:${port}${path}`)
    const next = await this.#go(to.pathname + to.search, {}, Number(to.port))
    return { ...next, setCookies: [...answer.setCookies, ...next.setCookies] }
  }
}

/** The session id in a cookie's value: between `s:` and the signature. */
export function idIn(cookie: string): string {
  const id = /^s:([^.~]+)(?:~[^.]+)?\.[^.]+$/.exec(decodeURIComponent(cookie))?.[1]
  if (id === undefined) throw new Error('no signed cookie')
  return id
}
