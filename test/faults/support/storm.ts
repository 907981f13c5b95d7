import { runFor } from './lag'
import type { Outcome, Witness } from './witness'

/** Logouts at the same time. */
const LANES = 8

/** Visitors who write as fast as they are answered. */
export class Storm {
  readonly outcomes: Outcome[] = []
  readonly #began = performance.now()
  readonly #running: Promise<void>[]
  #ended = false

  /** It begins at once. */
  constructor(private readonly visitors: readonly Witness[]) {
    this.#running = visitors.map((visitor) => this.#write(visitor))
  }

  get acknowledged(): number {
    return this.visitors.reduce((sum, visitor) => sum + visitor.acknowledged.size, 0)
  }

  get perSecond(): number {
    return this.acknowledged / ((performance.now() - this.#began) / 1000)
  }

  async acknowledges(writes: number): Promise<void> {
    while (this.acknowledged < writes) await runFor(5)
  }

  async end(): Promise<void> {
    this.#ended = true
    await Promise.all(this.#running)
  }

  async #write(visitor: Witness): Promise<void> {
    while (!this.#ended) {
      const outcome = await visitor.use('save')
      this.outcomes.push(outcome)
      // Somebody who gets a 503 does not come back at once.
      if (outcome.status !== 200) await runFor(50)
    }
  }
}

/** Visitors who log out, a few at a time, as fast as they are answered. */
export class Leaving {
  /** Ids of sessions whose logout was answered with 200. */
  readonly acknowledged: string[] = []
  readonly #running: Promise<void>[]
  #answered = 0

  constructor(visitors: readonly Witness[]) {
    const waiting = [...visitors]
    this.#running = Array.from({ length: LANES }, () => this.#leave(waiting))
  }

  /** Waits until so many have been answered, in whatever way. */
  async answers(logouts: number): Promise<void> {
    while (this.#answered < logouts) await runFor(1)
  }

  async end(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #leave(waiting: Witness[]): Promise<void> {
    for (let visitor = waiting.pop(); visitor; visitor = waiting.pop()) {
      const { id } = visitor
      if ((await visitor.ask('/logout')).status === 200) this.acknowledged.push(id)
      this.#answered++
    }
  }
}
