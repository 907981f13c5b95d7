import { isGone } from '../repository/repository'

/** What a handler asks of its session. */
export type Call = 'save' | 'update' | 'reload' | 'regenerate' | 'destroy' | 'touch' | 'assign'

interface Failure {
  readonly call: Call
  readonly error: unknown
  /** Whether its caller was there to hear of it. */
  readonly watched: () => boolean
}

/** What storing the session makes up for: all that these wanted is in what was stored. */
const MADE_GOOD: ReadonlySet<Call> = new Set(['save', 'touch'])

/** As many are kept: a session outside a request may fail for days. One is enough to fail a response. */
const MOST = 100

/** What failed in one request, and may have gone unheard: then a response must not look as if all were well. */
export class Failures {
  #list: readonly Failure[] = []

  add(failure: Failure): void {
    this.#list = [...this.#list.filter(({ watched }) => !watched()), failure].slice(-MOST)
  }

  /** What is here now; whatever is added later is not in it. */
  get all(): readonly Failure[] {
    return this.#list
  }

  get unheard(): Failure | undefined {
    return this.#list.find(({ watched }) => !watched())
  }

  /** The session as it is now was stored. A lost `update` or `destroy` is not in it, nor what a session had that is gone. */
  madeGood(): void {
    this.#list = this.#list.filter(({ call, error }) => !MADE_GOOD.has(call) || isGone(error))
  }

  clear(): void {
    this.#list = []
  }
}
