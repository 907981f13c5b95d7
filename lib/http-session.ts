import type { ServerResponse } from 'node:http'
import { beganAt } from './repository/handle'
import type { CallbackStore } from './repository/express-store'
import type { SessionContext } from './session/scope'
import type { SessionRequest } from './request'
import { checkCookie } from './cookie/attributes'
import { SessionCookie } from './cookie/session-cookie'
import { isId, type Signer } from './cookie/signature'
import { SessionError } from './errors'
import { publish } from './events'
import { HeaderSnapshot } from './response/header-snapshot'
import type { VerifiedId } from './session/load'
import type { Settings } from './options'
import type { Repository } from './repository/repository'
import { RequestSession } from './session/request-session'
import { ResponseHold, type HoldableResponse } from './response/response-hold'
import { isSecure } from './request'
import type { Session } from './session/session'
import type { Store } from './stores/store'
import type { Transport } from './cookie/transport'

/** Of several ids in a request, these are looked at. */
const MAX_VALUES = 4

/** What all requests of one middleware share. */
export interface Shared {
  readonly settings: Settings
  readonly signer: Signer
  readonly transport: Transport
  readonly store: Store | CallbackStore
  readonly repository: Repository
}

/** What HTTP has to do with the session of one request: the id that comes, and the headers that go. */
export class HttpSession implements SessionContext {
  readonly session: RequestSession
  readonly settings: Settings
  readonly repository: Repository
  readonly store: Store | CallbackStore
  readonly #signer: Signer
  readonly #transport: Transport
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
    this.store = shared.store
    this.#signer = shared.signer
    this.#transport = shared.transport
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

  /** Tells caches that the answer depends on the header that carries the id (RFC 9110, 12.5.5). */
  vary(): void {
    const { res } = this
    const { vary } = this.#transport
    if (!vary || !res.setHeader || !res.getHeader || res.headersSent) return
    const present = res.getHeader('Vary')
    if (present === undefined) return void res.setHeader('Vary', vary)
    const list = Array.isArray(present) ? present.join(', ') : String(present)
    const names = list.split(',').map((name) => name.trim().toLowerCase())
    if (names.includes('*') || names.includes(vary.toLowerCase())) return
    res.setHeader('Vary', list === '' ? vary : `${list}, ${vary}`)
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

  isValid(look: () => Session): boolean | Promise<boolean> {
    return this.settings.valid?.(this.req, look()) ?? true
  }

  beforeSave(session: Session): void {
    const returned: unknown = this.settings.beforeSave?.(this.req, session)
    if (!(returned instanceof Promise)) return
    returned.catch(() => undefined)
    throw new SessionError('ERR_SESSION_OPTIONS', 'beforeSave must not be asynchronous: nothing waits for it')
  }

  canAnnounce(): boolean {
    return !(this.#hold ? this.#hold.begun : this.res.headersSent)
  }

  #verify(): readonly VerifiedId[] {
    const found: VerifiedId[] = []
    for (const value of valuesOf(this.#transport.read(this.req))) {
      const verified = this.#signer.verify(value)
      if (!verified) publish('holdfast:rejected', () => ({ reason: 'bad signature' }))
      else if (!found.some(({ id }) => id === verified.id)) found.push(verified)
    }
    return found
  }

  #settleCookie(): SessionCookie {
    const { cookie, proxy } = this.settings
    const { secure: given = 'auto' } = cookie
    const secure = given === 'auto' ? isSecure(this.req, proxy) : given
    const sameSite =
      cookie.sameSite === 'auto' ? (isSecure(this.req, proxy) ? 'none' : 'lax') : cookie.sameSite
    return new SessionCookie({ ...cookie, secure, sameSite })
  }

  #writeHeaders(): void {
    this.vary()
    const said = this.session.announcement()
    if (!said) return
    const { req, res } = this
    if ('clear' in said) this.#transport.clear(res, { req, cookie: said.clear })
    else {
      const cookie = endsBy(said.cookie, beganAt(said.handle) + this.settings.lifetime)
      this.#transport.write(res, this.#signer.sign(said.set), { req, cookie })
    }
    // A cache that keeps the response would hand this visitor's id to others (RFC 9111, 7.3).
    if (res.getHeader?.('Cache-Control') === undefined) res.setHeader?.('Cache-Control', 'no-store')
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

/** A transport of an application's own may give anything: what a query holds, say. */
function valuesOf(read: unknown): readonly string[] {
  if (typeof read === 'string') return [read]
  return Array.isArray(read) ? read.filter((one) => typeof one === 'string').slice(0, MAX_VALUES) : []
}

/** The cookie, with an end no later than the session's. */
function endsBy(cookie: SessionCookie, end: number): SessionCookie {
  if (!cookie.expires || cookie.expires.getTime() <= end) return cookie
  const shortened = Object.assign(new SessionCookie(), cookie)
  shortened.expires = new Date(end)
  return shortened
}

/** A response as Node makes it, or the little that WebSocket libraries pass for one. */
export type SessionResponse = HoldableResponse | ServerResponse
