import { Budget } from '../repository/budget'
import { bystander } from './bystander'
import type { SessionContext } from './scope'
import { CurrentSession, type Origin } from './tracked-session'
import { publish, type SessionEvents } from '../events'
import { createLazySession } from './lazy-session'
import { findSession, needsTouch, touchSession, type VerifiedId } from './load'
import { gone, isStoreFailure } from '../repository/repository'
import { dataOf, Session, type SessionOwner } from './session'

/** Which session a request has: none yet, the one its ids lead to, a new one, or none any more. */
export class SessionSlot {
  current: CurrentSession | undefined
  /** `destroy()` was called. */
  destroyed = false
  /** A secret that is not the first signed the cookie. */
  signedBefore = false
  #loading: Promise<CurrentSession> | undefined
  /** What handlers hold before the load, and the session behind it. */
  #lazy: Session | undefined
  #unloaded: Session | undefined
  /** The id that a handler was told before the load, where the request came with none. */
  #newId: string | undefined
  /** The ids of this request lead to several sessions, and none of them was taken. */
  #ambiguous = false

  constructor(
    private readonly context: SessionContext,
    private readonly owner: SessionOwner,
    private readonly ids: () => readonly VerifiedId[]
  ) {}

  /** What `req.session` is: the session, before `load()` a stand-in for it, after `destroy()` undefined. */
  get session(): Session | undefined {
    if (this.destroyed) return undefined
    if (this.current) return this.current.session
    this.#unloaded ??= new Session(this.owner, this, {})
    return (this.#lazy ??= createLazySession(this.#unloaded, () => this.current?.session))
  }

  get id(): string {
    return this.current?.id ?? this.ids()[0]?.id ?? (this.#newId ??= this.context.createId())
  }

  get handle(): string {
    return this.current?.handle ?? ''
  }

  get isNew(): boolean {
    return this.current?.isNew ?? true
  }

  create(origin: Origin): CurrentSession {
    return new CurrentSession(this.owner, this.context.defaults, () => this.context.createId(), origin)
  }

  /** Makes `current` the request's session. */
  occupy(current: CurrentSession): CurrentSession {
    this.destroyed = false
    return (this.current = current)
  }

  /** The request's session, read from the store where that has not happened yet. */
  load(): Promise<CurrentSession> {
    if (this.current) return Promise.resolve(this.current)
    if (this.destroyed) return Promise.reject(gone())
    if (!this.#loading) {
      this.#loading = this.#load()
      // One that nobody waits for must not end the process.
      this.#loading.catch(() => undefined)
    }
    return this.#loading
  }

  async #load(): Promise<CurrentSession> {
    try {
      const found = await this.#find().catch((error: unknown) => this.#standIn(error))
      return (this.current ??= found)
    } finally {
      this.#loading = undefined
    }
  }

  /** Loads, for a caller that holds `session`. One that `regenerate` replaced is gone. */
  async require(session: Session): Promise<CurrentSession> {
    const current = await this.load()
    if (this.isReplaced(session)) throw gone()
    return current
  }

  isReplaced(session: Session): boolean {
    return !!this.current && session !== this.current.session && session !== this.#unloaded
  }

  /** Every stored session that ends with the current one; before a load, whatever the request came with. */
  idsToEnd(): string[] {
    const { current } = this
    const isKnown = current && !this.#ambiguous && !current.unreadable
    const ids = new Set(isKnown ? [] : this.ids().map(({ id }) => id))
    if (current?.known) ids.add(current.id)
    if (current?.movedFrom) ids.add(current.movedFrom.id)
    for (const id of current?.retired ?? []) ids.add(id)
    return [...ids]
  }

  /** `onStoreError: 'anonymous'`: an empty session, in the place of one that could not be read. */
  #standIn(error: unknown): CurrentSession {
    report('load', error)
    if (this.context.settings.onStoreError === 'fail' || !isStoreFailure(error)) throw error
    const current = this.create({})
    current.unreadable = error
    return current
  }

  async #find(): Promise<CurrentSession> {
    const ids = this.ids()
    const budget = new Budget(this.context.settings.timeout)
    const found = await findSession(ids, this.context, budget)
    if (typeof found === 'object') {
      const current = this.create({ id: found.verified.id, known: found.known })
      if (!(await this.context.isValid(() => this.#look(current)))) return this.#anonymous('invalid')
      if (!needsTouch(current, ids, this.context) || (await touchSession(current, this.context, budget))) {
        this.signedBefore = !found.verified.current
        publish('holdfast:load', () => ({ handle: current.handle }))
        return current
      }
    }
    this.#ambiguous = found === 'ambiguous'
    if (ids.length === 0) return this.create({ id: this.#newId })
    return this.#anonymous(this.#ambiguous ? 'ambiguous' : 'unknown')
  }

  /** Its methods would wait for the load that waits for the application's answer. */
  #look(current: CurrentSession): Session {
    return new Session(bystander, current, dataOf(current.session), current.session.cookie)
  }

  #anonymous(reason: SessionEvents['holdfast:rejected']['reason']): CurrentSession {
    publish('holdfast:rejected', () => ({ reason }))
    return this.create({ id: this.#newId })
  }
}

/** Tells of a failure that is the store's. */
export function report(operation: 'load' | 'commit', error: unknown): void {
  if (isStoreFailure(error)) publish('holdfast:error', () => ({ operation, error }))
}
