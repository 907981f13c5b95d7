import { asError, SessionError } from '../errors'
import type { DestroyResult, SessionIndex, SetResult, Store } from '../stores/store'
import { Budget } from './budget'

/** Deadlines that pass without any answer in between before a server counts as silent. */
const THRESHOLD = 3
/**
 * Milliseconds after which one request asks a silent server although earlier ones still wait for their answers. They
 * tell of its return sooner; this is for answers that never come. It is longer than the time after which clients give
 * a connection up (3 s in the settings that RedisStore recommends): node-redis takes each write for a sign of life.
 */
const PROBE_INTERVAL = 5000
/** How many keys are tried to find one that a certain server of many keeps. */
const PROBES = 1000

/**
 * Remembers whether a server answers at all, so that requests need not each wait for a deadline of their own. Only
 * silence counts: an error is an answer, too, and comes at once. Silence about a single key says nothing of the server.
 */
export class CircuitBreaker {
  #unanswered = 0
  #key: string | undefined
  #isOfMany = false
  /** The server is silent. */
  isOpen = false
  #probed = 0

  /** Whether to ask. While the server is silent, those who asked before find out whether it answers again. */
  allows(): boolean {
    if (!this.isOpen) return true
    const now = performance.now()
    if (now - this.#probed < PROBE_INTERVAL) return false
    this.#probed = now
    return true
  }

  /** Notes an answer, also one that came too late for the request that asked. */
  answered(): void {
    this.#unanswered = 0
    this.#key = undefined
    this.#isOfMany = this.isOpen = false
  }

  /** Notes a deadline that passed without an answer about `key`. Answers whether only that key is known to be silent. */
  timedOut(key: string): boolean {
    const wasOpen = this.isOpen
    this.#unanswered++
    this.#key ??= key
    this.#isOfMany ||= key !== this.#key
    this.isOpen = this.#unanswered >= THRESHOLD && this.#isOfMany
    if (this.isOpen && !wasOpen) this.#probed = performance.now()
    return !this.#isOfMany
  }
}

/** A store that is asked within a budget of time, and not at all while the server behind it is silent. */
export class GuardedStore {
  readonly #breakers = new WeakMap<object, CircuitBreaker>()
  /** The breaker of a store that is one server, as most are. */
  readonly #only: CircuitBreaker | undefined

  constructor(private readonly store: Store) {
    if (!store.nodeOf && !store.stateless) this.#only = new CircuitBreaker()
  }

  /** @param convert - makes the result of the text, or of null */
  get<R>(
    id: string,
    budget: Budget,
    ttl: number | undefined,
    convert: (text: string | null) => R
  ): Promise<R> {
    return new Promise((resolve, reject) =>
      this.#ask(
        id,
        budget,
        () => this.store.get(id, ttl),
        (text) => resolve(convert(text === null || typeof text === 'string' ? text : nonsense('get'))),
        reject
      )
    )
  }

