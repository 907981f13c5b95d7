import { Budget } from './budget'
import { commitSession, isRenewalDue } from './commit'
import type { SessionCookie } from './cookie/session-cookie'
import type { CurrentSession } from './current-session'
import { SessionError } from './errors'
import { publish } from './events'
import { readSession, touchSession, type VerifiedId } from './load'
import { Operations, refuse, type FailureListener } from './operations'
import { createRevision } from './record'
import { gone, isGone, isStoreFailure } from './repository'
import { dataOf, replaceData, Session, type RegenerateOptions, type SessionOwner } from './session'
import type { SessionContext } from './session-context'
import { report, SessionSlot } from './session-slot'
import { updateSession } from './update'

/** What the response has to tell the browser. */
export type Announcement =
  | { readonly set: string; readonly cookie: SessionCookie; readonly handle: string }
  | { readonly clear: SessionCookie }

/**
 * The session of one request, from the ids it came with to what its response has to say: loaded once, committed as
 * often as its handler asks and once at the end. It knows nothing of HTTP.
 */
export class RequestSession implements SessionOwner {
  readonly #operations = new Operations()
  readonly #slot: SessionSlot
  /** The cookie that the browser has to drop. */
  #cleared: SessionCookie | undefined
  #updating = false
  /** Failures of which nobody may have been told. */
  #failures: { readonly error: unknown; readonly watched: () => boolean }[] = []
  /** What could not be stored, of which a caller was told. */
  #refused: { readonly current: CurrentSession; readonly state: string | undefined } | undefined
  #sealed: unknown
  /** A session that is gone, and whose changes go without an error. */
  #dropped: CurrentSession | undefined

  constructor(
    private readonly context: SessionContext,
    ids: () => readonly VerifiedId[]
  ) {
    this.#slot = new SessionSlot(context, this, ids)
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
    const loaded = this.#slot.load().then(({ session }) => session)
    // One that nobody waits for must not end the process.
    loaded.catch(() => undefined)
    return loaded
  }

