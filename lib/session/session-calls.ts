import { Budget } from '../repository/budget'
import { commitSession, headersSent } from './commit'
import type { CurrentSession } from './tracked-session'
import { needsTouch, readSession, touchSession, type VerifiedId } from './load'
import { createRevision } from '../repository/record'
import { gone, isGone, isStoreFailure } from '../repository/repository'
import { RequestState } from './request-state'
import { dataOf, type RegenerateOptions, type Session, type SessionOwner } from './session'
import type { SessionContext } from './scope'
import { SessionSlot } from './session-slot'
import { updateSession } from './update'

/** What a handler asks of its session. Each call runs when those before it have ended. */
export class SessionCalls implements SessionOwner {
  readonly state: RequestState
  readonly #slot: SessionSlot

  constructor(
    readonly context: SessionContext,
    ids: () => readonly VerifiedId[]
  ) {
    this.#slot = new SessionSlot(context, this, ids)
    this.state = new RequestState(context, this.#slot)
  }

  /** The session was stored under `from` and now is under `to`. */
  follow(from: string, to: string): void {
    // After what is under way, which began under the old id.
    void this.state.operations.run(
      () => Promise.resolve(this.#slot.current?.follow(from, to)),
      () => undefined
    )
  }

  load(): Promise<Session> {
    const loaded = this.#slot.load().then(({ session }) => session)
    // One that nobody waits for must not end the process.
    loaded.catch(() => undefined)
    return loaded
  }

  update<T>(session: Session, fn: (draft: Session) => T | Promise<T>): Promise<T> {
    const { state, context } = this
    return state.run('update', async () => {
      const current = await this.#slot.require(session)
      const running = (isRunning: boolean) => void (state.updating = isRunning)
      try {
        const result = await updateSession(current, context, this, fn, running)
        state.succeeded()
        return result
      } catch (error) {
        // Where fn failed nothing was tried: what the handler changed before is still to be stored.
        if (!isGone(error) && !isStoreFailure(error)) throw error
        state.refuse(current, error)
        return undefined as T
      }
    })
  }

  save(session: Session): Promise<void> {
    const { state, context } = this
    return state.run('save', async () => {
      const current = await this.#slot.require(session)
      if (current.isNew) current.wanted = true
      try {
        if (state.isDirty(current)) await commitSession(current, context)
        state.succeeded()
      } catch (error) {
        state.refuse(current, error)
      }
    })
  }

  reload(session: Session): Promise<Session> {
    const { state, context } = this
    return state.run('reload', async () => {
      const current = await this.#slot.require(session)
      const budget = new Budget(context.settings.timeout)
      const known = current.known && (await readSession(current.id, context, budget, true))
      if (!known) throw state.gone(current)
      current.reloaded(known)
      if (needsTouch(current, [], context) && !(await touchSession(current, context, budget)))
        throw state.gone(current)
      state.abandoned()
      return current.session
    })
  }

  regenerate({ keep = [] }: RegenerateOptions = {}): Promise<Session> {
    return this.state.run('regenerate', async () => {
      if (!this.context.canAnnounce()) throw headersSent()
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
    const { state, context } = this
    if (session && this.#slot.isReplaced(session)) return state.run('destroy', () => Promise.reject(gone()))
    const isRefused = state.sealed !== undefined || state.updating
    const destroyed = state.run('destroy', async () => {
      const budget = new Budget(context.settings.timeout)
      const cookie = this.#slot.current?.session.cookie ?? context.defaults
      try {
        if (context.repository.stateless && !context.canAnnounce()) throw headersSent()
        for (const id of this.#slot.idsToEnd()) {
          // Where nothing was stored the browser may have a newer cookie by now: it is left alone.
          if (await context.repository.destroy(id, budget)) state.cleared = cookie
        }
      } catch (error) {
        this.#slot.destroyed = false
        if (this.#slot.current) state.refuse(this.#slot.current, error)
        throw error
      }
      state.ended()
    })
    if (!isRefused) this.#slot.destroyed = true
    return destroyed
  }

  touch(session: Session): Promise<void> {
    const { state, context } = this
    return state.run('touch', async () => {
      const current = await this.#slot.require(session)
      if (current.unreadable) throw current.unreadable
      current.session.cookie.resetMaxAge()
      if (current.known && !(await touchSession(current, context))) throw state.gone(current)
      // Its life is in the id: only another one prolongs it.
      if (context.repository.stateless && current.known) await commitSession(current, context)
      if (current.session.cookie.originalMaxAge !== null) current.announced = true
    })
  }
}

function moveFrom(old: CurrentSession | undefined): CurrentSession['movedFrom'] {
  if (!old?.known) return old?.movedFrom
  return { id: old.id, base: old.known, known: old.known, rev: createRevision() }
}
