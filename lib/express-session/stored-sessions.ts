import { asError } from '../errors'
import { publish } from '../events'
import { Budget } from '../repository/budget'
import { ask, call, CONDITIONAL, read, type ExpressStore } from '../repository/express-store'
import { ExpressStoreRepository, type LiveDraft } from '../repository/express-store-repository'
import { StoredObject } from '../repository/stored-object'
import type { Data } from '../repository/merge'
import { isStoreFailure } from '../repository/repository'
import { takeOver } from './conditional-store'
import { choiceOf, keptCookie } from './cookie'
import { originOf, setOrigin } from './origin'
import { unwatched } from './own-ends'
import { plainData, inflate, type Owner, type Session } from './session'

/** An answer that took so many milliseconds is worth a warning. */
const SLOW = 1000

const NONE: ReadonlySet<string> = new Set()

/** The sessions of one store, by its methods as they are at the time, each call within a budget. */
export class StoredSessions {
  /** Undefined: the store itself writes on condition. */
  readonly #repository: ExpressStoreRepository | undefined

  /** @param timeout - milliseconds for each operation */
  constructor(
    readonly store: ExpressStore,
    private readonly timeout: number
  ) {
    if (CONDITIONAL in store) return
    this.#repository = new ExpressStoreRepository(
      unwatched(store),
      timeout,
      undefined,
      { reserved: NONE },
      store
    )
  }

  /**
   * Makes what is stored under `id` the session of the request; undefined if there is nothing.
   *
   * @param found - called with the session that the request has when the store has answered
   */
  async load(id: string, req: Owner, found?: (session: unknown) => void): Promise<Session | undefined> {
    const data = await this.#run('load', (budget) => budget.run(() => read(this.store, id)))
    if (!data) return undefined
    found?.(req.session)
    req.sessionID = id
    const session = inflate(req, data)
    if (this.#repository) setOrigin(session, snapshotOf(session))
    return session
  }

  /**
   * Stores a session, with what others stored meanwhile merged in.
   *
   * @returns the text of its data, where the store may have changed them when it was handed the object
   */
  async save(session: Session): Promise<string | undefined> {
    const repository = this.#repository
    if (!repository) {
      await this.#run('commit', (budget) => ask(this.store, budget, 'set', session.id, session))
      return undefined
    }
    // A session of unknown origin is stored as it is.
    const known = (originOf(session) ?? null) as StoredObject | null
    let undo = () => undefined as void
    const draft = (latest: StoredObject | null): LiveDraft => {
      undo()
      if (known && latest) undo = mergeInto(session, known, latest)
      return { live: session, handle: '', text: '', cookie: undefined, sent: undefined, ttl: 0 }
    }
    try {
      const { stored } = await this.#run('commit', (budget) =>
        repository.commit(session.id, known, draft, budget)
      )
      setOrigin(session, stored)
      return stored!.text
    } catch (error) {
      undo()
      throw error
    }
  }

  /** Renews the life of a session. */
  async touch(session: Session): Promise<void> {
    const repository = this.#repository
    await this.#run('commit', async (budget) => {
      if (!repository) return ask(this.store, budget, 'touch', session.id, session)
      const known = originOf(session) as StoredObject | null | undefined
      if ((known?.live as unknown) !== session) return repository.renew(session.id, session, budget)
      // It was saved, and some stores keep the cookie of a renewal: others may have chosen another life since.
      await repository.alone(session.id, budget, async () => {
        const latest = await repository.load(session.id, new Budget(this.timeout))
        if (!latest) return
        mergeInto(session, known!, latest)
        setOrigin(session, latest)
        await call(this.store, 'touch', session.id, session)
      })
    })
  }

  async destroy(id: string): Promise<void> {
    await this.#run('commit', (budget) =>
      this.#repository ? this.#repository.end(id, budget) : ask(this.store, budget, 'destroy', id)
    )
  }

  /** An error reaches the application as the store made it. */
  async #run<T>(operation: 'load' | 'commit', work: (budget: Budget) => Promise<T>): Promise<T> {
    try {
      const budget = new Budget(this.timeout, operation)
      const result = await work(budget)
      // By the budget: a stall of this process is not the store's.
      warnOfSlow(this.timeout - budget.left)
      return result
    } catch (error) {
      if (!isStoreFailure(error)) throw error
      publish('holdfast:error', () => ({ operation, error }))
      throw error.code === 'ERR_SESSION_STORE' ? asError(error.cause) : error
    }
  }
}

let warned = false

/** The default timeout is long, as express-session has none: a slow store has to be noticed by other means. */
function warnOfSlow(ms: number): void {
  if (ms < SLOW || warned) return
  warned = true
  const remedy = 'requests wait for it; the option timeout says how long they may'
  process.emitWarning(`the session store took ${Math.round(ms)} ms: ${remedy}`, {
    code: 'HOLDFAST_SLOW_STORE'
  })
}

function snapshotOf(session: Session): StoredObject {
  return new StoredObject(Object.assign({}, session) as unknown as Data, NONE)
}

/**
 * Takes over what others have stored since `known`.
 *
 * @returns what gives it back, for a write that failed or has to be tried again
 */
function mergeInto(session: Session, known: StoredObject, latest: StoredObject): () => void {
  const { cookie } = session
  const before = plainData(session)
  if (latest.text !== known.text) {
    const theirs = cloned(latest.data(), JSON.parse(latest.text))
    takeOver(session, JSON.parse(known.text) as Data, theirs)
  }
  const isTheirs = choiceOf(latest.cookie) !== choiceOf(known.cookie)
  if (isTheirs && latest.cookie && choiceOf(cookie) === choiceOf(known.cookie)) {
    session.cookie = keptCookie(latest.cookie)
    session.touch()
  }
  const after = plainData(session)
  return () => {
    takeOver(session, after, before)
    session.cookie = cookie
  }
}

/**
 * The newest state may be another request's own, which goes on with it. Not by `structuredClone`: that makes a Buffer a
 * Uint8Array, which is other JSON, and in Jest it makes a Date that is no `instanceof Date`.
 *
 * @param made - the same as JSON: a `toJSON` that a handler wrote runs in that handler's request alone
 */
function cloned<T>(value: T, made: unknown): T
function cloned(value: unknown, made: unknown): unknown {
  const at = (key: string | number) => (made as Record<string | number, unknown> | undefined)?.[key]
  if (Array.isArray(value)) return value.map((inner: unknown, index) => cloned(inner, at(index)))
  if (value instanceof Date) return new Date(value)
  if (!isPlain(value)) return value
  if ('toJSON' in value) return made
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cloned(inner, at(key))]))
}

/** Anything else is of the store's own kind, and nothing that a handler changes. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
