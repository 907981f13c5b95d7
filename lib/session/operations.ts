/** A promise that knows whether somebody is told of its outcome. */
class Watched<T> extends Promise<T> {
  static override get [Symbol.species]() {
    return Promise
  }

  watched = false

  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    this.watched = true
    return super.then(onFulfilled, onRejected)
  }
}

/** Tells of an operation that failed. `watched` answers whether its caller was there to hear of it. */
export type FailureListener = (error: unknown, watched: () => boolean) => void

/** Runs what handlers ask of a session one after the other, awaited or not. */
export class Operations {
  #running = 0
  #tail: Promise<unknown> = Promise.resolve()

  /** Whether nothing is running. */
  get idle(): boolean {
    return this.#running === 0
  }

  /** Resolves when all that was asked so far has ended. */
  async settled(): Promise<void> {
    await this.#tail
  }

  /**
   * Runs `operation` after those before it, whatever became of them. Its failure is told to `onFailure`, so a
   * promise that nobody watches does not end the process.
   */
  run<T>(operation: () => Promise<T>, onFailure: FailureListener): Promise<T> {
    this.#running++
    const outcome = this.#after(this.#tail, operation)
    this.#tail = outcome.catch(() => undefined)
    return watch(outcome, onFailure)
  }

  async #after<T>(before: Promise<unknown>, operation: () => Promise<T>): Promise<T> {
    try {
      await before
      return await operation()
    } finally {
      this.#running--
    }
  }
}

/** A failure before anything ran. */
export function refuse(error: unknown, onFailure: FailureListener): Promise<never> {
  return watch(Promise.reject(error), onFailure)
}

function watch<T>(outcome: Promise<T>, onFailure: FailureListener): Promise<T> {
  const promise = new Watched<T>((resolve, reject) => {
    outcome.then(resolve, (error: unknown) => {
      onFailure(error, () => promise.watched)
      reject(error)
    })
  })
  void Promise.prototype.then.call(promise, undefined, () => undefined)
  return promise
}
