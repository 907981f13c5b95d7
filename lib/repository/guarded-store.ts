import { Breaker } from './breaker'
import type { Budget } from './budget'
import { SessionError } from '../errors'
import type { SessionIndex, SetResult, Store } from '../stores/store'

/** A store that is asked within a budget of time, and not at all while the server behind it is silent. */
export class GuardedStore {
  readonly #breakers = new WeakMap<object, Breaker>()

  constructor(private readonly store: Store) {}

  get(id: string, budget: Budget, ttl?: number): Promise<string | null> {
    const life = ttl === undefined ? undefined : wholeTtl(ttl)
    return this.#ask(id, budget, () => checked(this.store.get(id, life), isText))
  }

  set(id: string, text: string, ttl: number, expected: string | null, budget: Budget): Promise<SetResult> {
    const life = wholeTtl(ttl)
    return this.#ask(id, budget, () => checked(this.store.set(id, text, life, expected), isResult))
  }

  touch(id: string, ttl: number, budget: Budget): Promise<boolean> {
    return this.#ask(id, budget, () => this.store.touch(id, wholeTtl(ttl)))
  }

  destroy(id: string, budget: Budget, successor?: string): Promise<boolean> {
    return this.#ask(id, budget, () => this.store.destroy(id, successor))
  }

  /** Only for stores that can say. */
  life(id: string, budget: Budget): Promise<number | null> {
    return this.#ask(id, budget, () => checked(this.store.life!(id), isLife))
  }

  /** Asks what the store knows of a user. Only for stores with an index. */
  index<T>(user: string, budget: Budget, ask: (index: SessionIndex) => Promise<T>): Promise<T> {
    const index = this.store.index!
    return this.#askNode(index.nodeOf?.(user) ?? this.store, budget, () => ask(index))
  }

  #ask<T>(id: string, budget: Budget, call: () => Promise<T>): Promise<T> {
    return this.#askNode(this.store.nodeOf?.(id) ?? this.store, budget, call)
  }

  #askNode<T>(node: object, budget: Budget, call: () => Promise<T>): Promise<T> {
    const breaker = this.#breakerOf(node)
    return breaker.allows() ? budget.run(call, breaker) : Promise.reject(silent())
  }

  #breakerOf(server: object): Breaker {
    let breaker = this.#breakers.get(server)
    if (!breaker) this.#breakers.set(server, (breaker = new Breaker()))
    return breaker
  }
}

/** A store that answers nonsense has failed, although it says otherwise. */
async function checked<T>(answer: Promise<T>, makesSense: (value: unknown) => boolean): Promise<T> {
  const value = await answer
  if (!makesSense(value)) throw new TypeError('the answer is none of those that the contract of stores knows')
  return value
}

function isText(value: unknown): boolean {
  return value === null || typeof value === 'string'
}

function isLife(value: unknown): boolean {
  return value === null || (typeof value === 'number' && value >= 0)
}

function isResult(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { id, conflict } = value as { id?: unknown; conflict?: unknown }
  return typeof id === 'string' || isText(conflict)
}

function wholeTtl(ttl: number): number {
  return Math.max(1, Math.ceil(ttl))
}

function silent(): SessionError {
  return new SessionError(
    'ERR_SESSION_STORE',
    'the session store has stopped answering, and was not asked: that ends as soon as it answers what it was asked before'
  )
}
