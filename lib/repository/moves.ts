import { CLOSED } from './repository'

/** So many are remembered at most, which takes about 20 MB. */
const MOST = 100_000

/** Where sessions have moved to, in a store that keeps nothing under a closed id: an end of that id has to find them. */
export class Moves {
  /** The oldest first. */
  readonly #all = new Map<string, { readonly to: string; readonly at: number }>()

  add(id: string, to: string): void {
    const now = performance.now()
    this.#all.delete(id)
    this.#all.set(id, { to, at: now })
    for (const [first, { at }] of this.#all) {
      if (this.#all.size <= MOST && now - at < CLOSED) break
      this.#all.delete(first)
    }
  }

  /** The id that the session under `id` moved to; undefined if it did not, or too long ago. */
  from(id: string): string | undefined {
    return this.#all.get(id)?.to
  }
}
