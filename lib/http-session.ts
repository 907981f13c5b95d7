import type { ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { beganAt } from './handle'
import type { SessionContext } from './session-context'
import { checkCookie } from './cookie/attributes'
import { readCookies } from './cookie/read'
import { clearCookie, mergeSetCookie, setCookie } from './cookie/set-cookie'
import { SessionCookie } from './cookie/session-cookie'
import { isId, type Signer } from './cookie/sign'
import { SessionError } from './errors'
import { publish } from './events'
import { HeaderSnapshot } from './header-snapshot'
import type { VerifiedId } from './load'
import type { Settings, SessionRequest } from './options'
import type { Repository } from './repository'
import { RequestSession } from './request-session'
import { ResponseHold, type HoldableResponse } from './response-hold'

/** What all requests of one middleware share. */
export interface Shared {
  readonly settings: Settings
  readonly signer: Signer
  readonly repository: Repository
}

/** What HTTP has to do with the session of one request: the cookie that comes, and the headers that go. */
export class HttpSession implements SessionContext {
  readonly session: RequestSession
  readonly settings: Settings
  readonly repository: Repository
  readonly #signer: Signer
  readonly #pristine: HeaderSnapshot
  #hold: ResponseHold | undefined
  #defaults: SessionCookie | undefined
  #ids: readonly VerifiedId[] | undefined

  constructor(
    shared: Shared,
    private readonly req: SessionRequest,
    private readonly res: HoldableResponse,
    private readonly next: (error?: unknown) => void
  ) {
    this.settings = shared.settings
    this.repository = shared.repository
    this.#signer = shared.signer
    this.#pristine = new HeaderSnapshot(res)
    this.session = new RequestSession(this, () => this.ids)
  }

  /** The ids that came with a right signature, each once. */
  get ids(): readonly VerifiedId[] {
    return (this.#ids ??= this.#verify())
  }

  /** From now on the response waits for the session. */
  hold(): void {
    this.#hold ??= new ResponseHold(
      this.req.method,
      this.res,
      {
        commit: () => this.session.commit(),
        headers: () => this.#writeHeaders(),
        closed: (begun) => this.#closed(begun)
      },
      this.#pristine,
      this.next
    )
  }

  /** Tells caches that the answer depends on the cookie (RFC 9110, 12.5.5). */
  vary(): void {
    const { res } = this
    if (!res.setHeader || !res.getHeader || res.headersSent) return
    const present = res.getHeader('Vary')
    const list = Array.isArray(present) ? present.join(', ') : String(present ?? '')
    if (/(^|,)\s*(\*|cookie)\s*(,|$)/i.test(list)) return
    res.setHeader('Vary', list === '' ? 'Cookie' : `${list}, Cookie`)
  }

  /** The cookie as the configuration makes it: `'auto'` becomes what the connection of this request is. */
  get defaults(): SessionCookie {
    return (this.#defaults ??= this.#settleCookie())
  }

  createId(): string {
    const id = this.settings.genid(this.req)
    if (isId(id)) return id
    throw new SessionError('ERR_SESSION_OPTIONS', 'genid must return 1 to 128 characters of A-Z a-z 0-9 - _')
  }

  checkCookie(cookie: SessionCookie): void {
    if (!(cookie instanceof SessionCookie)) {
      throw new SessionError(
        'ERR_SESSION_DATA',
        'req.session.cookie was replaced: change its attributes instead'
      )
    }
    checkCookie(this.settings.name, cookie, 'ERR_SESSION_DATA')
  }

  canAnnounce(): boolean {
    return !(this.#hold ? this.#hold.begun : this.res.headersSent)
  }

  #verify(): readonly VerifiedId[] {
    const found = new Map<string, VerifiedId>()
    for (const value of readCookies(this.req.headers.cookie, this.settings.name)) {
      const verified = this.#signer.verify(value)
      if (!verified) publish('holdfast:rejected', () => ({ reason: 'bad signature' }))
      else if (!found.has(verified.id)) found.set(verified.id, verified)
    }
    return [...found.values()]
  }

  #settleCookie(): SessionCookie {
    const { cookie } = this.settings
    const secure = cookie.secure === undefined || cookie.secure === 'auto' ? this.#isSecure() : cookie.secure
    const sameSite = cookie.sameSite === 'auto' ? (this.#isSecure() ? 'none' : 'lax') : cookie.sameSite
    return new SessionCookie({ ...cookie, secure, sameSite })
  }

  #isSecure(): boolean {
    const { proxy } = this.settings
    const { socket, secure, headers } = this.req
    if ((socket as TLSSocket | undefined)?.encrypted) return true
    if (proxy !== true) return proxy === undefined && secure === true
    const forwarded = headers['x-forwarded-proto']
    const first = (Array.isArray(forwarded) ? forwarded[0] : forwarded)?.split(',')[0]
    return first?.trim().toLowerCase() === 'https'
  }

  #writeHeaders(): void {
    const { settings } = this
    this.vary()
    const said = this.session.announcement()
    if (!said) return
    if ('clear' in said) return this.#send(clearCookie(settings.name, said.clear))
    const { set, cookie, handle } = said
    if (cookie.secure && !this.#isSecure()) return warnInsecure()
    this.#send(
      setCookie(settings.name, this.#signer.sign(set), endsBy(cookie, beganAt(handle) + settings.lifetime))
    )
  }

  #send(header: string): void {
    const { res } = this
    if (!res.setHeader) return
    res.setHeader('Set-Cookie', mergeSetCookie(res.getHeader?.('Set-Cookie'), this.settings.name, header))
    // A cache that keeps the response would hand this visitor's cookie to others (RFC 9111, 7.3).
    if (res.getHeader?.('Cache-Control') === undefined) res.setHeader('Cache-Control', 'no-store')
  }

  #closed(begun: boolean): void {
    const { session } = this
    try {
      if (!session.dirty) return
      if (begun) session.commit()?.catch(() => undefined)
      else publish('holdfast:dropped', () => ({ handle: session.handle, reason: 'client closed' }))
    } catch {
      // What cannot be stored is nobody's business any more: the client has gone.
    }
  }
}

/** The cookie, with an end no later than the session's. */
function endsBy(cookie: SessionCookie, end: number): SessionCookie {
  if (!cookie.expires || cookie.expires.getTime() <= end) return cookie
  const shortened = Object.assign(new SessionCookie(), cookie)
  shortened.expires = new Date(end)
  return shortened
}

let warned = false

function warnInsecure(): void {
  if (warned) return
  warned = true
  process.emitWarning(
    'the session cookie was not sent: it is Secure, and the connection is not. Behind a proxy that ends TLS, set ' +
      "Express's `trust proxy` or the option proxy; without TLS, use cookie.secure 'auto' or false",
    { code: 'HOLDFAST_INSECURE_CONNECTION' }
  )
}

/** A response as Node makes it, or the little that WebSocket libraries pass for one. */
export type SessionResponse = HoldableResponse | ServerResponse
