/* eslint-disable @typescript-eslint/require-await -- the contract is asynchronous, memory is not */
import type { IndexEntry, SessionIndex } from '../store'

/** What a user and what each of its ids cost beside the characters of their names: maps within maps, measured. */
const USER = 160
const NOTING = 130
/** How long an id stays under which nothing was kept yet, in milliseconds. */
const PATIENCE = 3_600_000

/** Which ids of a {@link MemoryStore} are whose. What is noted of an id goes when what was kept under it ends. */
export class MemoryUsers implements SessionIndex {
  /** When each id of a user was noted, in microseconds, never two at the same moment; noted longest ago first. */
  readonly #ids = new Map<string, Map<string, number>>()
  /** The users of each id: one, but where it went from one user to another. */
  readonly #users = new Map<string, readonly string[]>()
  /** Ids under which nothing was kept yet, and when they were noted first. */
  readonly #awaited = new Map<string, number>()
  #bytes = 0
  #latest = 0

  /** @param isKept - whether something is kept under an id */
  constructor(private readonly isKept: (id: string) => boolean) {}

  /** Bytes that all of it takes in memory, within a quarter. */
  get bytes(): number {
    return this.#bytes
  }

  async add(user: string, id: string): Promise<readonly IndexEntry[]> {
    this.#forgetOverdue()
    const isKept = this.isKept(id)
    let ids = this.#ids.get(user)
    if (!ids) {
      this.#ids.set(user, (ids = new Map<string, number>()))
      this.#bytes += USER + 2 * user.length
    }
    if (!ids.delete(id)) {
      this.#users.set(id, [...(this.#users.get(id) ?? []), user])
      this.#bytes += NOTING + id.length
    }
    ids.set(id, this.#now())
    if (!isKept) this.#awaited.set(id, this.#latest)
    return this.#entries(ids, 3)
      .filter((entry) => entry.id !== id)
      .slice(0, 2)
  }

  async list(user: string): Promise<readonly IndexEntry[]> {
    return this.#entries(this.#ids.get(user) ?? new Map<string, number>())
  }

  async renew(user: string, { id, noted }: IndexEntry): Promise<void> {
    const ids = this.#ids.get(user)
    if (ids?.get(id) !== noted) return
    ids.delete(id)
    ids.set(id, this.#now())
  }

  async remove(user: string, { id, noted }: IndexEntry): Promise<void> {
    if (this.#ids.get(user)?.get(id) === noted) this.#remove(user, id)
  }

  /** Something is kept under the id now. */
  arrived(id: string): void {
    this.#awaited.delete(id)
  }

  /** What was kept under the id has ended. */
  forget(id: string): void {
    this.#awaited.delete(id)
    for (const user of this.#users.get(id) ?? []) this.#remove(user, id)
  }

  clear(): void {
    for (const part of [this.#ids, this.#users, this.#awaited]) part.clear()
    this.#bytes = 0
  }

  #remove(user: string, id: string): void {
    const ids = this.#ids.get(user)!
    ids.delete(id)
    this.#bytes -= NOTING + id.length
    const others = this.#users.get(id)!.filter((one) => one !== user)
    if (others.length > 0) this.#users.set(id, others)
    else this.#users.delete(id)
    if (ids.size > 0) return
    this.#ids.delete(user)
    this.#bytes -= USER + 2 * user.length
  }

  #forgetOverdue(): void {
    for (const [id, since] of this.#awaited) {
      if (performance.now() * 1000 - since < PATIENCE * 1000) return
      this.forget(id)
    }
  }

  #entries(ids: ReadonlyMap<string, number>, most = ids.size): IndexEntry[] {
    const now = performance.now()
    const entries: IndexEntry[] = []
    for (const [id, noted] of ids) {
      if (entries.length === most) break
      entries.push({ id, noted, age: Math.max(0, now - noted / 1000) })
    }
    return entries
  }

  #now(): number {
    return (this.#latest = Math.max(this.#latest + 1, Math.floor(performance.now() * 1000)))
  }
}
