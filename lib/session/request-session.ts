import { commitSession, isRenewalDue } from './commit'
import type { SessionCookie } from '../cookie/session-cookie'
import type { CurrentSession } from './tracked-session'
import { SessionError } from '../errors'
import { touchSession, type VerifiedId } from './load'
import type { RequestState } from './request-state'
import { dataOf, replaceData, Session } from './session'
import { SessionCalls } from './session-calls'
import type { SessionContext } from './scope'
import { report, type SessionSlot } from './session-slot'

/** What the response has to tell the browser. */
export type Announcement =
  | { readonly set: string; readonly cookie: SessionCookie; readonly handle: string }
  | { readonly clear: SessionCookie }

/**
 * The session of one request, from the ids it came with to what its response has to say: loaded once, committed as
 * often as its handler asks and once at the end. It knows nothing of HTTP.
 */
export class RequestSession {
  readonly #calls: SessionCalls
  readonly #state: RequestState
  readonly #slot: SessionSlot

  constructor(
    private readonly context: SessionContext,
    ids: () => readonly VerifiedId[]
  ) {
    this.#calls = new SessionCalls(context, ids)
    this.#state = this.#calls.state
    this.#slot = this.#state.slot
  }

  /** What `req.session` is. */
  get session(): Session | undefined {
    return this.#slot.session
  }

  /** The session id; before a load, the one that the request came with. */
  get id(): string {
    return this.#slot.id
  }

  get handle(): string {
    return this.#slot.handle
  }

  /** A new session, for a request that came without an id: there is nothing to load. */
  begin(): void {
    this.#slot.occupy(this.#slot.create({}))
  }

  load(): Promise<Session> {
    return this.#calls.load()
  }

  /** What an assignment to `req.session` means: null ends the session, an object replaces its data. */
  assign(value: unknown): void {
    if (value === null || value === undefined) {
      if (!this.#slot.destroyed) void this.#calls.destroy()
    } else if (typeof value !== 'object' || Array.isArray(value)) {
      throw new SessionError('ERR_SESSION_DATA', 'req.session takes an object, or null to end the session')
    } else if (value !== this.session) {
      const data = value instanceof Session ? dataOf(value) : { ...value }
      if (this.#slot.destroyed && this.#state.operations.idle) this.begin()
      const { destroyed, current } = this.#slot
      if (current && !destroyed) return replaceData(current.session, data)
      void this.#state.run('assign', async () => {
        if (destroyed) this.begin()
        replaceData((await this.#slot.load()).session, data)
      })
    }
  }

  /**
   * Commits what has to be in the store before the response goes on. Undefined: there is nothing to wait for.
   * After a rejection the session is sealed: nothing of it is stored any more.
   */
  commit(): Promise<void> | undefined {
    const state = this.#state
    if (!state.operations.idle) return this.#settle()
    if (state.sealed || state.isDropped) return undefined
    const { context } = this
    const current = state.active
    const { unheard } = state.failures
    let isDirty: boolean
    try {
      if (unheard) throw unheard.error
      if (!current || state.isRefused(current)) return undefined
      isDirty = state.isDirty(current)
      if (isDirty && context.settings.autoCommit) return this.#finish(current)
    } catch (error) {
      return state.seal(error)
    }
    if (!isDirty && isRenewalDue(current, context)) {
      return this.#prolong(current, () => commitSession(current, context))
    }
    const isAsked = current.announced ? current.unconfirmed : context.settings.rolling
    if (isAsked && current.known && context.canAnnounce()) {
      return this.#prolong(current, async () => {
        current.announced = await touchSession(current, context)
      })
    }
    return undefined
  }

  /** Whether there is something that the next commit would store. */
  get dirty(): boolean {
    const state = this.#state
    const current = state.active
    if (!current || state.sealed || state.isDropped || !this.context.settings.autoCommit) return false
    return state.isDirty(current)
  }

  /** Whether the response may have something to store or to say although no handler looks at the session. */
  get expectant(): boolean {
    const { current } = this.#slot
    if (!current) return false
    const { saveUninitialized, rolling } = this.context.settings
    return current.isNew ? saveUninitialized : rolling || isRenewalDue(current, this.context)
  }

  /** What to tell the browser, once everything is committed. */
  announcement(): Announcement | undefined {
    const state = this.#state
    if (state.sealed || state.isDropped) return undefined
    const { current } = this.#slot
    if (current?.announced && !current.unconfirmed && current.known) {
      return { set: current.id, cookie: current.session.cookie, handle: current.handle }
    }
    return state.cleared && { clear: state.cleared }
  }

  /** Waits for what the handler asked for. Who ended the response before the answer came could not act on a failure. */
  async #settle(): Promise<void> {
    const state = this.#state
    const before = state.failures.all
    await state.operations.settled()
    const late = state.failures.all.find((failure) => !before.includes(failure))
    return late && !state.sealed ? state.seal(late.error) : this.commit()
  }

  #finish(current: CurrentSession): Promise<void> {
    const state = this.#state
    const committed = state.run('save', async () => {
      try {
        await commitSession(current, this.context)
        current.unconfirmed = false
        state.succeeded()
      } catch (error) {
        state.refuse(current, error)
      }
    })
    return committed.catch((error: unknown) => state.seal(error))
  }

  /** Renews the browser's copy. Where that fails nothing of the handler's is lost: the response goes without it. */
  #prolong(current: CurrentSession, renew: () => Promise<void>): Promise<void> {
    const confirm = () => renew().then(() => void (current.unconfirmed = false))
    return this.#state.operations.run(confirm, (error) => report('commit', error)).catch(() => undefined)
  }
}
