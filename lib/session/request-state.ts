import { nested } from './bystander'
import type { SessionCookie } from '../cookie/session-cookie'
import type { CurrentSession } from './tracked-session'
import type { SessionError } from '../errors'
import { publish } from '../events'
import { Failures, type Call } from './failures'
import { Operations, refuse, type FailureListener } from './operations'
import { gone, isGone } from '../repository/repository'
import type { SessionContext } from './scope'
import { report, type SessionSlot } from './session-slot'

/** How far the session of one request has come: what runs, what failed, and what of it is still to be stored. */
export class RequestState {
  readonly operations = new Operations()
  readonly failures = new Failures()
  /** The cookie that the browser has to drop. */
  cleared: SessionCookie | undefined
  /** A function given to `update` is running. */
  updating = false
  /** What the commit at the end failed with: nothing is stored any more. */
  sealed: unknown
  /** What could not be stored, of which a caller was told. */
  #refused: { readonly current: CurrentSession; readonly state: string | undefined } | undefined
  /** A session that is gone, and whose changes go without an error. */
  #dropped: CurrentSession | undefined

  constructor(
    private readonly context: SessionContext,
    readonly slot: SessionSlot
  ) {}

  /** The session that the response is about; undefined before a load and after `destroy`. */
  get active(): CurrentSession | undefined {
    return this.slot.destroyed ? undefined : this.slot.current
  }

  get isDropped(): boolean {
    return this.#dropped !== undefined && this.#dropped === this.active
  }

  /** Runs what a handler asked for, after what it asked for before. */
  run<T>(call: Call, operation: () => Promise<T>): Promise<T> {
    const onFailure: FailureListener = (error, watched) => {
      report('commit', error)
      const { handle } = this.slot
      if (isGone(error)) publish('holdfast:dropped', () => ({ handle, reason: 'gone' }))
      this.failures.add({ call, error, watched })
    }
    if (this.sealed) return refuse(this.sealed, onFailure)
    if (this.updating) return refuse(nested(), onFailure)
    return this.operations.run(operation, onFailure)
  }

  seal(error: unknown): Promise<never> {
    this.sealed = error
    return Promise.reject(error)
  }

  /** What was to be stored is stored. */
  succeeded(): void {
    this.failures.madeGood()
    this.#refused = undefined
    const { signedBefore, current } = this.slot
    if (signedBefore && current?.known) current.announced = true
    this.slot.signedBefore = false
  }

  /** The handler gave its changes up. What failed unheard it may not have meant to give up. */
  abandoned(): void {
    this.#refused = undefined
  }

  /** The session has ended: there is nothing left that could be missing from it. */
  ended(): void {
    this.slot.current = undefined
    this.failures.clear()
    this.#refused = undefined
  }

  /**
   * A failure that its caller was told of is the caller's to answer for, until something else changes. Throws it; with
   * `onGone: 'drop'`, the changes of a session that is gone go without an error.
   */
  refuse(current: CurrentSession, error: unknown): void {
    this.#refused = { current, state: stateOf(current) }
    if (!isGone(error)) throw error
    const failure = this.gone(current)
    if (this.context.settings.onGone === 'error') throw failure
    this.#dropped = current
    publish('holdfast:dropped', () => ({ handle: current.handle, reason: 'gone' }))
  }

  isRefused(current: CurrentSession): boolean {
    return this.#refused?.current === current && this.#refused.state === stateOf(current)
  }

  /** Its cookie is not sent any more: the browser may have a newer one. */
  gone(current: CurrentSession): SessionError {
    current.announced = false
    return gone()
  }

  /** Whether there is something to store. */
  isDirty(current: CurrentSession): boolean {
    if (current.wanted || current.retired.length > 0 || current.movedFrom) return true
    if (current.isNew && this.context.settings.saveUninitialized && !current.unreadable) return true
    return current.cookieChanged || this.context.repository.changed(current.known, current.text)
  }
}

/** What a session would store; undefined where it cannot be stored. */
function stateOf(current: CurrentSession): string | undefined {
  try {
    return current.text + JSON.stringify(current.session.cookie)
  } catch {
    return undefined
  }
}
