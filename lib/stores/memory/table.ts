/** The result of a search that finds nothing; never the number of an entry. */
export const NONE = 0

/** Items in a page. Of the number of an item, the high bits are its page, and the rest is its place there. */
const PAGE = 1024
const BITS = 10
const REST = PAGE - 1

/** The two lists that every entry is in one of. Their numbers are the lists' heads, so no entry has them. */
export const PROBATION = 0
export const PROTECTED = 1
export type List = typeof PROBATION | typeof PROTECTED

class Page {
  readonly ids: (string | undefined)[] = Array.from({ length: PAGE })
  readonly texts: (string | undefined)[] = Array.from({ length: PAGE })
  readonly expires = new Float64Array(PAGE).fill(Infinity)
  readonly lists = new Uint8Array(PAGE)
}

/**
 * Texts by id, each in one of two lists in the order of use. It knows neither clock nor limit. An entry is a number;
 * what belongs to it lies in pages of arrays, at about 40 bytes an entry beside the two strings.
 */
export class MemoryTable {
  readonly #pages: Page[] = []
  readonly #index = new IdIndex((entry) => this.#pages[entry >>> BITS]!.ids[entry & REST]!)
  /** A list is a ring through its head: after the head comes the oldest entry, before it the newest. */
  readonly #before = new PagedNumbers()
  readonly #after = new PagedNumbers()
  #size = 0
  /** The first number that was never given. */
  #fresh = PROTECTED + 1
  /** The first of the numbers to be given again, which are linked by `#after`. */
  #free = NONE

  constructor() {
    for (const head of [PROBATION, PROTECTED]) this.#join(head, head)
  }

  get size(): number {
    return this.#size
  }

  /** How many pages there are, for {@link expiredIn}. */
  get pages(): number {
    return this.#pages.length
  }

  find(id: string): number {
    return this.#index.find(id)
  }

  /** Adds what is not there yet, as the newest of a list. */
  add(id: string, text: string, expires: number, list: List): number {
    const entry = this.#free === NONE ? this.#fresh++ : this.#free
    if (entry === this.#free) this.#free = this.#after.get(entry)
    if (this.#pages.length === entry >>> BITS) this.#pages.push(new Page())
    this.#pages[entry >>> BITS]!.ids[entry & REST] = id
    this.replace(entry, text, expires)
    this.#join(entry, entry)
    this.move(entry, list)
    this.#index.add(entry)
    this.#size++
    return entry
  }

  /** Gives an entry another text. It keeps its place in its list. */
  replace(entry: number, text: string, expires: number): void {
    const page = this.#pages[entry >>> BITS]!
    page.texts[entry & REST] = text
    page.expires[entry & REST] = expires
  }

  remove(entry: number): void {
    this.#index.remove(entry)
    this.#join(this.#before.get(entry), this.#after.get(entry))
    const page = this.#pages[entry >>> BITS]!
    page.ids[entry & REST] = undefined
    page.texts[entry & REST] = undefined
    page.expires[entry & REST] = Infinity
    this.#after.set(entry, this.#free)
    this.#free = entry
    this.#size--
  }

  id(entry: number): string {
    return this.#pages[entry >>> BITS]!.ids[entry & REST]!
  }

  text(entry: number): string {
    return this.#pages[entry >>> BITS]!.texts[entry & REST]!
  }

  expires(entry: number): number {
    return this.#pages[entry >>> BITS]!.expires[entry & REST]!
  }

  list(entry: number): List {
    return this.#pages[entry >>> BITS]!.lists[entry & REST] as List
  }

  /** Makes an entry the newest of a list. */
  move(entry: number, list: List): void {
    this.#join(this.#before.get(entry), this.#after.get(entry))
    this.#join(this.#before.get(list), entry)
    this.#join(entry, list)
    this.#pages[entry >>> BITS]!.lists[entry & REST] = list
  }

  /** The entry of a list that was not used for longest, but for one that stays; or NONE. */
  oldest(list: List, staying = NONE): number {
    const first = this.#after.get(list)
    const entry = first === staying && first !== list ? this.#after.get(first) : first
    return entry === list ? NONE : entry
  }

  /** The entries of a page whose time is over. */
  expiredIn(page: number, now: number): number[] {
    const found: number[] = []
    const { expires } = this.#pages[page]!
    for (let place = 0; place < PAGE; place++) {
      if (expires[place]! <= now) found.push(page * PAGE + place)
    }
    return found
  }

  /** Every entry, in no particular order. */
  *entries(): Generator<number> {
    for (const [number, page] of this.#pages.entries()) {
      for (let place = 0; place < PAGE; place++) {
        if (page.ids[place] !== undefined) yield number * PAGE + place
      }
    }
  }

  #join(before: number, after: number): void {
    this.#after.set(before, after)
    this.#before.set(after, before)
  }
}

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

  /** By FNV-1a, with its high bits mixed into the low ones that choose a bucket. */
  #bucketOf(id: string): number {
    let hashed = 0x811c9dc5
    for (let i = 0; i < id.length; i++) hashed = Math.imul(hashed ^ id.charCodeAt(i), 0x01000193)
    hashed = (hashed ^ (hashed >>> 15)) >>> 0
    const bucket = hashed & this.#mask
    return bucket < this.#split ? hashed & (this.#mask * 2 + 1) : bucket
  }

  #put(entry: number): void {
    const bucket = this.#bucketOf(this.#idOf(entry))
    this.#chain.set(entry, this.#buckets.get(bucket))
    this.#buckets.set(bucket, entry)
  }

  /** Adds a bucket: the entries that belong into it leave the next bucket to split. */
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

/** An array of numbers below 2^32, zero at first, that grows by a page at a time and so never copies itself. */
class PagedNumbers {
  readonly #pages: Uint32Array[] = []

  get(index: number): number {
    return this.#pages[index >>> BITS]?.[index & REST] ?? 0
  }

  set(index: number, value: number): void {
    const page = index >>> BITS
    while (this.#pages.length <= page) this.#pages.push(new Uint32Array(PAGE))
    this.#pages[page]![index & REST] = value
  }
}
