import { setImmediate } from 'node:timers'
import { setTimeout as delay } from 'node:timers/promises'
import { SessionError } from '../errors'

/** How late a timer has to be, in milliseconds, to show that this process stood still. */
const LATE = 20

/** How far a timer looks ahead at most, in milliseconds: a shorter stall is taken for waiting. */
const TICK = 100

/** How long a timer may be overdue, in milliseconds, before it counts as lost. */
const LOST = 10_000

/** How often others may come first before a commit can be given up for it. */
const ENOUGH = 5

/**
 * The time that one load or one commit may spend on its store, retries and merges included. Only waiting for the store
 * counts: a slow function given to `update` does not use it up, nor does a stall of this process.
 */
export class Budget {
  /** Milliseconds; nothing or less: it is used up. */
  left: number
  /** Something was sent: what is asked from now on may be the rest of a write. */
  #hasSent = false
  /** How often others came first, and since when, by `performance.now()`. */
  #contests = 0
  #contested: number | undefined

  /**
   * @param timeout - milliseconds
   * @param operation - what errors speak of: a load changes nothing, and of a commit the outcome may be unknown
   */
  constructor(
    readonly timeout: number,
    private readonly operation: 'load' | 'commit' = 'commit'
  ) {
    this.left = timeout
  }

  /** As {@link ask}, for those who wait for a promise. */
  run<T>(ask: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => this.ask(ask, resolve, reject))
  }

  /**
   * Asks the store, and stops waiting when the budget is used up. Later answers of the store are ignored.
   *
   * @param answered - takes the answer; what it throws counts as a failure of the store
   * @param failed - gets a SessionError: `ERR_SESSION_TIMEOUT`, or `ERR_SESSION_STORE` with the store's error as its cause
   * @param heard - called with true when an answer came, perhaps an error, perhaps too late, and with false when the budget
   *   was used up by waiting for it
   */
  ask<T>(
    ask: () => Promise<T>,
    answered: (answer: T) => void,
    failed: (error: SessionError) => void,
    heard?: (isAnswer: boolean) => void
  ): void {
    if (this.left <= 0) return failed(this.timedOut())
    const alarm = setAlarm(this, () => {
      heard?.(false)
      failed(this.timedOut())
    })
    let answer: Promise<T>
    try {
      answer = ask()
      // A store may answer at once, whatever its types say.
      if (typeof (answer as Partial<Promise<T>> | undefined)?.then !== 'function')
        answer = Promise.resolve(answer)
    } catch (error) {
      clearAlarm(alarm)
      return failed(this.#storeFailed(error, this.#hasSent))
    }
    answer.then(
      (value) => {
        const isInTime = clearAlarm(alarm)
        heard?.(true)
        this.#hasSent = true
        if (!isInTime) return
        try {
          answered(value)
        } catch (error) {
          failed(this.#storeFailed(error, true))
        }
      },
      (error: unknown) => {
        const isInTime = clearAlarm(alarm)
        heard?.(true)
        if (isInTime) failed(this.#storeFailed(error, this.#hasSent))
      }
    )
  }

  /** Waits, at the expense of the budget. */
  pause(ms: number): Promise<void> {
    return this.wait(delay(ms), 1)
  }

  /**
   * Waits for a turn, at the expense of the budget.
   *
   * @param share - how much of what is left may be used up by that, 1 for all
   * @throws SessionError `ERR_SESSION_TIMEOUT` if the turn did not come in that time
   */
  async wait(turn: Promise<void>, share: number): Promise<void> {
    const part = new Budget(this.timeout, this.operation)
    const most = (part.left = this.left * share)
    try {
      await part.run(() => turn)
    } catch {
      throw this.timedOut(`other requests of the session kept it busy for ${this.timeout} ms`)
    } finally {
      this.left -= most - part.left
    }
  }

  /**
   * Notes that others changed the session before a commit did. The time that the commit's own function takes counts as well
   * here, and a quarter is left for the last attempt: its deadline must not blame a store that answers.
   *
   * @throws SessionError `ERR_SESSION_TIMEOUT` if that has gone on for too long
   */
  contested(): void {
    const since = (this.#contested ??= performance.now())
    const isEarly = performance.now() - since <= this.timeout && this.left > this.timeout / 4
    if (++this.#contests < ENOUGH || isEarly) return
    throw this.timedOut('others changed the session each time before it could be stored')
  }

  /**
   * The error for a budget that is used up.
   *
   * @param reason - nothing was written, and the store is not to blame
   */
  timedOut(reason?: string): SessionError {
    const silence = `the session store did not answer within ${this.timeout} ms; ${this.#outcome}`
    return new SessionError('ERR_SESSION_TIMEOUT', reason ? `${reason}: nothing was written` : silence)
  }

  get #outcome(): string {
    return this.operation === 'load'
      ? 'the session could not be read'
      : 'if this was a write, nobody knows whether it was applied'
  }

  #storeFailed(error: unknown, hasSent: boolean): SessionError {
    if (error instanceof SessionError) return error
    const isUnsent = (error as { unsent?: unknown } | undefined)?.unsent === true
    const outcome = !isUnsent
      ? `failed; its error is the cause, and ${this.#outcome}`
      : hasSent
        ? 'could not be asked any more; its error is the cause, and of a write, a part may have been applied before'
        : 'could not be asked; its error is the cause, and nothing was written'
    return new SessionError('ERR_SESSION_STORE', `the session store ${outcome}`, { cause: error })
  }
}

/** The moment at which a budget is used up by waiting. */
interface Alarm {
  readonly budget: Budget
  /** By `performance.now()`. */
  at: number
  readonly ring: () => void
  before: Alarm | undefined
  after: Alarm | undefined
}

// All alarms in the order of their moments, so that one timer serves every request.
let first: Alarm | undefined
let last: Alarm | undefined
/** The result of `setTimeout`: other environments replace it, and have no methods on it. */
let timer: (ReturnType<typeof setTimeout> & Partial<NodeJS.Timeout>) | undefined
/** When the timer is due. */
let due = Infinity

/** Calls `ring` when what is left of the budget is over, unless it is cleared before. */
function setAlarm(budget: Budget, ring: () => void): Alarm {
  const at = performance.now() + budget.left
  const alarm: Alarm = { budget, at, ring, before: last, after: undefined }
  while (alarm.before && alarm.before.at > alarm.at) alarm.before = alarm.before.before
  alarm.after = alarm.before ? alarm.before.after : first
  if (alarm.before) alarm.before.after = alarm
  else first = alarm
  if (alarm.after) alarm.after.before = alarm
  else last = alarm
  // If the clock has jumped, the timer may never ring.
  if (at < due || due < at - budget.left - LOST) arm(at)
  else timer?.ref?.()
  return alarm
}

/** Charges the time until now to the budget. Answers false if the alarm has rung. */
function clearAlarm(alarm: Alarm): boolean {
  if (alarm.before) alarm.before.after = alarm.after
  else if (first === alarm) first = alarm.after
  else return false
  if (alarm.after) alarm.after.before = alarm.before
  else last = alarm.before
  alarm.before = alarm.after = undefined
  alarm.budget.left = alarm.at - performance.now()
  // A timer that nobody waits for must not keep the process alive; setting it again for each request would cost more.
  if (!first) timer?.unref?.()
  return true
}

function arm(at: number): void {
  clearTimeout(timer)
  const now = performance.now()
  due = Math.min(at, now + TICK)
  timer = setTimeout(look, Math.max(1, Math.ceil(due - now)))
}

/**
 * Time in which this process did not run is not the server's, and timers run before sockets are read: the answer may have
 * arrived. So a stall is given back, and an alarm that is due waits for two more rounds of the event loop.
 */
function look(): void {
  const now = performance.now()
  if (now - due > LATE) giveBack(now - due)
  due = now
  setImmediate(() => setImmediate(ringAll))
}

function giveBack(stall: number): void {
  for (let alarm = first; alarm; alarm = alarm.after) alarm.at += stall
}

function ringAll(): void {
  const now = performance.now()
  // No timer saw a stall between those rounds. A shorter time may be what they take.
  if (now - due > TICK) giveBack(now - due)
  while (first && first.at <= now) {
    const { ring } = first
    clearAlarm(first)
    ring()
  }
  timer = undefined
  due = Infinity
  if (first) arm(first.at)
}
