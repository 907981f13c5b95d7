import { Budget } from './budget'
import type { GuardedStore } from './guarded-store'
import type { Snapshot } from './snapshot'
import type { IndexEntry } from '../stores/store'

/**
 * How long, beside the time that a commit has, an id that was noted counts as one whose session is on its way, in
 * milliseconds; and how much longer than the session itself what is noted of it lives.
 */
const GRACE = 60_000

/** Which sessions may be whose, kept right by those who use it (docs/decisions/0013-a-users-sessions.md). */
export class UserIndex {
  /**
   * @param read - what is stored under an id
   * @param lifetime - how long a session lives at most, in milliseconds
   * @param timeout - how long a commit may wait for the store, in milliseconds
   */
  constructor(
    private readonly store: GuardedStore,
    private readonly read: (id: string, budget: Budget) => Promise<Snapshot | null>,
    private readonly lifetime: number,
    private readonly timeout: number
  ) {}

  /** Notes, before the session is stored, that `id` will be one of the user's. Looks after two others in passing. */
  async add(user: string, id: string, budget: Budget): Promise<void> {
    const ttl = this.lifetime + GRACE
    const oldest = await this.store.index(user, budget, (index) => index.add(user, id, ttl))
    for (const entry of oldest) this.#lookAfter(user, entry).catch(() => undefined)
  }

  list(user: string): Promise<readonly IndexEntry[]> {
    return this.store.index(user, new Budget(this.timeout), (index) => index.list(user))
  }

  /** The session of an entry, where it is the user's; else null, and the entry goes where nothing is to come. */
  async find(user: string, entry: IndexEntry, budget: Budget): Promise<Snapshot | null> {
    const found = await this.#judge(user, entry, budget)
    return found === 'unclear' ? null : found
  }

  /** Takes out what has ended. What stays because of a failure is found again. */
  async remove(user: string, entry: IndexEntry): Promise<void> {
    const budget = new Budget(this.timeout)
    await this.store.index(user, budget, (index) => index.remove(user, entry)).catch(() => undefined)
  }

  /** Whether the commit that noted it has come to its end: an id is noted before its session is stored. */
  isSettled({ age }: IndexEntry): boolean {
    return age > GRACE + this.timeout
  }

  async #judge(user: string, entry: IndexEntry, budget: Budget): Promise<Snapshot | 'unclear' | null> {
    const known = await this.read(entry.id, budget)
    if (known?.user === user) return known
    if (!this.isSettled(entry)) return 'unclear'
    // What cannot be read, by a program with other options say, may be a living session all the same.
    const isOver = known !== null || (await this.store.life(entry.id, budget)) === null
    if (!isOver) return 'unclear'
    await this.remove(user, entry)
    return null
  }

  /** What may live goes to the end, also where it cannot be read: it would be in the way of those behind it. */
  async #lookAfter(user: string, entry: IndexEntry): Promise<void> {
    if (!this.isSettled(entry)) return
    const budget = new Budget(this.timeout)
    const found = await this.#judge(user, entry, budget)
    if (found) await this.store.index(user, budget, (index) => index.renew(user, entry))
  }
}
