/* oxlint-disable typescript/require-await -- the contract is asynchronous, memory is not */
import { clearTimeout, setTimeout } from 'node:timers'
import { need, needKnown, SessionError } from '../../errors'
import { MemoryTable, NONE, PROBATION, PROTECTED, type List } from './table'
import { MemoryUsers } from './memory-users'
import {
  NO_CALLBACK,
  wholeMilliseconds,
  type DestroyResult,
  type Ended,
  type SessionIndex,
  type SetResult,
  type Store
} from '../store'

/** The cost of an entry beside the characters of its id and its text: string headers, entry, hash table. */
const OVERHEAD = 96
/** The share of the room that used sessions may fill, so that new ones live long enough to be used. */
const PROTECTED_SHARE = 0.8
/** How long one slice of a sweep may take, and the pause after it if the sweep is not through, in ms. */
const SLICE = 2
const BREATH = 20
/** The pause between two sweeps, in milliseconds. */
const PAUSE = 1000

let warned = false

/** Options of memorystore. */
const ELSEWHERE = {
  max: 'it is maxBytes, the most memory that all sessions may take',
  ttl: 'it is idleTimeout of session(), in milliseconds',
  checkPeriod: 'leave it out, expired sessions are removed by themselves'
}

/** Options of {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /**
   * The most memory that sessions may take, in bytes. Each session counts as one byte per character of its id and
   * text (two if the text has any character above U+00FF, as V8 keeps it), plus 96 bytes. The heap grows by the same
   * amount, to within a tenth. Default 256 MiB.
   */
  maxBytes?: number | undefined

  /**
   * The clock that measures how long sessions live, in milliseconds. Default: the monotonic clock, so a change of the
   * system clock neither ends a session nor prolongs it. Tests that fake only `Date` pass `() => Date.now()`.
   */
  now?: (() => number) | undefined
}

/**
 * Keeps sessions in the memory of this process; the default store. They are gone when the process ends, and no other
 * process sees them. With `NODE_ENV=production`, it warns once (`HOLDFAST_MEMORY_STORE`).
 *
 * Texts are kept in pages of arrays, found through a hash table that grows without a pause. Each text is in one of
 * two lists: sessions that a later visit used again (`get` with a ttl), and all others. When memory runs out, the
 * store first drops its notes of logins that have not finished, then sessions that were never used again, longest
 * unused first, then the rest: a flood of new sessions does not log users out. Expired sessions are removed within
 * seconds. `store.size` and `store.bytes` give the totals, `[...store.entries()]` lists the sessions.
 */
