import { restoreCookie, SessionCookie } from '../cookie/session-cookie'
import { need, needKnown, SessionError } from '../errors'
import { warnOnce } from '../events'
import type { DeclaredData } from '../express-request'
import type { Settings } from '../options'
import { Budget } from '../repository/budget'
import type { ExpressStore } from '../repository/express-store'
import { beganAt } from '../repository/record'
import type { Repository, StoredSession } from '../repository/repository'
import { tolerate } from '../session/call-queue'
import { checkUser } from '../session/commit'
import { idleLife } from '../session/lifetime'
import { report, RequestSession } from '../session/request-session'
import { OWNER, Session, type AnySession, type HandleText, type SessionHandle } from '../session/session'
import type { Stored } from '../session-data'
import type { Store } from '../stores/store'

/** A session in the result of `sessions.list`. */
export interface SessionInfo<Data extends object = DeclaredData> {
  /** The public name of the session. */
  readonly handle: SessionHandle
  /** When the session began. */
  readonly createdAt: Date
  /** When the session was last used. In the last `idleTimeout` of its lifetime, the last use may have been later. */
  readonly lastSeenAt: Date
  /** When the session ends if it is not used again. */
  readonly expiresAt: Date
  /** A copy of the application's own data; empty if this process cannot read it, for its `codec` or its `limits`. */
  readonly data: Readonly<Stored<Data>>
}

/** The sessions that `sessions.destroy` ends: one, or all but one. */
export type SessionChoice = { readonly handle: HandleText } | { readonly except: AnySession }

type Which = SessionChoice | { readonly others: true }

/** Sessions that are worked on at once. */
const AT_ONCE = 8
/** The last moment that a Date can hold. */
const END_OF_TIME = 8.64e15

/** The sessions of one user, listed and ended. */
export class UserSessions {
  readonly #cookie: SessionCookie

  /** @param only - the repository of all sessions; undefined where each request chooses its store */
  constructor(
    private readonly settings: Settings,
    private readonly only: Repository | undefined
  ) {
    this.#cookie = new SessionCookie({ ...settings.cookie, secure: false, sameSite: 'lax' })
  }

  /** See `Sessions.list`. */
  list(of: string | AnySession, ...others: unknown[]): Promise<SessionInfo[]> {
    return heard('list', this.#list(of, others))
  }

  /** See `Sessions.destroy`. */
  destroy(of: string | AnySession, which?: Which): Promise<number> {
    return heard('destroy', this.#destroy(of, which))
  }

  async #list(of: string | AnySession, others: unknown[]): Promise<SessionInfo[]> {
    need(
      others.length === 0,
      'list takes a user or a session, and returns a promise: await sessions.list(user)'
    )
    const repository = this.#repository
    const user = await this.#userOf(of)
    if (user === undefined) return []
    const { users, life } = repository
    // By handle, as a session that moves is stored under two ids for a moment.
    const found = new Map<string, SessionInfo>()
    await this.#each('load', users!.list(user), async (entry, budget) => {
      let { id } = entry
      let known = await users!.find(user, entry, budget)
      if (!known) {
        const now = await repository.follow?.(id, budget)
        if (!now || now.id === id || now.stored?.user !== user) return
        id = now.id
        known = now.stored
      }
      const left = await life!(id, budget)
      if (left !== null) found.set(known.handle, this.#infoOf(known, left))
    })
    const living = [...found.values()].filter(({ expiresAt }) => expiresAt.getTime() > Date.now())
    // The time comes first in a handle.
    return living.sort((one, other) => (one.handle < other.handle ? 1 : -1))
  }

