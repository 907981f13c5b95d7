import { isDeepStrictEqual } from 'node:util'
import { asError } from '../errors'
import type { CallQueue } from './call-queue'

/**
 * A session whose commit at the end of the response failed: nothing of it is stored any more, whatever an error handler
 * asks for.
 */
export class FailedCommit {
  readonly error: unknown
  readonly #before: unknown
  #isAsked = false

  /** @param looks - shows the session as it is, to compare it */
  constructor(
    error: unknown,
    private readonly looks: () => unknown
  ) {
    this.error = asError(error)
    this.#before = looks()
  }

  /** A call of an error handler fails with the same error. */
  refuse<Call extends string>(queue: CallQueue<Call>, call: Call): Promise<never> {
    this.#isAsked = true
    return queue.refuse(call, this.error)
  }

  /**
   * The commit of the error handler's answer. An error page goes out; a success must not claim what nobody stores any more,
   * not even where a callback ignored its error.
   */
  commit({ statusCode = 200 }: { readonly statusCode?: number }): Promise<void> | undefined {
    if (statusCode >= 400) return undefined
    const isClaimed = this.#isAsked || !isDeepStrictEqual(this.looks(), this.#before)
    return isClaimed ? Promise.reject(this.error) : undefined
  }
}
