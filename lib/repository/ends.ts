import { CLOSED } from './repository'

/** So many are remembered at most, which takes about 20 MB. */
const MOST = 100_000

/**
 * The sessions that this process has ended lately, in a store that keeps nothing under a closed id: where they moved to, as an
 * end of the old id has to find them, and that they are gone, as some stores write a session anew to renew its life.
 */
export class Ends {
  /** The oldest first. */
  readonly #all = new Map<string, { readonly to: string | undefined; readonly at: number }>()
  /** When all sessions were ended. */
  #everything = -Infinity

  /** @param to - the id that the session moved to */
  add(id: string, to = this.movedTo(id)): void {
    const now = performance.now()
    this.#all.delete(id)
    this.#all.set(id, { to, at: now })
    for (const [first, { at }] of this.#all) {
      if (this.#all.size <= MOST && now - at < CLOSED) break
      this.#all.delete(first)
    }
  }

  addAll(): void {
    this.#everything = performance.now()
  }

  /** Whether the session under `id` may have ended. */
  has(id: string): boolean {
    return this.#all.has(id) || performance.now() - this.#everything < CLOSED
  }

  /** The id that the session under `id` moved to; undefined if it did not, or too long ago. */
  movedTo(id: string): string | undefined {
    return this.#all.get(id)?.to
  }
}