  /**
   * @param answered - gets the result
   * @param failed - gets what other methods reject with
   */
  set(
    id: string,
    text: string,
    ttl: number,
    expected: string | null,
    budget: Budget,
    answered: (result: SetResult) => void,
    failed: (error: SessionError) => void
  ): void {
    this.#ask(
      id,
      budget,
      () => this.store.set(id, text, ttl, expected),
      (result) =>
        answered(isResult(result, this.store.stateless ? undefined : id) ? result : nonsense('set')),
      failed
    )
  }

  touch(id: string, ttl: number, budget: Budget): Promise<boolean> {
    return this.#promise(id, budget, async () => {
      const isThere: unknown = await this.store.touch(id, ttl)
      return typeof isThere === 'boolean' ? isThere : nonsense('touch')
    })
  }

  destroy(id: string, budget: Budget, expected?: string): Promise<DestroyResult> {
    return this.#promise(id, budget, async () => {
      const result: unknown = await this.store.destroy(id, expected)
      const isKnown =
        typeof result === 'boolean' || typeof (result as { conflict?: unknown } | null)?.conflict === 'string'
      return isKnown ? (result as DestroyResult) : nonsense('destroy')
    })
  }

  notify(id: string, successor: string, budget: Budget): Promise<void> {
    return this.#promise(id, budget, () => this.store.notify?.({ id, successor }) ?? Promise.resolve())
  }

  /** Only for stores that can say. */
  life(id: string, budget: Budget): Promise<number | null> {
    return this.#promise(id, budget, async () => {
      const life = await this.store.life!(id)
      return isLife(life) ? life : nonsense('life')
    })
  }

  /** Asks what the store knows of a user. Only for stores with an index. */
  index<T>(user: string, budget: Budget, ask: (index: SessionIndex) => Promise<T>): Promise<T> {
    const index = this.store.index!
    const node = found(() => index.nodeOf?.(user)) ?? this.store
    return this.#promise(`user ${user}`, budget, () => ask(index), node)
  }

  #promise<T>(key: string, budget: Budget, call: () => Promise<T>, node?: object): Promise<T> {
    return new Promise((resolve, reject) => this.#ask(key, budget, call, resolve, reject, node))
  }

  #ask<T>(
    key: string,
    budget: Budget,
    call: () => Promise<T>,
    answered: (answer: T) => void,
    failed: (error: SessionError) => void,
    node = this.#only || this.store.stateless ? undefined : found(() => this.store.nodeOf?.(key))
  ): void {
    if (node instanceof Error) return budget.ask(() => Promise.reject(node), answered, failed)
    const breaker = node === undefined ? this.#only : this.#breakerOf(node)
    // A store without a server has nothing that could fall silent but an application's own function.
    if (!breaker) return budget.ask(call, answered, failed)
    if (breaker.isOpen && !breaker.allows()) return failed(silent())
    budget.ask(call, answered, failed, (isAnswer) => {
      if (isAnswer) breaker.answered()
      else if (breaker.timedOut(key)) this.#probe(breaker, node, budget.timeout)
    })
  }

  /** Asks about another key: whether the server is silent, or has only nothing to say about one. */
  #probe(breaker: CircuitBreaker, node: object | undefined, timeout: number): void {
    const key = this.#keyAt(node)
    if (key === undefined) return
    const probe = () => this.store.get(key)
    new Budget(timeout).ask(probe, ignore, ignore, (isAnswer) => {
      if (isAnswer) breaker.answered()
      else breaker.timedOut(key)
    })
  }

  /** A key that no session has, kept by this server. */
  #keyAt(node: object | undefined): string | undefined {
    for (let attempt = 0; attempt < PROBES; attempt++) {
      const key = `probe-${Math.random().toString(36).slice(2)}`
      if (node === undefined || node === this.store || this.store.nodeOf?.(key) === node) return key
    }
    return undefined
  }

  #breakerOf(server: object): CircuitBreaker {
    if (server === this.store && this.#only) return this.#only
    let breaker = this.#breakers.get(server)
    if (!breaker) this.#breakers.set(server, (breaker = new CircuitBreaker()))
    return breaker
  }
}

/** The server that a store names; an error, if the store does not know it. */
function found(find: () => object | undefined): object | undefined {
  try {
    return find()
  } catch (error) {
    return asError(error) as Error
  }
}

const ignore = (): void => undefined

/** A store that answers nonsense has failed, although it says otherwise. */
export function nonsense(method: string): never {
  throw new TypeError(`the store's ${method} answered with none of what the contract of stores knows`)
}

function isLife(value: unknown): boolean {
  return value === null || (typeof value === 'number' && value >= 0)
}

/** @param expected - the id that the text was stored under; undefined if the store makes it of the text */
function isResult(value: unknown, expected: string | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { id, conflict } = value as { id?: unknown; conflict?: unknown }
  const isStored = typeof id === 'string' && id === (expected ?? id)
  return isStored || conflict === null || typeof conflict === 'string'
}

function silent(): SessionError {
  return new SessionError(
    'ERR_SESSION_STORE',
    'the session store has stopped answering and was not asked: it is asked again as soon as it answers earlier questions'
  )
}
