import { Operations } from '../session/operations'

type Kind = 'save' | 'reload' | 'destroy' | 'regenerate'

interface Failure {
  readonly kind: Kind
  readonly error: unknown
  readonly watched: () => boolean
}

/** What an application asks of its session, one after the other, and failures of which nobody may have been told. */
export class Tasks {
  readonly #operations = new Operations()
  #failures: readonly Failure[] = []

  get idle(): boolean {
    return this.#operations.idle
  }

  run(kind: Kind, task: () => Promise<void>): Promise<void> {
    const done = async () => {
      await task()
      // A save that succeeds makes up for one that failed before; nothing makes up for a session that was not ended.
      this.#failures = this.#failures.filter((failure) => failure.kind !== 'save' || kind !== 'save')
    }
    return this.#operations.run(done, (error, watched) => {
      this.#failures = [...this.#failures, { kind, error, watched }]
    })
  }

  /** Throws a failure that nobody was told of. */
  check(): void {
    const unheard = this.#failures.find(({ watched }) => !watched())
    if (unheard) throw unheard.error
  }

  /** Waits for all tasks. Rejects with what failed meanwhile: who ended the response before could not act on it. */
  async settled(): Promise<void> {
    const before = this.#failures
    await this.#operations.settled()
    const late = this.#failures.find((failure) => !before.includes(failure))
    if (late) throw late.error
  }
}
