/* eslint-disable @typescript-eslint/require-await -- the contract is asynchronous, memory is not */
import { SessionError } from '../../errors'
import { NONE } from './id-index'
import { MemoryTable, PROBATION, PROTECTED } from './table'
import { MemoryUsers } from './memory-users'
import type { Ended, SessionIndex, SetResult, Store } from '../store'
import { wholeMilliseconds } from '../ttl'

/** What an entry costs beside the characters of its id and its text: string headers, entry, hash table. */
const OVERHEAD = 96
/** The share of the room that used sessions may fill, so that new ones live long enough to be used. */
const PROTECTED_SHARE = 0.8
/** How long one slice of a sweep may take, and the pause after it where the sweep is not through, in ms. */
const SLICE = 2
const BREATH = 20
/** The pause between two sweeps, in milliseconds. */
const PAUSE = 1000

let warned = false

/** Options of {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /**
   * The most memory that sessions may take, in bytes. Counted for each: one byte a character of id and text (two
   * for a text with any character above U+00FF, as V8 keeps it), and 96 for everything around them. That is within
   * a tenth of what the heap grows by. Default 256 MiB.
   */
  maxBytes?: number | undefined
}

/**
 * Keeps sessions in this process, which is the default. They are gone when it ends, and no other process sees them;
 * with `NODE_ENV=production` a warning (`HOLDFAST_MEMORY_STORE`) says so once.
 *
 * When it is full, sessions that were never used again after they were made go first, longest unused first, then
 * the others: a flood of new sessions does not log users out. Expired ones go by themselves within seconds.
 * Time is the monotonic clock's, so setting the system's clock neither ends a session nor prolongs it.
 */
export class MemoryStore implements Store {
  readonly contract = 1
  readonly #maxBytes: number
  readonly #users = new MemoryUsers((id) => this.#find(id) !== NONE)
  readonly #watching = new Set<(ended: Ended) => void>()
  #table = new MemoryTable()
  #bytes = 0
  #protectedBytes = 0
  #timer: NodeJS.Timeout | undefined
  #nextPage = 0

  /** @throws SessionError `ERR_SESSION_OPTIONS` where `maxBytes` is not a positive number. */
  constructor({ maxBytes = 256 * 1024 * 1024 }: MemoryStoreOptions = {}) {
    if (typeof maxBytes !== 'number' || !(maxBytes > 0)) {
      throw new SessionError('ERR_SESSION_OPTIONS', 'MemoryStore: maxBytes must be a number of bytes above 0')
    }
    this.#maxBytes = maxBytes
    warnInProduction()
  }

  /** Sessions kept, expired ones that are not swept yet included. */
  get size(): number {
    return this.#table.size
  }

  /** Bytes counted against `maxBytes`. */
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
    if (life !== undefined) this.#table.setExpires(entry, performance.now() + life)
    this.#protect(entry)
    return this.#table.text(entry)
  }

  /** @throws SessionError `ERR_SESSION_DATA` where the text alone is larger than `maxBytes`. */
  async set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult> {
    const expires = performance.now() + wholeMilliseconds(ttl)
    const bytes = bytesOf(id, text)
    if (bytes > this.#maxBytes) {
      throw new SessionError(
        'ERR_SESSION_DATA',
        `A session of ${bytes} bytes does not fit into the MemoryStore, whose maxBytes is ${this.#maxBytes}`
      )
    }
    const entry = this.#find(id)
    const kept = entry === NONE ? null : this.#table.text(entry)
    if (kept !== expected) return { conflict: kept }

    if (entry !== NONE) this.#remove(entry)
    while (this.bytes + bytes > this.#maxBytes && this.#table.size > 0) this.#evict()
    const added = this.#table.add(id, text, expires, PROBATION)
    this.#bytes += bytes
    this.#users.arrived(id)
    if (entry !== NONE) this.#protect(added)
    this.#sweepLater(PAUSE)
    return { id }
  }

  async touch(id: string, ttl: number): Promise<boolean> {
    const life = wholeMilliseconds(ttl)
    const entry = this.#find(id)
    if (entry === NONE) return false
    this.#table.setExpires(entry, performance.now() + life)
    this.#protect(entry)
    return true
  }

  async destroy(id: string, successor?: string): Promise<boolean> {
    const entry = this.#find(id)
    if (entry === NONE) return false
    this.#end(entry)
    this.#tell(successor === undefined ? { id } : { id, successor })
    return true
  }

  async life(id: string): Promise<number | null> {
    const entry = this.#find(id)
    return entry === NONE ? null : Math.max(0, this.#table.expires(entry) - performance.now())
  }

  watch(listener: (ended: Ended) => void): () => void {
    // A function of its own: who watches twice is told twice.
    const told = (ended: Ended) => listener(ended)
    this.#watching.add(told)
    return () => void this.#watching.delete(told)
  }

  /** Ids and texts of all sessions. */
  *entries(): Generator<[id: string, text: string]> {
    const now = performance.now()
    for (const entry of this.#table.entries()) {
      if (this.#table.expires(entry) > now) yield [this.#table.id(entry), this.#table.text(entry)]
    }
  }

  /** Drops every session, and the timer with them. The store can still be used. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#empty()
    this.#users.clear()
  }

  /** The entry of what is kept under an id; what has expired goes at the sight of it. */
  #find(id: string): number {
    const entry = this.#table.find(id)
    if (entry === NONE || this.#table.expires(entry) > performance.now()) return entry
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

  /** Notes a use: the session now is among those that go last. */
  #protect(entry: number): void {
    if (this.#table.list(entry) === PROBATION) this.#protectedBytes += this.#size(entry)
    this.#table.move(entry, PROTECTED)
    while (this.#protectedBytes > this.#maxBytes * PROTECTED_SHARE) {
      const oldest = this.#table.oldest(PROTECTED)
      this.#protectedBytes -= this.#size(oldest)
      this.#table.move(oldest, PROBATION)
    }
  }

  #evict(): void {
    const entry = this.#table.oldest(PROBATION) || this.#table.oldest(PROTECTED)
    const id = this.#table.id(entry)
    this.#end(entry)
    this.#tell({ id })
  }

  #tell(ended: Ended): void {
    for (const listener of [...this.#watching]) listener(ended)
  }

  /** Gives back the memory that the table itself has taken. */
  #empty(): void {
    this.#table = new MemoryTable()
    this.#bytes = this.#protectedBytes = this.#nextPage = 0
  }

  #sweepLater(pause: number): void {
    if (this.#table.size === 0) return this.#empty()
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#sweep()
    }, pause).unref()
  }

  #sweep(): void {
    const now = performance.now()
    while (this.#nextPage < this.#table.pages) {
      for (const entry of this.#table.expiredIn(this.#nextPage, now)) this.#end(entry)
      this.#nextPage++
      if (performance.now() - now > SLICE) return this.#sweepLater(BREATH)
    }
    this.#nextPage = 0
    this.#sweepLater(PAUSE)
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
