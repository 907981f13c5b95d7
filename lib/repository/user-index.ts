import type { IndexEntry, Noted } from '../stores/store'
import { Budget } from './budget'
import { nonsense, type GuardedStore } from './guarded-store'
import type { StoredSession } from './stored-session'

/** How long a note counts as one whose session is on its way, in milliseconds beside the time that a commit has. */
const ON_ITS_WAY = 60_000
/** How much longer a note lives than its session, in milliseconds: no session may be without its note. */
const OUTLIVES = 60_000
/** The longest that a note lives without being renewed, in milliseconds: 60 days. */
const LONGEST = 60 * 86_400_000
/** How long a mark counts, in milliseconds: longer than any commit that began before it can take. */
const MARK = 3_600_000

/** Which sessions may be whose, kept right by those who use it (docs/decisions/0013-a-users-sessions.md). */
export class UserIndex {
  readonly #ttl: number

  /**
   * @param read - what is stored under an id; if it is asked for by the user's name, it rejects for what it cannot read
   * @param lifetime - how long a session lives at most, in milliseconds
   * @param timeout - how long a commit may wait for the store, in milliseconds
   */
  constructor(
    private readonly store: GuardedStore,
    private readonly read: (id: string, budget: Budget, isAsked: boolean) => Promise<StoredSession | null>,
    private readonly lifetime: number,
    private readonly timeout: number
  ) {
    this.#ttl = Math.min(lifetime + OUTLIVES, LONGEST)
  }

  /**
   * Notes, before the session is stored, that `id` will be one of the user's. Looks after two others in passing.
   *
   * @returns the moment of the note, in microseconds by the store's clock
   */
  async add(user: string, id: string, budget: Budget): Promise<number> {
    const { noted, oldest } = await this.store.index(user, budget, async (index) => {
      const answer: Partial<Noted> | undefined = await index.add(user, id, this.#ttl)
      return Array.isArray(answer?.oldest) ? (answer as Noted) : nonsense('index.add')
    })
    for (const entry of oldest) this.#lookAfter(user, entry).catch(() => undefined)
    return noted
  }

  /** Whether all logins of the user that began at `since` or before have been ended. */
  async hasEnded(user: string, since: number, budget: Budget): Promise<boolean> {
    const mark = await this.store.index(user, budget, (index) => index.ended(user))
    return mark !== null && since <= mark.at && since !== mark.except
  }

  /** Marks all logins of the user as ended, but for one that began at `except`, and answers with the ids to end. */
  end(user: string, except?: number): Promise<readonly IndexEntry[]> {
    return this.store.index(user, new Budget(this.timeout), async (index) =>
      listed('index.end', await index.end(user, MARK, except))
    )
  }

  list(user: string): Promise<readonly IndexEntry[]> {
    return this.store.index(user, new Budget(this.timeout, 'load'), async (index) =>
      listed('index.list', await index.list(user))
    )
  }

  /** The session of an entry, if it is the user's; else null, and the entry goes if nothing is to come. */
  async find(user: string, entry: IndexEntry, budget: Budget): Promise<StoredSession | null> {
    const found = await this.#judge(user, entry, budget, true)
    return found === 'unclear' ? null : found
  }

  /** Takes out what has ended. An entry that stays because of a failure is found again. */
  remove(user: string, entry: { readonly id: string; readonly noted?: number }): void {
    const budget = new Budget(this.timeout)
    this.store.index(user, budget, (index) => index.remove(user, entry)).catch(() => undefined)
  }

  /** Keeps the note of a session that lives longer than notes do. */
  renewIfOld(user: string, id: string, since: number | undefined): void {
    if (this.lifetime <= LONGEST || since === undefined || Date.now() - since / 1000 < LONGEST / 2) return
    this.add(user, id, new Budget(this.timeout)).catch(() => undefined)
  }

  /** Whether the commit that noted it has come to its end: an id is noted before its session is stored. */
  #isSettled({ age }: IndexEntry): boolean {
    return age > ON_ITS_WAY + this.timeout
  }

  async #judge(user: string, entry: IndexEntry, budget: Budget, isAsked: boolean) {
    const known = await this.read(entry.id, budget, isAsked)
    if (known?.user === user) return known
    if (!this.#isSettled(entry)) return 'unclear'
    // A text that cannot be read, perhaps by a program with other options, may still be a living session.
    const isOver = known !== null || (await this.store.life(entry.id, budget)) === null
    if (!isOver) return 'unclear'
    this.remove(user, entry)
    return null
  }

  /** An entry that may live goes to the end, even if it cannot be read: it would be in the way of those behind it. */
  async #lookAfter(user: string, entry: IndexEntry): Promise<void> {
    if (!this.#isSettled(entry)) return
    const budget = new Budget(this.timeout)
    const found = await this.#judge(user, entry, budget, false)
    if (found) await this.store.index(user, budget, (index) => index.renew(user, entry))
  }
}

function listed(method: string, answer: unknown): readonly IndexEntry[] {
  return Array.isArray(answer) ? (answer as IndexEntry[]) : nonsense(method)
}
