import { Budget } from '../repository/budget'
import { idleLife } from '../session/lifetime'
import { restoreCookie, SessionCookie } from '../cookie/session-cookie'
import { need } from '../errors'
import { beganAt } from '../repository/handle'
import type { Settings } from '../options'
import { createRevision } from '../repository/record'
import { isGone, type Repository } from '../repository/repository'
import { Session } from '../session/session'
import { report } from '../session/session-slot'
import type { Snapshot } from '../repository/snapshot'
import type { IndexEntry, Store } from '../stores/store'
import type { CallbackStore } from '../repository/express-store'
import { checkUser } from '../session/user-of'

/** What `sessions.list` tells of a session. */
export interface SessionInfo<S extends Session = Session> {
  /** Its public name. */
  readonly handle: string
  /** When it began. */
  readonly created: Date
  /** When it was used last; in the last `idleTimeout` of its lifetime it may have been used later. */
  readonly lastSeen: Date
  /** When it ends unless it is used. */
  readonly expires: Date
  /** A copy of the application's own data. */
  readonly data: Partial<Omit<S, keyof Session>> & Record<string, unknown>
}

/** Which of a user's sessions `sessions.destroy` is to end: one, or all but one. */
export type SessionChoice = { readonly handle: string } | { readonly except: Session }

/** Does something with one session, and says whether it was still there. */
type Visit = (entry: IndexEntry, known: Snapshot, budget: Budget) => Promise<boolean>

/** Sessions that are worked on at once. */
const AT_ONCE = 8
/** How often the index is read while sessions come and go. */
const ROUNDS = 16
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
  async list(user: string): Promise<SessionInfo[]> {
    const { life } = this.#repository
    // By handle, as a session that is getting a new id is stored under both for a moment.
    const found = new Map<string, SessionInfo>()
    await this.#each('load', user, async ({ id }, known, budget) => {
      const left = await life!(id, budget)
      if (left !== null) found.set(known.handle, this.#infoOf(known, left))
      return left !== null
    })
    const living = [...found.values()].filter(({ expires }) => expires.getTime() > Date.now())
    // The time comes first in a handle.
    return living.sort((one, other) => (one.handle < other.handle ? 1 : -1))
  }

  /** See `Sessions.destroy`. */
  async destroy(user: string, which?: SessionChoice): Promise<number> {
    const { users } = this.#repository
    const isMeant = await choice(which)
    const ended = new Set<string>()
    await this.#each('commit', user, async (entry, known, budget) => {
      if (!isMeant(known.handle)) return true
      if (!(await this.#end(user, entry.id, known, budget))) return false
      ended.add(known.handle)
      await users!.remove(user, entry)
      return true
    })
    return ended.size
  }

  get #repository(): Repository {
    const { only, settings } = this
    need(settings.user, 'user must be given to session(), a function that says whose a session is')
    need(only, 'store: req => Store leaves open whose sessions are meant: make a session() for each store')
    return only
  }

  /** Ends a session, unless it is gone or somebody else's by now. What a request of it writes later is refused. */
  async #end(user: string, id: string, known: Snapshot, budget: Budget): Promise<boolean> {
    const repository = this.#repository
    const rev = createRevision()
    let latest: Snapshot | undefined = known
    try {
      while (latest.user === user) {
        latest = await repository.retire(id, latest, rev, budget)
        if (latest) continue
        await repository.destroy(id, budget)
        return true
      }
    } catch (error) {
      if (!isGone(error)) throw error
    }
    return false
  }

  /**
   * Visits each session of the user's. One that is not there may be getting another id, which is noted and stored before
   * the old one ends, so it is looked for again until nothing new is noted (docs/decisions/0013-a-users-sessions.md).
   */
  async #each(operation: 'load' | 'commit', user: string, visit: Visit): Promise<void> {
    const { users } = this.#repository
    need(typeof user === 'string' && user !== '', 'the user must be a string that is not empty')
    checkUser(user, 'ERR_SESSION_OPTIONS')
    const noted = new Set<string>()
    const failures: unknown[] = []
    const look = async (entry: IndexEntry): Promise<boolean> => {
      const budget = new Budget(this.settings.timeout)
      try {
        const known = await users!.find(user, entry, budget)
        return known !== null && (await visit(entry, known, budget))
      } catch (error) {
        failures.push(error)
        return true
      }
    }
    try {
      let missing: IndexEntry[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const fresh = (await users!.list(user)).filter(({ id }) => !noted.has(id))
        if (round > 0 && fresh.length === 0) break
        for (const { id } of fresh) noted.add(id)
        const first = await without([...missing, ...fresh], look)
        if (first.length === 0) break
        missing = await without(
          first.filter((entry) => !users!.isSettled(entry)),
          look
        )
      }
      if (failures.length > 0) throw failures[0]
    } catch (error) {
      report(operation, error)
      throw error
    }
  }

  #infoOf(known: Snapshot, left: number): SessionInfo {
    const { handle } = known
    const now = Date.now()
    const began = beganAt(handle)
    const life = idleLife(this.settings, restoreCookie(known.cookie, this.#cookie), this.#cookie)
    const used = Math.min(now, Math.max(began, now - (life - left)))
    const ends = Math.min(now + left, began + this.settings.lifetime, END_OF_TIME)
    return {
      handle,
      created: new Date(began),
      lastSeen: new Date(used),
      expires: new Date(ends),
      data: known.data()
    }
  }
}

/** @throws SessionError `ERR_SESSION_OPTIONS` for a store that cannot say which sessions are whose */
export function checkIndex(store: Store | CallbackStore): void {
  need(
    'contract' in store && store.index && store.life && store.conditional !== false,
    'user needs a store with index and life that compares, as RedisStore and MemoryStore do'
  )
}

/** Nothing is ended because a value was missing: `{ except: undefined }` is a mistake, and not everything. */
async function choice(which: SessionChoice | undefined): Promise<(handle: string) => boolean> {
  if (which === undefined) return () => true
  const { handle, except } = { ...which } as { handle?: unknown; except?: unknown }
  const isOne = typeof handle === 'string' && except === undefined
  const isRest = except instanceof Session && handle === undefined
  need(
    isOne || isRest,
    'destroy takes { handle: string } or { except: req.session }, or nothing for all sessions'
  )
  const name = isRest ? await handleOf(except) : handle
  return (other) => (other === name) === isOne
}

/** The handle of a session that may have to be loaded for it. */
async function handleOf(session: Session): Promise<string> {
  try {
    return session.handle
  } catch {
    return (await session.load()).handle
  }
}

/** Works on all, a few at a time, and answers with those for which that answered false. */
async function without<T>(all: readonly T[], work: (one: T) => Promise<boolean>): Promise<T[]> {
  const waiting = all.values()
  const left: T[] = []
  const worker = async () => {
    for (const one of waiting) if (!(await work(one))) left.push(one)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, all.length) }, worker))
  return left
}
