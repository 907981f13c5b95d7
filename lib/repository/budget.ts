import { setTimeout as delay } from 'node:timers/promises'
import { SessionError } from '../errors'

/** Who is told whether the store answers. */
export interface Witness {
  /** An answer came, be it an error, or too late. */
  answered(): void
  /** The budget was used up by waiting for the answer. */
  timedOut(): void
}

/**
 * The time that one load or one commit may spend on its store, retries and merges included. Only waiting for
 * the store counts: a slow function given to `update` does not use it up.
 */
export class Budget {
  #left: number

  /** @param timeout - milliseconds */
  constructor(readonly timeout: number) {
    this.#left = timeout
  }

  /**
   * Asks the store, and stops waiting when the budget is used up. What the store answers after that is ignored.
   *
   * @throws SessionError `ERR_SESSION_TIMEOUT`, or `ERR_SESSION_STORE` with the store's error as its cause
   */
  run<T>(ask: () => Promise<T>, witness?: Witness): Promise<T> {
    if (this.#left <= 0) return Promise.reject(this.#timedOut())
    const start = performance.now()
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#left = 0
        witness?.timedOut()
        reject(this.#timedOut())
      }, this.#left)
      const settled = () => {
        clearTimeout(timer)
        this.#left -= performance.now() - start
      }
      let answer: Promise<T>
      try {
        // A store may answer at once, whatever its types say.
        answer = Promise.resolve(ask())
      } catch (error) {
        settled()
        reject(storeFailed(error))
        return
      }
      answer.then(
        (value) => {
          settled()
          witness?.answered()
          resolve(value)
        },
        (error: unknown) => {
          settled()
          witness?.answered()
          reject(storeFailed(error))
        }
      )
    })
  }

  /** Waits, at the expense of the budget. */
  pause(ms: number): Promise<void> {
    return this.run(() => delay(ms))
  }

  #timedOut(): SessionError {
    return new SessionError(
      'ERR_SESSION_TIMEOUT',
      `the session store did not answer within ${this.timeout} ms; whether a write was applied is unknown`
    )
  }
}

function storeFailed(error: unknown): SessionError {
  if (error instanceof SessionError) return error
  return new SessionError(
    'ERR_SESSION_STORE',
    'the session store failed; its error is the cause, and whether a write was applied is unknown',
    { cause: error }
  )
}
