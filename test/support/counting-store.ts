import { setTimeout as delay } from 'node:timers/promises'
import { MemoryStore, type SetResult, type Store } from '../../lib'
import type { DestroyResult } from '../../lib/stores/store'

export type Operation = 'get' | 'set' | 'touch' | 'destroy'

/** One call of a store, as it was made. */
export interface Call {
  readonly operation: Operation
  readonly id: string
  readonly ttl: number | undefined
  /** What `set` was to keep, and what it expected to find. */
  readonly text?: string
  readonly expected?: string | null
}

/** What becomes of a call: `ask` passes it on to the store behind. */
export type Fault = (ask: () => Promise<unknown>, call: Call) => Promise<unknown>

/** The store could not be asked. */
export const fails: Fault = () => Promise.reject(new Error('the store is down'))
/** The store does not even give back a promise. */
export const throws: Fault = () => {
  throw new Error('the store threw')
}
/** No answer ever comes, and the store never heard of it. */
export const hangs: Fault = () => new Promise(() => undefined)
/** The store did what was asked, and its answer got lost. */
export const answerLost: Fault = async (ask) => {
  await ask()
  throw new Error('the connection broke')
}
/** The answer got lost, and the client asked again by itself, as ioredis does. */
export const sentTwice: Fault = async (ask) => {
  await ask()
  return ask()
}
/** The store takes so many milliseconds to answer. */
export const takes =
  (ms: number): Fault =>
  async (ask) => {
    await delay(ms)
    return ask()
  }
/** Something happens before the store is asked: another request, say. */
export const after =
  (happening: () => unknown): Fault =>
  async (ask) => {
    await happening()
    return ask()
  }
/** Something happens while the answer is on its way. */
export const before =
  (happening: () => unknown): Fault =>
  async (ask) => {
    const answer = await ask()
    await happening()
    return answer
  }

/** A store that notes every call, and does with it what the test says. */
export class CountingStore implements Store {
  readonly contract = 1
  readonly calls: Call[] = []
  readonly inner: Store
  readonly #next = new Map<Operation, Fault[]>()
  readonly #always = new Map<Operation, Fault>()

  readonly conditional: boolean
  readonly stateless: boolean
  readonly life: Store['life']
  readonly watch: Store['watch']
  readonly notify: Store['notify']
  readonly index: Store['index']

  constructor(inner: Store = new MemoryStore()) {
    this.inner = inner
    this.conditional = inner.conditional !== false
    this.stateless = inner.stateless === true
    this.life = inner.life?.bind(inner)
    this.watch = inner.watch?.bind(inner)
    this.notify = inner.notify?.bind(inner)
    this.index = inner.index
  }

  keys(...given: Parameters<NonNullable<Store['keys']>>): void {
    this.inner.keys?.(...given)
  }

  /** The operations asked for since the last {@link forget}, in their order: `'get set'`. */
  get log(): string {
    return this.calls.map(({ operation }) => operation).join(' ')
  }

  forget(): void {
    this.calls.length = 0
  }

  /** What becomes of the next call of this operation, and of those behind it where there are more faults. */
  next(operation: Operation, ...faults: Fault[]): void {
    this.#next.set(operation, [...(this.#next.get(operation) ?? []), ...faults])
  }

  /** What becomes of every call of these operations; no fault: all is well again. */
  always(fault: Fault | undefined, ...operations: Operation[]): void {
    for (const operation of operations.length > 0
      ? operations
      : (['get', 'set', 'touch', 'destroy'] as const)) {
      if (fault) this.#always.set(operation, fault)
      else this.#always.delete(operation)
    }
  }

  get(id: string, ttl?: number): Promise<string | null> {
    return this.#ask({ operation: 'get', id, ttl }, () => this.inner.get(id, ttl))
  }

  set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult> {
    const call: Call = { operation: 'set', id, ttl, text, expected }
    return this.#ask(call, () => this.inner.set(id, text, ttl, expected))
  }

  touch(id: string, ttl: number): Promise<boolean> {
    return this.#ask({ operation: 'touch', id, ttl }, () => this.inner.touch(id, ttl))
  }

  destroy(id: string, expected?: string): Promise<DestroyResult> {
    return this.#ask({ operation: 'destroy', id, ttl: undefined }, () => this.inner.destroy(id, expected))
  }

  #ask<T>(call: Call, ask: () => Promise<T>): Promise<T> {
    this.calls.push(call)
    const fault = this.#next.get(call.operation)?.shift() ?? this.#always.get(call.operation)
    return fault ? (fault(ask, call) as Promise<T>) : ask()
  }
}