  update<T>(session: Session, fn: (draft: Session) => T | Promise<T>): Promise<T> {
    return this.#run(async () => {
      const current = await this.#slot.require(session)
      const running = (isRunning: boolean) => void (this.#updating = isRunning)
      try {
        const result = await updateSession(current, this.context, this, fn, running)
        this.#succeeded()
        return result
      } catch (error) {
        // Where fn failed nothing was tried: what the handler changed before is still to be stored.
        if (!isGone(error) && !isStoreFailure(error)) throw error
        this.#refuse(current, error)
        return undefined as T
      }
    })
  }

  save(session: Session): Promise<void> {
    return this.#run(async () => {
      const current = await this.#slot.require(session)
      if (current.isNew) current.wanted = true
      try {
        if (this.#isDirty(current)) await commitSession(current, this.context)
        this.#succeeded()
      } catch (error) {
        this.#refuse(current, error)
      }
    })
  }

  reload(session: Session): Promise<Session> {
    return this.#run(async () => {
      const current = await this.#slot.require(session)
      const budget = new Budget(this.context.settings.timeout)
      const known = current.known && (await readSession(current.id, this.context, budget, true))
      if (!known) throw this.#gone(current)
      current.reloaded(known)
      this.#forget()
      return current.session
    })
  }

  regenerate({ keep = [] }: RegenerateOptions = {}): Promise<Session> {
    return this.#run(async () => {
      const keepsAny = keep === true || keep.length > 0
      const old = keepsAny ? await this.#slot.load() : this.#slot.current
      if (keepsAny && old?.unreadable) throw old.unreadable
      const data = old ? dataOf(old.session) : {}
      const kept = keep === true ? Object.keys(data) : keep.filter((key) => Object.hasOwn(data, key))
      const same = keep === true ? { handle: old?.handle, cookie: old?.session.cookie } : {}
      const next = this.#slot.create({
        ...same,
        data: Object.fromEntries(kept.map((key) => [key, data[key]]))
      })
      next.wanted = true
      next.movedFrom = keep === true ? moveFrom(old) : undefined
      next.retired = this.#slot.idsToEnd().filter((id) => id !== next.movedFrom?.id)
      return this.#slot.occupy(next).session
    })
  }

  destroy(session?: Session): Promise<void> {
    if (session && this.#slot.isReplaced(session)) return this.#run(() => Promise.reject(gone()))
    const isRefused = this.#sealed !== undefined || this.#updating
    const destroyed = this.#run(async () => {
      const budget = new Budget(this.context.settings.timeout)
      const cookie = this.#slot.current?.session.cookie ?? this.context.defaults
      try {
        for (const id of this.#slot.idsToEnd()) {
          // Where nothing was stored the browser may have a newer cookie by now: it is left alone.
          if (await this.context.repository.destroy(id, budget)) this.#cleared = cookie
        }
      } catch (error) {
        this.#slot.destroyed = false
        if (this.#slot.current) this.#refuse(this.#slot.current, error)
        throw error
      }
      this.#slot.current = undefined
      this.#forget()
    })
    if (!isRefused) this.#slot.destroyed = true
    return destroyed
  }

  touch(session: Session): Promise<void> {
    return this.#run(async () => {
      const current = await this.#slot.require(session)
      current.session.cookie.resetMaxAge()
      if (current.known && !(await touchSession(current, this.context))) throw this.#gone(current)
      if (current.session.cookie.originalMaxAge !== null) current.announced = true
    })
  }

  /** What an assignment to `req.session` means: null ends the session, an object replaces its data. */
  assign(value: unknown): void {
    if (value === null || value === undefined) {
      if (!this.#slot.destroyed) void this.destroy()
    } else if (typeof value !== 'object' || Array.isArray(value)) {
      throw new SessionError('ERR_SESSION_DATA', 'req.session takes an object, or null to end the session')
    } else if (value !== this.session) {
      const data = value instanceof Session ? dataOf(value) : { ...value }
      if (this.#slot.destroyed && this.#operations.idle) this.begin()
      const { destroyed, current } = this.#slot
      if (current && !destroyed) return replaceData(current.session, data)
      void this.#run(async () => {
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
    if (!this.#operations.idle) return this.#settle()
    if (this.#sealed || this.#isDropped) return undefined
    const { context } = this
    const current = this.#active
    const unheard = this.#failures.find(({ watched }) => !watched())
    try {
      if (unheard) throw unheard.error
      if (!current || this.#isRefused(current)) return undefined
      if (this.#isDirty(current)) return this.#finish(current)
    } catch (error) {
      return this.#seal(error)
    }
    if (isRenewalDue(current, context)) return this.#prolong(current, () => commitSession(current, context))
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
    const current = this.#active
    return !!current && !this.#sealed && !this.#isDropped && this.#isDirty(current)
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
    if (this.#sealed || this.#isDropped) return undefined
    const { current } = this.#slot
    if (current?.announced && !current.unconfirmed && current.known) {
      return { set: current.id, cookie: current.session.cookie, handle: current.handle }
    }
    return this.#cleared && { clear: this.#cleared }
  }

  get #active(): CurrentSession | undefined {
    return this.#slot.destroyed ? undefined : this.#slot.current
  }

  get #isDropped(): boolean {
    return this.#dropped !== undefined && this.#dropped === this.#active
  }

  /** Waits for what the handler asked for. Who ended the response before the answer came could not act on a failure. */
  async #settle(): Promise<void> {
    const before = this.#failures
    await this.#operations.settled()
    const late = this.#failures.find((failure) => !before.includes(failure))
    return late && !this.#sealed ? this.#seal(late.error) : this.commit()
  }

  #finish(current: CurrentSession): Promise<void> {
    const committed = this.#run(async () => {
      try {
        await commitSession(current, this.context)
        current.unconfirmed = false
        this.#succeeded()
      } catch (error) {
        this.#refuse(current, error)
      }
    })
    return committed.catch((error: unknown) => this.#seal(error))
  }

  /** Renews the browser's copy. Where that fails nothing of the handler's is lost: the response goes without it. */
  #prolong(current: CurrentSession, renew: () => Promise<void>): Promise<void> {
    const confirm = () => renew().then(() => void (current.unconfirmed = false))
    return this.#operations.run(confirm, (error) => report('commit', error)).catch(() => undefined)
  }

  #seal(error: unknown): Promise<never> {
    this.#sealed = error
    return Promise.reject(error)
  }

  #run<T>(operation: () => Promise<T>): Promise<T> {
    const onFailure: FailureListener = (error, watched) => {
      report('commit', error)
      const { handle } = this.#slot
      if (isGone(error)) publish('holdfast:dropped', () => ({ handle, reason: 'gone' }))
      this.#failures = [...this.#failures.filter((failure) => !failure.watched()), { error, watched }]
    }
    if (this.#sealed) return refuse(this.#sealed, onFailure)
    if (this.#updating) return refuse(nested(), onFailure)
    return this.#operations.run(operation, onFailure)
  }

  /**
   * A failure that its caller was told of is the caller's to answer for, until something else changes. Throws it; with
   * `onGone: 'drop'`, the changes of a session that is gone go without an error.
   */
  #refuse(current: CurrentSession, error: unknown): void {
    this.#refused = { current, state: stateOf(current) }
    if (!isGone(error)) throw error
    const failure = this.#gone(current)
    if (this.context.settings.onGone === 'error') throw failure
    this.#dropped = current
    publish('holdfast:dropped', () => ({ handle: current.handle, reason: 'gone' }))
  }

  /** Its cookie is not sent any more: the browser may have a newer one. */
  #gone(current: CurrentSession): SessionError {
    current.announced = false
    return gone()
  }

  #isRefused(current: CurrentSession): boolean {
    return this.#refused?.current === current && this.#refused.state === stateOf(current)
  }

  #forget(): void {
    this.#failures = []
    this.#refused = undefined
  }

  #succeeded(): void {
    this.#forget()
    const { signedBefore, current } = this.#slot
    if (signedBefore && current?.known) current.announced = true
    this.#slot.signedBefore = false
  }

  #isDirty(current: CurrentSession): boolean {
    if (current.wanted || current.retired.length > 0 || current.movedFrom) return true
    if (current.isNew && this.context.settings.saveUninitialized && !current.unreadable) return true
    return current.cookieChanged || this.context.repository.changed(current.known, current.text)
  }
}

function moveFrom(old: CurrentSession | undefined): CurrentSession['movedFrom'] {
  if (!old?.known) return old?.movedFrom
  return { id: old.id, base: old.known, known: old.known, rev: createRevision() }
}

/** What a session would store; undefined where it cannot be stored. */
function stateOf(current: CurrentSession): string | undefined {
  try {
    return current.text + JSON.stringify(current.session.cookie)
  } catch {
    return undefined
  }
}

function nested(): SessionError {
  return new SessionError(
    'ERR_SESSION_DATA',
    'a method of the session was called inside the function given to update: change the state that it gets, and ' +
      'call the method after update'
  )
}
