import { AsyncLocalStorage } from 'node:async_hooks'
import type { SetResult, Store } from '../../../lib/stores/store'
import type { Operation } from './model'

/** What the code that runs now was asked by. */
export const asking = new AsyncLocalStorage<{ operation: Operation }>()

/** One call of a store, stopped in front of it. */
export interface Command {
  readonly name: 'get' | 'set' | 'touch' | 'destroy'
  readonly id: string
  readonly by: Operation
  apply(): Promise<unknown>
}

/** A store whose every call waits until the schedule opens its gate. */
export class GatedStore implements Store {
  readonly contract = 1

  /** @param gate - resolves to what the caller is answered */
  constructor(
    private readonly store: Store,
    private readonly gate: (command: Command) => Promise<unknown>
  ) {}

  get(id: string, ttl?: number): Promise<string | null> {
    return this.#stop('get', id, () => this.store.get(id, ttl))
  }

  set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult> {
    return this.#stop('set', id, () => this.store.set(id, text, ttl, expected))
  }

  touch(id: string, ttl: number): Promise<boolean> {
    return this.#stop('touch', id, () => this.store.touch(id, ttl))
  }

  destroy(id: string): Promise<boolean> {
    return this.#stop('destroy', id, () => this.store.destroy(id))
  }

  #stop<T>(name: Command['name'], id: string, apply: () => Promise<T>): Promise<T> {
    const { operation: by } = asking.getStore()!
    return this.gate({ name, id, by, apply }) as Promise<T>
  }
}
