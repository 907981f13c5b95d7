import { asError, isTimeout, SessionError } from '../errors'
import { warnInDevelopment } from '../events'

/** A promise that knows whether its outcome is observed. */
class Watched<T> extends Promise<T> {
  static override get [Symbol.species]() {
    return Promise
  }

  #isWatched = false

  get watched(): boolean {
    return this.#isWatched
  }

  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    this.#isWatched = true
    return super.then(onFulfilled, onRejected)
  }
}

/**
 * The same outcome. If it is a failure for which nobody waits, it does not end the process.
 *
 * @param unheard - gets that failure
 */
export function tolerate<T>(outcome: Promise<T>, unheard: (error: unknown) => void): Promise<T> {
  const promise = new Watched<T>((resolve, rejected) => {
    outcome.then(resolve, (error: unknown) => {
      setImmediate(() => promise.watched || unheard(error))
      rejected(asError(error))
    })
  })
  quiet(promise)
  return promise
}

/**
 * Calls back with the outcome, on a tick of its own, so that what the callback throws is not caught here. A callback that
 * takes no parameter cannot hear of a failure, so nobody has heard of that one: `destroy(() => res.redirect('/'))`.
 *
 * @param results - what the callback gets of a success, after its first argument
 */
export function callBack<T>(
  outcome: Promise<T>,
  callback: (...args: never[]) => unknown,
  results: (value: T) => readonly unknown[]
): void {
  const run = callback as (...args: unknown[]) => unknown
  const answered = (value: unknown) => process.nextTick(run, ...results(value as T))
  const refused = (error: unknown) => process.nextTick(run, error)
  if (callback.length === 0) void Promise.prototype.then.call(outcome, answered, refused)
  else void outcome.then(answered, refused)
}

/** Without counting as its observer. */
function quiet(promise: Promise<unknown>): void {
  void Promise.prototype.then.call(promise, undefined, () => undefined)
}

/** A call that failed. */
export interface Failure<Call extends string = string> {
  readonly call: Call
  readonly error: unknown
  /** Whether the caller was there to hear of it. */
  readonly watched: () => boolean
}

/** The number of failures that are kept: a session without a request may fail for days. One is enough to fail a response. */
const MOST = 100

/**
 * Runs what handlers ask of a session one after the other, awaited or not, and remembers failures that nobody may have
 * heard of: a response must not look as if all were well. A promise that nobody watches does not end the process.
 */
export class CallQueue<Call extends string> {
  #running = 0
  #tail: Promise<unknown> | undefined
  #tickets = 0
  /** A deadline that has passed: the calls that were waiting then would each wait for another one. */
  #expired: { readonly error: unknown; readonly last: number } | undefined
  #failures: readonly Failure<Call>[] = []

  /** @param failed - called with each failure, whether its caller hears of it or not */
  constructor(private readonly failed?: (error: unknown) => void) {}

  /** Whether nothing is running. */
  get idle(): boolean {
    return this.#running === 0
  }

  /** The first failure that nobody heard of. */
  get unheard(): Failure<Call> | undefined {
    return this.#failures.find(({ watched }) => !watched())
  }

  /**
   * Runs `operation` after those before it, whatever became of them. If a call before it runs out of time while this one
   * waits, this one fails with the same error.
   *
   * @param now - starts at once if nothing is running
   * @param patience - waited for first: if it rejects, the call fails at once, and those behind it wait on
   */
  run<T>(call: Call, operation: () => Promise<T>, now = false, patience?: Promise<void>): Promise<T> {
    const ticket = ++this.#tickets
    const start = () => (ticket <= (this.#expired?.last ?? 0) ? reject(this.#expired!.error) : operation())
    const turn = this.#tail ?? Promise.resolve()
    const isPatient = patience === undefined
    const outcome =
      now && this.#running === 0
        ? attempt(start)
        : isPatient
          ? turn.then(start)
          : patience.then(() => turn).then(start)
    this.#running++
    const ended = () => {
      this.#running--
    }
    const noted = outcome.then(ended, (error: unknown) => {
      if (isTimeout(error) && isPatient) this.#expired = { error, last: this.#tickets }
      ended()
    })
    this.#tail = isPatient ? noted : turn.then(() => noted)
    return this.#watch(call, outcome)
  }

  /** Lets the calls to come wait for `busy`, whose failure is handled elsewhere. */
  occupy(busy: Promise<unknown>): void {
    this.#running++
    const ended = () => {
      this.#running--
    }
    this.#tail = busy.then(ended, ended)
  }

  /** A call that fails before anything ran. It counts at once: the response may end in the same turn. */
  refuse(call: Call, error: unknown): Promise<never> {
    const reason = asError(error)
    const promise = new Watched<never>((_, rejected) => rejected(reason))
    this.#fail(call, reason, promise)
    return promise
  }

  /** Waits for all calls so far, and answers with a failure that came meanwhile. */
  async settled(): Promise<Failure<Call> | undefined> {
    const before = this.#failures
    await this.#tail
    return this.#failures.find((failure) => !before.includes(failure))
  }

  /** Forgets the failures that do not count any more. */
  forgive(isForgiven: (failure: Failure<Call>) => boolean): void {
    if (this.#failures.length > 0) this.#failures = this.#failures.filter((failure) => !isForgiven(failure))
  }

  /** Where no response can fail any more, so that nobody else would say it. */
  warnOfUnheard(): void {
    const { unheard } = this
    if (!unheard) return
    const reason = unheard.error instanceof Error ? unheard.error.message : String(unheard.error)
    warnInDevelopment(
      'HOLDFAST_LOST',
      `${unheard.call}() of a session whose response has begun, or that has none, failed, and nobody waits for it: ${reason}`
    )
  }

  #watch<T>(call: Call, outcome: Promise<T>): Promise<T> {
    const promise = new Watched<T>((resolve, rejected) => {
      const refused = (reason: unknown) => {
        const error = asError(reason)
        this.#fail(call, error, promise)
        rejected(error)
      }
      outcome.then((value) => {
        const stray = strayOf(call, promise)
        if (stray === undefined) resolve(value)
        else refused(new SessionError('ERR_SESSION_DATA', stray))
      }, refused)
    })
    return promise
  }

  #fail(call: Call, error: unknown, promise: Watched<unknown>): void {
    this.failed?.(error)
    const unheard = this.#failures.filter(({ watched }) => !watched())
    this.#failures = [...unheard, { call, error, watched: () => promise.watched }].slice(-MOST)
    quiet(promise)
  }
}

function attempt<T>(start: () => Promise<T>): Promise<T> {
  try {
    return start()
  } catch (error) {
    return reject(error)
  }
}

/**
 * The message of a forgotten `await`, as in `const s = req.session.regenerate(); s.user = 'ann'`. Undefined if the promise has
 * no keys but those that instrumentations add, with an underscore in front.
 */
function strayOf(call: string, promise: Promise<unknown>): string | undefined {
  const key = Object.keys(promise).find((name) => !name.startsWith('_'))
  if (key === undefined) return undefined
  return `${key} was set on the promise that ${call}() returned, and nothing stores it: await the call, and write to req.session`
}

/** For a call that does not change the session, and does not fail the response. */
export function warnOfStray(call: string, promise: Promise<unknown>): void {
  const stray = strayOf(call, promise)
  if (stray !== undefined) warnInDevelopment('HOLDFAST_LOST', stray)
}

function reject(error: unknown): Promise<never> {
  return Promise.reject(error)
}
