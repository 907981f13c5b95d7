import { need } from '../errors'
import { HttpSession, type Shared } from '../http-session'
import type { Repository } from '../repository/repository'
import { OWNER, Session } from '../session/session'
import { SessionCalls } from '../session/session-calls'
import type { SessionRequest } from '../request'
import { isWatchable, SessionWatch } from './session-watch'

/** As much of a request as names a session. */
export type CookieRequest = Pick<SessionRequest, 'headers'>

/** The sessions of one middleware where there is no response: found by a request, and watched. */
export class Outside {
  readonly #watches = new WeakMap<Repository, SessionWatch>()
  /** What `load` gave and is still in use, by handle. */
  readonly #loaded = new Map<string, Set<WeakRef<Session>>>()
  readonly #unused = new FinalizationRegistry<[handle: string, ref: WeakRef<Session>]>(([handle, ref]) => {
    const refs = this.#loaded.get(handle)
    if (refs?.delete(ref) && refs.size === 0) this.#loaded.delete(handle)
  })

  constructor(private readonly sharedFor: (req: SessionRequest) => Shared) {}

  /** See `Sessions.load`. */
  load(request: CookieRequest): Promise<Session | null> {
    const loaded = this.#load(request as SessionRequest)
    // One that nobody waits for must not end the process.
    loaded.catch(() => undefined)
    return loaded
  }

  /** See `Sessions.onDestroy`. */
  onDestroy(which: Session | string, fn: () => unknown): () => void {
    need(typeof fn === 'function', 'onDestroy takes a function to call when the session has ended')
    const session = typeof which === 'string' ? this.#byHandle(which) : which
    need(session instanceof Session, 'onDestroy takes a session, or the handle of one that load gave')
    const { repository, settings } = ownerOf(session).context
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

  async #load(request: SessionRequest): Promise<Session | null> {
    const headers: unknown = (request as Partial<SessionRequest> | undefined)?.headers
    need(
      typeof headers === 'object' && headers !== null && !(headers instanceof Headers),
      'load takes a request of node:http, or { headers: { cookie } }'
    )
    const { settings, ...shared } = this.sharedFor(request)
    // There is nobody to whom an empty session that stands for another one would be of use.
    const own: Shared = { ...shared, settings: { ...settings, onStoreError: 'fail' } }
    const http = new HttpSession(own, request, { headersSent: true }, () => undefined)
    if (http.ids.length === 0) return null
    const session = await http.session.load()
    if (session.isNew) return null
    const { handle } = session
    const ref = new WeakRef(session)
    this.#loaded.set(handle, (this.#loaded.get(handle) ?? new Set()).add(ref))
    this.#unused.register(session, [handle, ref])
    return session
  }

  #byHandle(handle: string): Session {
    // Of several, the latest knows best under which id the session is stored.
    const session = this.#inUse(handle).at(-1)
    need(
      session,
      'onDestroy was given a handle that is not known here: give it the session, or a handle of one that load gave'
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
function ownerOf(session: Session): SessionCalls {
  const owner = session[OWNER]
  need(owner instanceof SessionCalls, 'onDestroy cannot be called in valid: the session is not in use yet')
  return owner
}
