/** Items in a page. */
export const PAGE = 1024
const BITS = 10
const REST = PAGE - 1

/** The page that an item is in, and its place there. */
export const pageOf = (index: number): number => index >>> BITS
export const placeOf = (index: number): number => index & REST

/** An array of numbers below 2^32, zero at first, that grows by a page at a time and so never copies itself. */
export class PagedNumbers {
  readonly #pages: Uint32Array[] = []

  get(index: number): number {
    return this.#pages[pageOf(index)]?.[placeOf(index)] ?? 0
  }

  set(index: number, value: number): void {
    while (this.#pages.length <= pageOf(index)) this.#pages.push(new Uint32Array(PAGE))
    this.#pages[pageOf(index)]![placeOf(index)] = value
  }
}