export class MemoryStore implements Store {
  readonly contract = 1
  readonly #maxBytes: number
  readonly #now: () => number
  readonly #users = new MemoryUsers({
    now: () => this.#now(),
    isKept: (id) => this.#find(id) !== NONE,
    grown: (id) => this.#grown(id)
  })
  readonly #watching = new Set<(ended: Ended) => void>()
  #table = new MemoryTable()
  #bytes = 0
  #protectedBytes = 0
  #timer: NodeJS.Timeout | undefined
  #nextPage = 0

  /** @throws SessionError `ERR_SESSION_OPTIONS` unless `maxBytes` is a positive number and `now` a function. */
  constructor(options: MemoryStoreOptions = {}) {
    needKnown('MemoryStore', options, ['maxBytes', 'now'], ELSEWHERE)
    const { maxBytes = 256 * 1024 * 1024, now = () => performance.now() } = options
    need(
      typeof maxBytes === 'number' && maxBytes > 0,
      'MemoryStore: maxBytes must be a number of bytes above 0'
    )
    need(
      typeof now === 'function' && Number.isFinite(now()),
      'MemoryStore: now must be a function that returns milliseconds, such as () => Date.now()'
    )
    this.#maxBytes = maxBytes
    this.#now = now
    warnInProduction()
  }

  /** The number of sessions kept, including expired ones that are not removed yet. */
  get size(): number {
    return this.#table.size
  }

  /** The bytes that count against `maxBytes`. */
  get bytes(): number {
    return this.#bytes + this.#users.bytes
  }

  get index(): SessionIndex {
    return this.#users
  }

  async get(id: string, ttl?: number): Promise<string | null> {
    const life = ttl === undefined ? undefined : wholeMilliseconds(ttl)
    const entry = this.#find(id)
    if (entry === NONE) return null
    const text = this.#table.text(entry)
    if (life !== undefined) {
      this.#table.replace(entry, text, this.#now() + life)
      this.#use(entry, PROTECTED)
    }
    return text
  }

  /** @throws SessionError `ERR_SESSION_DATA` if the text alone is larger than `maxBytes`. */
  async set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult> {
    const expires = this.#now() + wholeMilliseconds(ttl)
    const bytes = bytesOf(id, text)
    if (bytes > this.#maxBytes) {
      throw new SessionError(
        'ERR_SESSION_DATA',
        `A session of ${bytes} bytes does not fit into the MemoryStore, whose maxBytes is ${this.#maxBytes}`
      )
    }
    const entry = this.#find(id)
    const kept = entry === NONE ? null : this.#table.text(entry)
    if (kept === null ? expected !== null : expected === null || !kept.endsWith(expected)) {
      return { conflict: kept }
    }
    const more = kept === null ? bytes : bytes - bytesOf(id, kept)
    this.#makeRoom(more, id)
    this.#bytes += more
    if (kept === null) {
      this.#users.arrived(id)
      this.#table.add(id, text, expires, PROBATION)
    } else {
      this.#table.replace(entry, text, expires)
      const list = this.#table.list(entry)
      if (list === PROTECTED) this.#protectedBytes += more
      this.#use(entry, list)
    }
    if (!this.#timer) this.#sweepLater(PAUSE)
    return { id }
  }

  async touch(id: string, ttl: number): Promise<boolean> {
    const life = wholeMilliseconds(ttl)
    const entry = this.#find(id)
    if (entry === NONE) return false
    this.#table.replace(entry, this.#table.text(entry), this.#now() + life)
    return true
  }

  async destroy(id: string, expected?: string): Promise<DestroyResult> {
    need(typeof expected !== 'function', NO_CALLBACK)
    const entry = this.#find(id)
    if (entry === NONE) return false
    const kept = this.#table.text(entry)
    if (expected !== undefined && !kept.endsWith(expected)) return { conflict: kept }
    this.#end(entry)
    this.#tell({ id })
    return true
  }

  async notify(ended: Required<Ended>): Promise<void> {
    this.#tell(ended)
  }

  async life(id: string): Promise<number | null> {
    const entry = this.#find(id)
    return entry === NONE ? null : Math.max(0, this.#table.expires(entry) - this.#now())
  }

  watch(listener: (ended: Ended) => void): () => void {
    // A function of its own, so that one that is given twice is called twice.
    const own = (ended: Ended) => listener(ended)
    this.#watching.add(own)
    return () => void this.#watching.delete(own)
  }

  /** The ids and texts of all sessions. */
  *entries(): IterableIterator<[id: string, text: string]> {
    const now = this.#now()
    for (const entry of this.#table.entries()) {
      if (this.#table.expires(entry) > now) yield [this.#table.id(entry), this.#table.text(entry)]
    }
  }

  /** Drops every session and stops the timer. The store can still be used. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#empty()
    this.#users.clear()
  }

  /** The entry of what is kept under an id; what has expired goes at the sight of it. */
  #find(id: string): number {
    const entry = this.#table.find(id)
    if (entry === NONE || this.#table.expires(entry) > this.#now()) return entry
    this.#end(entry)
    return NONE
  }

  #size(entry: number): number {
    return bytesOf(this.#table.id(entry), this.#table.text(entry))
  }

  #remove(entry: number): void {
    const bytes = this.#size(entry)
    this.#bytes -= bytes
    if (this.#table.list(entry) === PROTECTED) this.#protectedBytes -= bytes
    this.#table.remove(entry)
  }

  /** Removes a session that has ended, and what is noted of it. */
  #end(entry: number): void {
    this.#users.forget(this.#table.id(entry))
    this.#remove(entry)
  }

  /** Makes an entry the newest of a list. Those that were used are among those that go last. */
  #use(entry: number, list: List): void {
    if (list !== this.#table.list(entry)) this.#protectedBytes += this.#size(entry)
    this.#table.move(entry, list)
    while (this.#protectedBytes > this.#maxBytes * PROTECTED_SHARE) {
      const oldest = this.#table.oldest(PROTECTED)
      this.#protectedBytes -= this.#size(oldest)
      this.#table.move(oldest, PROBATION)
    }
  }

  /** Makes room for so many bytes more because of `id`, which itself stays. */
  #makeRoom(bytes: number, id: string): void {
    while (this.#bytes + this.#users.bytes + bytes > this.#maxBytes) {
      if (this.#users.forgetAwaited(id) || this.#users.forgetMark()) continue
      const own = this.#table.find(id)
      const entry = this.#table.oldest(PROBATION, own) || this.#table.oldest(PROTECTED, own)
      if (entry === NONE) return
      const ended = { id: this.#table.id(entry) }
      this.#end(entry)
      this.#tell(ended)
    }
  }

  #grown(id: string): void {
    this.#makeRoom(0, id)
    this.#sweepLater(PAUSE)
  }

  #tell(ended: Ended): void {
    for (const listener of [...this.#watching]) listener(ended)
  }

  /** Gives back the memory that the table itself has taken. */
  #empty(): void {
    this.#table = new MemoryTable()
    this.#bytes = this.#protectedBytes = this.#nextPage = 0
  }

  /** The timer is Node's own: programs and their tests replace the global one by others that do less. */
  #sweepLater(pause: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#sweep()
    }, pause).unref()
  }

  #sweep(): void {
    const began = performance.now()
    while (this.#users.forgetOverdue()) {
      if (performance.now() - began > SLICE) return this.#sweepLater(BREATH)
    }
    const now = this.#now()
    while (this.#nextPage < this.#table.pages) {
      for (const entry of this.#table.expiredIn(this.#nextPage, now)) this.#end(entry)
      this.#nextPage++
      if (performance.now() - began > SLICE) return this.#sweepLater(BREATH)
    }
    this.#nextPage = 0
    if (this.#table.size === 0) this.#empty()
    if (this.#table.size > 0 || this.#users.isPassing) this.#sweepLater(PAUSE)
  }
}

function bytesOf(id: string, text: string): number {
  return OVERHEAD + id.length + (/[\u0100-\uffff]/.test(text) ? 2 : 1) * text.length
}

function warnInProduction(): void {
  if (warned || process.env.NODE_ENV !== 'production') return
  warned = true
  process.emitWarning(
    'MemoryStore forgets every session when the process ends, and serves one process only: use RedisStore',
    { code: 'HOLDFAST_MEMORY_STORE' }
  )
}
