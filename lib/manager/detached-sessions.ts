import { readIds } from '../cookie/transport'
import { need } from '../errors'
import { hasMethods } from '../options'
import type { SessionRequest } from '../request'
import type { Repository } from '../repository/repository'
import { announcementOf } from '../session/cookie-policy'
import { checkData } from '../repository/values'
import { RequestSession } from '../session/request-session'
import type { SessionScope } from '../session/scope'
import { OWNER, Session } from '../session/session'
import type { Setup } from '../setup'
import { isWatchable, SessionWatch } from './session-watch'

/** The part of a request that names a session. */
export type CookieRequest = Pick<SessionRequest, 'headers'>

/** The sessions of one middleware that have no response: found by a request, and watched. */
export class DetachedSessions {
  readonly #watches = new WeakMap<Repository, SessionWatch>()
  /** Sessions that `open` gave and that are still in use, by handle. */
  readonly #loaded = new Map<string, Set<WeakRef<Session>>>()
  readonly #unused = new FinalizationRegistry<[handle: string, ref: WeakRef<Session>]>(([handle, ref]) => {
    const refs = this.#loaded.get(handle)
    if (refs?.delete(ref) && refs.size === 0) this.#loaded.delete(handle)
  })

  /** @param attached - the session that a request has already over this repository; its response waits for it then */
  constructor(
    private readonly setup: Setup,
    private readonly attached: (req: SessionRequest, repository: Repository) => RequestSession | undefined
  ) {}

  /** See `Sessions.open`. */
  open(request: CookieRequest): Promise<Session | null> {
    const loaded = this.#open(request as SessionRequest)
    // One that nobody waits for must not end the process.
    loaded.catch(() => undefined)
    return loaded
  }

  /** See `Sessions.create`. */
  async create(data: object): Promise<{ session: Session; cookie: string }> {
    const { only } = this.setup
    need(only, 'create needs one store for all requests: make a session() for each store')
    const { settings, repository, signer, cookieFor } = only
    need(!settings.transport, 'create makes a cookie, and the option transport carries ids elsewhere')
    checkData('create', data)
    let isOver = false
    const req = { headers: {} } as SessionRequest
    const request = new RequestSession({
      settings,
      repository,
      req,
      ids: [],
      defaults: cookieFor(req),
      canSendCookie: () => !isOver
    })
    request.begin()
    const session = Object.assign(await request.load(), data)
    await session.save()
    isOver = true
    request.watchUnsaved()
    const { set, life } = announcementOf(request.current!, request.scope)
    this.#remember(session)
    return { session, cookie: `${settings.name}=${encodeURIComponent(signer.sign(set, life))}` }
  }

  /** See `Sessions.onDestroy`. */
  onDestroy(which: Session | string, fn: () => unknown): () => void {
    need(typeof fn === 'function', 'onDestroy takes a function to call when the session has ended')
    const session = typeof which === 'string' ? this.#byHandle(which) : which
    need(session instanceof Session, 'onDestroy takes a session, or the handle of one that open gave')
    const { current, scope } = ownerOf(session)
    const { repository, settings } = scope
    if (current?.unreadable) throw current.unreadable
    need(
      isWatchable(repository),
      'onDestroy needs a store with watch and life, which tells of sessions that have ended: RedisStore or MemoryStore'
    )
    need(!session.isNew, 'onDestroy was given a session that is not stored: await session.save() before')
    let watch = this.#watches.get(repository)
    if (!watch) {
      const moved = (handle: string, from: string, to: string) => this.#moved(handle, from, to)
      this.#watches.set(repository, (watch = new SessionWatch(repository, settings, moved)))
    }
    return watch.add(session, fn)
  }

  async #open(request: SessionRequest): Promise<Session | null> {
    const headers: unknown = (request as Partial<SessionRequest> | undefined)?.headers
    need(
      typeof headers === 'object' && headers !== null && !hasMethods(headers, 'get'),
      'open takes a request of node:http, or { headers: { cookie } }; of a Headers or a Map, { headers: Object.fromEntries(headers) }'
    )
    const shared = this.setup.of(request)
    const attached = this.attached(request, shared.repository)
    // In a request that has a session, another object of it would lose what is written to it.
    if (attached) return this.#remembered(await attached.load())
    const carrier = (shared.transport.vary ?? 'cookie').toLowerCase()
    need(
      carrier in headers || !Object.keys(headers).some((name) => name.toLowerCase() === carrier),
      `open takes names of headers in lower case, as node:http has them: { headers: { ${JSON.stringify(carrier)}: … } }`
    )
    const ids = readIds(shared.transport, shared.signer, request)
    if (ids.length === 0) return null
    const { settings, repository, cookieFor } = shared
    const scope: SessionScope = {
      // Nobody could use an empty session that replaces another one.
      settings: { ...settings, whenUnreadable: 'throw' },
      repository,
      req: request,
      ids,
      defaults: cookieFor(request),
      canSendCookie: () => false
    }
    const detached = new RequestSession(scope)
    const session = await detached.load()
    detached.watchUnsaved()
    return this.#remembered(session)
  }

  #remembered(session: Session): Session | null {
    if (session.isNew) return null
    this.#remember(session)
    return session
  }

  #remember(session: Session): void {
    const { handle } = session
    const ref = new WeakRef(session)
    this.#loaded.set(handle, (this.#loaded.get(handle) ?? new Set()).add(ref))
    this.#unused.register(session, [handle, ref])
  }

  #byHandle(handle: string): Session {
    // Of several, the latest knows best under which id the session is stored.
    const session = this.#inUse(handle).at(-1)
    need(
      session,
      'onDestroy was given a handle that is not known here: give it the session, or a handle of one that open gave'
    )
    return session
  }

  #inUse(handle: string): Session[] {
    return [...(this.#loaded.get(handle) ?? [])].flatMap((ref) => ref.deref() ?? [])
  }

  #moved(handle: string, from: string, to: string): void {
    for (const session of this.#inUse(handle)) ownerOf(session).follow(from, to)
  }
}

/** The one in `valid` is only to be looked at, and nobody's. */
function ownerOf(session: Session): RequestSession {
  const owner = session[OWNER]
  need(owner instanceof RequestSession, 'onDestroy cannot be called in valid: the session is not in use yet')
  return owner
}
