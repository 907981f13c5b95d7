/* oxlint-disable typescript/require-await -- the contract is asynchronous, memory is not */
import { wholeMilliseconds, type EndMark, type IndexEntry, type Noted, type SessionIndex } from '../store'

/** The cost of a user, of an id and of a mark, beside the characters of their names: maps within maps, measured. */
const USER = 160
const NOTING = 130
const MARK = 200
/** How long an id stays under which nothing was kept yet, in milliseconds. */
const AWAITED = 60_000

/** The part of a {@link MemoryStore} that its index needs. */
export interface Surroundings {
  /** The store's clock, in milliseconds. */
  now(): number
  /** Whether something is kept under an id. */
  isKept(id: string): boolean
  /** Called when the index has grown, because of `id`. */
  grown(id: string): void
}

/** Which ids of a {@link MemoryStore} are whose. A note goes when the text under its id ends. */
export class MemoryUsers implements SessionIndex {
  /** Bytes that all of it takes in memory, within a quarter. */
  bytes = 0
  /** When each id of a user was noted, in microseconds, never two at the same moment; noted longest ago first. */
  readonly #ids = new Map<string, Map<string, number>>()
  /** The users of each id: one, unless it went from one user to another. */
  readonly #users = new Map<string, readonly string[]>()
  /** Ids under which nothing was kept yet, and when they were noted last; longest ago first. */
  readonly #awaited = new Map<string, number>()
  readonly #marks = new Map<string, EndMark & { readonly until: number }>()
  readonly #store: Surroundings
  #latest = 0

  constructor(store: Surroundings) {
    this.#store = store
  }

  /** Whether anything is here that goes by itself. */
  get isPassing(): boolean {
    return this.#awaited.size + this.#marks.size > 0
  }

  async add(user: string, id: string): Promise<Noted> {
    this.forgetOverdue()
    let ids = this.#ids.get(user)
    if (!ids) {
      this.#ids.set(user, (ids = new Map<string, number>()))
      this.bytes += USER + 2 * user.length
    }
    if (!ids.delete(id)) {
      this.#users.set(id, [...(this.#users.get(id) ?? []), user])
      this.bytes += NOTING + id.length
    }
    const noted = this.#now()
    ids.set(id, noted)
    this.#awaited.delete(id)
    if (!this.#store.isKept(id)) this.#awaited.set(id, noted)
    this.#store.grown(id)
    const others = this.#entries(ids, 3).filter((entry) => entry.id !== id)
    return { noted, oldest: others.slice(0, 2) }
  }

  async list(user: string): Promise<readonly IndexEntry[]> {
    return this.#list(user)
  }

  async end(user: string, ttl: number, except?: number): Promise<readonly IndexEntry[]> {
    const until = this.#store.now() + wholeMilliseconds(ttl)
    this.#unmark(user)
    this.#marks.set(user, { at: this.#now(), except, until })
    this.bytes += MARK + 2 * user.length
    this.#store.grown('')
    return this.#list(user)
  }

  async ended(user: string): Promise<EndMark | null> {
    const mark = this.#marks.get(user)
    return mark && mark.until > this.#store.now() ? { at: mark.at, except: mark.except } : null
  }

  async renew(user: string, { id, noted }: IndexEntry): Promise<void> {
    const ids = this.#ids.get(user)
    if (ids?.get(id) !== noted) return
    ids.delete(id)
    ids.set(id, this.#now())
  }

  async remove(user: string, { id, noted }: { readonly id: string; readonly noted?: number }): Promise<void> {
    const now = this.#ids.get(user)?.get(id)
    if (now === undefined || now !== (noted ?? now)) return
    this.#remove(user, id)
    if (!this.#users.has(id)) this.#awaited.delete(id)
  }

  /** A text is kept under the id now. */
  arrived(id: string): void {
    this.#awaited.delete(id)
  }

  /** The text under the id has ended. */
  forget(id: string): void {
    this.#awaited.delete(id)
    for (const user of this.#users.get(id) ?? []) this.#remove(user, id)
  }

  /** Forgets the id that is awaited for longest, other than `id`. Answers whether there was one. */
  forgetAwaited(id: string): boolean {
    for (const one of this.#awaited.keys()) {
      if (one === id) continue
      this.forget(one)
      return true
    }
    return false
  }

  /**
   * Forgets the oldest mark that no login needs: each is noted before it is stored, so that without a note none is on its
   * way. Answers whether there was one.
   */
  forgetMark(): boolean {
    let looks = 100
    for (const user of this.#marks.keys()) {
      if (looks-- === 0) break
      if (this.#ids.has(user)) continue
      this.#unmark(user)
      return true
    }
    return false
  }

  /** Forgets a few of those whose time is over. Answers whether there may be more. */
  forgetOverdue(): boolean {
    const now = this.#store.now()
    let left = 200
    for (const [id, since] of this.#awaited) {
      if (now - since / 1000 < AWAITED) break
      if (left-- === 0) return true
      this.forget(id)
    }
    for (const [user, { until }] of this.#marks) {
      if (until > now) break
      if (left-- === 0) return true
      this.#unmark(user)
    }
    return false
  }

  clear(): void {
    for (const part of [this.#ids, this.#users, this.#awaited, this.#marks]) part.clear()
    this.bytes = 0
  }

  #unmark(user: string): void {
    if (this.#marks.delete(user)) this.bytes -= MARK + 2 * user.length
  }

  #remove(user: string, id: string): void {
    const ids = this.#ids.get(user)!
    ids.delete(id)
    this.bytes -= NOTING + id.length
    const others = this.#users.get(id)!.filter((one) => one !== user)
    if (others.length > 0) this.#users.set(id, others)
    else this.#users.delete(id)
    if (ids.size > 0) return
    this.#ids.delete(user)
    this.bytes -= USER + 2 * user.length
  }

  #list(user: string): IndexEntry[] {
    return this.#entries(this.#ids.get(user) ?? new Map<string, number>())
  }

  #entries(ids: ReadonlyMap<string, number>, most = ids.size): IndexEntry[] {
    const now = this.#store.now()
    const entries: IndexEntry[] = []
    for (const [id, noted] of ids) {
      if (entries.length === most) break
      entries.push({ id, noted, age: Math.max(0, now - noted / 1000) })
    }
    return entries
  }

  #now(): number {
    return (this.#latest = Math.max(this.#latest + 1, Math.floor(this.#store.now() * 1000)))
  }
}
