import { Budget } from '../repository/budget'
import { CallbackRepository, type LiveDraft } from '../repository/express-store-repository'
import { ask, read, type CallbackStore } from '../repository/express-store'
import { publish } from '../events'
import { LiveSnapshot } from '../repository/live-snapshot'
import type { Data } from '../repository/merge'
import { isStoreFailure } from '../repository/repository'
import { choiceOf, restoreCookie } from './cookie'
import { CONDITIONAL, originOf, setOrigin } from './origin'
import { inflate, type Owner, type Session } from './session'
import { takeOver } from './conditional-store'

const NONE: ReadonlySet<string> = new Set()
const repositories = new WeakMap<CallbackStore, CallbackRepository>()

/** The sessions of one store with callbacks, by its methods as they are at the time, each call within a budget. */
export class Sessions {
  readonly #repository: CallbackRepository

  /** @param timeout - milliseconds for each operation */
  constructor(
    readonly store: CallbackStore,
    private readonly timeout: number
  ) {
    // Commits of one session take turns, also where several middlewares share the store.
    let repository = repositories.get(store)
    if (!repository) {
      repositories.set(
        store,
        (repository = new CallbackRepository(store, timeout, undefined, { reserved: NONE }))
      )
    }
    this.#repository = repository
  }

  /** Makes what is stored under `id` the session of the request; undefined where there is nothing. */
  async load(id: string, req: Owner): Promise<Session | undefined> {
    const data = await this.#told('load', read(this.store, id, new Budget(this.timeout)))
    if (!data) return undefined
    const isKnown = originOf(data) !== undefined
    req.sessionID = id
    const session = inflate(req, data)
    if (!isKnown && !(CONDITIONAL in this.store)) {
      setOrigin(session, new LiveSnapshot(Object.assign({}, session) as unknown as Data, NONE))
    }
    return session
  }

  /**
   * Stores a session, with what others stored meanwhile merged in.
   *
   * @returns the text of its data, where the store may have changed them when it was handed the object
   */
  async save(session: Session): Promise<string | undefined> {
    const origin = originOf(session)
    if (CONDITIONAL in this.store || origin === undefined) {
      await this.#ask('set', session.id, session)
      return undefined
    }
    const known = origin as LiveSnapshot | null
    const draft = (latest: LiveSnapshot | null): LiveDraft => {
      if (known && latest) mergeInto(session, known, latest)
      return { live: session, handle: '', text: '', cookie: undefined, sent: undefined, ttl: 0 }
    }
    const budget = new Budget(this.timeout)
    const { snapshot } = await this.#told('commit', this.#repository.commit(session.id, known, draft, budget))
    setOrigin(session, snapshot)
    return snapshot?.text
  }

  async touch(session: Session): Promise<void> {
    await this.#told('commit', this.#repository.renew(session.id, session, new Budget(this.timeout)))
  }

  async destroy(id: string): Promise<void> {
    await this.#ask('destroy', id)
  }

  #ask<T = void>(
    name: 'get' | 'set' | 'destroy' | 'touch',
    ...args: [string, object?]
  ): Promise<T | undefined> {
    return this.#told('commit', ask<T>(this.store, name, args, new Budget(this.timeout)))
  }

  /** An error reaches the application as the store made it. */
  async #told<T>(operation: 'load' | 'commit', answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      if (!isStoreFailure(error)) throw error
      publish('holdfast:error', () => ({ operation, error }))
      throw error.code === 'ERR_SESSION_STORE' ? error.cause : error
    }
  }
}

function mergeInto(session: Session, known: LiveSnapshot, latest: LiveSnapshot): void {
  if (latest.text !== known.text) takeOver(session, JSON.parse(known.text) as Data, latest.data())
  const isTheirs = choiceOf(latest.cookie) !== choiceOf(known.cookie)
  if (!isTheirs || !latest.cookie || choiceOf(session.cookie) !== choiceOf(known.cookie)) return
  session.cookie = restoreCookie(latest.cookie)
  session.touch()
}