  /**
   * To end all, or all but one, first leaves a mark: a login that is not in the index yet looks at
   * it when it has stored its session (docs/decisions/0013-a-users-sessions.md).
   */
  async #destroy(of: string | AnySession, which: Which | undefined): Promise<number> {
    const repository = this.#repository
    const { users } = repository
    const { handle, except } = await choice(which, of)
    const user = await this.#userOf(of)
    // By handle, as a session that moves is stored under two ids for a moment.
    const ended = new Set<string>()
    if (user !== undefined && handle !== undefined) {
      await this.#each('commit', users!.list(user), async ({ id }, budget) => {
        if (await repository.destroy(id, budget, undefined, { user, handle })) ended.add(handle)
      })
    }
    if (handle !== undefined) return ended.size
    const current = which === undefined && isSession(of) ? currentOf(of) : undefined
    // Nobody's session is in no index, nor is one from before the option.
    const own = current?.known ? current : current?.move
    // One that was never stored has to stay so.
    if (current && !own) await current.session.destroy()
    const entries = async () => [
      ...(user === undefined ? [] : await users!.end(user, except?.since)),
      ...(own ? [own] : [])
    ]
    await this.#each('commit', entries(), async (entry, budget) => {
      const known = 'known' in entry ? entry.known : await users!.find(user!, entry, budget)
      const isSpared = known?.handle === except?.handle || (known?.since ?? NaN) === except?.since
      if (!known || isSpared) return
      const meant = entry === own ? undefined : { user: user! }
      if (await repository.destroy(entry.id, budget, known, meant)) ended.add(known.handle)
    })
    return ended.size
  }

  /** Undefined for nobody's session. */
  async #userOf(of: string | AnySession): Promise<string | undefined> {
    if (typeof of === 'string') return checkedUser(of)
    need(isSession(of), 'list and destroy take the name of a user, or a session: req.session')
    const session = await of.load()
    currentOf(of)
    const user = this.settings.user!(session)
    return user === undefined || user === null || user === '' ? undefined : checkedUser(user)
  }

  get #repository(): Repository {
    const { only, settings } = this
    need(settings.user, 'user must be given to session(), a function that says whose a session is')
    need(only, 'store: req => Store leaves open whose sessions are meant: make a session() for each store')
    return only
  }

  /** Works on each entry, a few at a time. A failure does not stop the others. */
  async #each<Entry>(
    operation: 'load' | 'commit',
    listing: Promise<readonly Entry[]>,
    work: (entry: Entry, budget: Budget) => Promise<void>
  ): Promise<void> {
    try {
      const failures: unknown[] = []
      const waiting = (await listing).values()
      const worker = async () => {
        for (const entry of waiting) {
          await work(entry, new Budget(this.settings.timeout, operation)).catch((error: unknown) =>
            failures.push(error)
          )
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, worker))
      if (failures.length > 0) throw failures[0]
    } catch (error) {
      report(operation, error)
      throw error
    }
  }

  #infoOf(known: StoredSession, left: number): SessionInfo {
    const { handle } = known
    const now = Date.now()
    const began = beganAt(handle)
    const life = idleLife(restoreCookie(known.cookie, this.#cookie), {
      settings: this.settings,
      defaults: this.#cookie
    })
    const used = Math.min(now, Math.max(began, now - (life - left)))
    const ends = Math.min(now + left, began + this.settings.lifetime, END_OF_TIME)
    return Object.assign(Object.create(FORMER) as object, {
      handle: handle as SessionHandle,
      createdAt: new Date(began),
      lastSeenAt: new Date(used),
      expiresAt: new Date(ends),
      data: known.data()
    })
  }
}

/** A failure of which nobody heard is not to end the process, and is told all the same. */
function heard<T>(name: string, outcome: Promise<T>): Promise<T> {
  return tolerate(outcome, (error) => {
    const reason = error instanceof SessionError ? `: ${error.message}` : ''
    warnOnce('HOLDFAST_LOST', `sessions.${name}() failed, and nobody waits for it, so await it${reason}`)
  })
}

/** The former names of the moments, which say the present ones. */
const FORMER = {}
for (const [former, present] of [
  ['created', 'createdAt'],
  ['lastSeen', 'lastSeenAt'],
  ['expires', 'expiresAt']
] as const) {
  const get = () => need(false, `${former} of a listed session is ${present} now`)
  Object.defineProperty(FORMER, former, { get })
}

/** @throws SessionError `ERR_SESSION_OPTIONS` for a store that cannot say which sessions are whose */
export function checkIndex(store: Store | ExpressStore): void {
  need(
    'contract' in store && store.index && store.life && store.conditional !== false,
    'user needs a store with index and life that compares, as RedisStore and MemoryStore do'
  )
}

function checkedUser(user: string): string {
  need(typeof user === 'string' && user !== '', 'the user must be a string that is not empty')
  return checkUser(user, 'ERR_SESSION_OPTIONS')
}

interface Choice {
  readonly handle?: string
  readonly except?: { readonly handle: string; readonly since: number | undefined }
}

/** Nothing is ended because a value was missing: `{ except: undefined }` is a mistake, and not everything. */
async function choice(which: Which | undefined, of: string | AnySession): Promise<Choice> {
  if (which === undefined) return {}
  // Null is given by applications without types: it is refused below as an empty choice is.
  const given = typeof which === 'object' ? ((which as SessionChoice | null) ?? {}) : {}
  needKnown('destroy', given, ['handle', 'except', 'others'])
  const { handle, others, ...rest } = given as { handle?: unknown; except?: unknown; others?: unknown }
  const except = others === true && isSession(of) ? of : rest.except
  if (typeof handle === 'string' && except === undefined && others === undefined) return { handle }
  const isMeant = others === undefined || (others === true && rest.except === undefined)
  need(
    !Object.hasOwn(given, 'handle') || typeof handle === 'string',
    `handle must be a string, and it is ${handle === null ? 'null' : typeof handle}: nothing was ended`
  )
  need(
    isSession(except) && handle === undefined && isMeant,
    'destroy takes { handle: string } or { except: req.session }, or nothing for all sessions; and { others: true } after ' +
      'a session, destroy(req.session, { others: true })'
  )
  await except.load()
  const current = currentOf(except)
  const since = current?.known?.since ?? current?.move?.known.since
  return { except: { handle: except.handle, since } }
}

/** @throws SessionError of the read that failed (`whenUnreadable: 'anonymous'`): nobody knows whose session it is */
function currentOf(session: Session): RequestSession['current'] {
  const owner = session[OWNER]
  const current = owner instanceof RequestSession ? owner.current : undefined
  if (current?.unreadable) throw current.unreadable
  return current
}

/** Also one that is not loaded. */
function isSession(value: unknown): value is Session {
  return value instanceof Session
}
