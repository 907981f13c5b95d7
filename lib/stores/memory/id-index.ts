import { PagedNumbers } from './pages'

/** What a search answers where nothing is found; never the number of an entry. */
export const NONE = 0

/**
 * Finds the number of an entry by its id: a hash table that grows by one bucket with each entry (linear hashing,
 * W. Litwin, VLDB 1980). A `Map` of a million entries stops the process for a tenth of a second whenever it grows
 * or shrinks, and costs four times the memory. Ids are asked for by number, not kept a second time.
 */
export class IdIndex {
  readonly #idOf: (entry: number) => string
  readonly #buckets = new PagedNumbers()
  readonly #chain = new PagedNumbers()
  #size = 0
  /** Buckets when this round of growth began, less one; the first `#split` of them are already in two. */
  #mask = 1023
  #split = 0

  constructor(idOf: (entry: number) => string) {
    this.#idOf = idOf
  }

  find(id: string): number {
    let entry = this.#buckets.get(this.#bucketOf(id))
    while (entry !== NONE && this.#idOf(entry) !== id) entry = this.#chain.get(entry)
    return entry
  }

  /** Adds an entry whose id is not there yet. */
  add(entry: number): void {
    this.#put(entry)
    this.#size++
    if (this.#size > this.#mask + this.#split) this.#grow()
  }

  /** Takes out an entry that is there. */
  remove(entry: number): void {
    const bucket = this.#bucketOf(this.#idOf(entry))
    let before = NONE
    for (let at = this.#buckets.get(bucket); at !== entry; at = this.#chain.get(at)) before = at
    if (before === NONE) this.#buckets.set(bucket, this.#chain.get(entry))
    else this.#chain.set(before, this.#chain.get(entry))
    this.#size--
  }

  #bucketOf(id: string): number {
    const hashed = hash(id)
    const bucket = hashed & this.#mask
    return bucket < this.#split ? hashed & (this.#mask * 2 + 1) : bucket
  }

  #put(entry: number): void {
    const bucket = this.#bucketOf(this.#idOf(entry))
    this.#chain.set(entry, this.#buckets.get(bucket))
    this.#buckets.set(bucket, entry)
  }

  /** One bucket more: what belongs into it leaves the bucket whose turn it is. */
  #grow(): void {
    let entry = this.#buckets.get(this.#split)
    this.#buckets.set(this.#split, NONE)
    this.#split++
    while (entry !== NONE) {
      const next = this.#chain.get(entry)
      this.#put(entry)
      entry = next
    }
    if (this.#split > this.#mask) {
      this.#mask = this.#mask * 2 + 1
      this.#split = 0
    }
  }
}

/** FNV-1a, with its high bits mixed into the low ones that choose a bucket. */
function hash(id: string): number {
  let hashed = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hashed = Math.imul(hashed ^ id.charCodeAt(i), 0x01000193)
  return (hashed ^ (hashed >>> 15)) >>> 0
}
