import { IdIndex, NONE } from './id-index'
import { PAGE, PagedNumbers, pageOf, placeOf } from './pages'

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
  readonly #index = new IdIndex((entry) => this.id(entry))
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
    const entry = this.#number()
    if (this.#pages.length === pageOf(entry)) this.#pages.push(new Page())
    const page = this.#page(entry)
    page.ids[placeOf(entry)] = id
    page.texts[placeOf(entry)] = text
    page.expires[placeOf(entry)] = expires
    this.#append(entry, list)
    this.#index.add(entry)
    this.#size++
    return entry
  }

  remove(entry: number): void {
    this.#index.remove(entry)
    this.#join(this.#before.get(entry), this.#after.get(entry))
    const page = this.#page(entry)
    page.ids[placeOf(entry)] = undefined
    page.texts[placeOf(entry)] = undefined
    page.expires[placeOf(entry)] = Infinity
    this.#after.set(entry, this.#free)
    this.#free = entry
    this.#size--
  }

  id(entry: number): string {
    return this.#page(entry).ids[placeOf(entry)]!
  }

  text(entry: number): string {
    return this.#page(entry).texts[placeOf(entry)]!
  }

  expires(entry: number): number {
    return this.#page(entry).expires[placeOf(entry)]!
  }

  setExpires(entry: number, expires: number): void {
    this.#page(entry).expires[placeOf(entry)] = expires
  }

  list(entry: number): List {
    return this.#page(entry).lists[placeOf(entry)] as List
  }

  /** Makes an entry the newest of a list. */
  move(entry: number, list: List): void {
    this.#join(this.#before.get(entry), this.#after.get(entry))
    this.#append(entry, list)
  }

  /** The entry of a list that was not used for longest, or NONE. */
  oldest(list: List): number {
    const entry = this.#after.get(list)
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

  #page(entry: number): Page {
    return this.#pages[pageOf(entry)]!
  }

  #number(): number {
    if (this.#free === NONE) return this.#fresh++
    const entry = this.#free
    this.#free = this.#after.get(entry)
    return entry
  }

  #join(before: number, after: number): void {
    this.#after.set(before, after)
    this.#before.set(after, before)
  }

  #append(entry: number, list: List): void {
    this.#join(this.#before.get(list), entry)
    this.#join(entry, list)
    this.#page(entry).lists[placeOf(entry)] = list
  }
}
