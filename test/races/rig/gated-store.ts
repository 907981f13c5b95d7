import { AsyncLocalStorage } from 'node:async_hooks'
import type { Draft, Repository } from '../../../lib/repository/repository'
import type { DestroyResult, SetResult, Store } from '../../../lib/stores/store'
import type { Operation } from './model'

/** What the code that runs now was asked by. */
export const asking = new AsyncLocalStorage<{ operation: Operation }>()

/** One call of a store, stopped in front of it. */
export interface Command {
  readonly name: 'get' | 'set' | 'touch' | 'destroy'
  readonly id: string
  /** Whose changes are in it. */
  readonly by: readonly Operation[]
  apply(): Promise<unknown>
}

/** A store whose every call waits until the schedule opens its gate. */
export class GatedStore implements Store {
  readonly contract = 1

  /** Whose drafts the next write of an id holds. */
  readonly drafted = new Map<string, Operation[]>()

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

  destroy(id: string, expected?: string): Promise<DestroyResult> {
    return this.#stop('destroy', id, () => this.store.destroy(id, expected))
  }

  #stop<T>(name: Command['name'], id: string, apply: () => Promise<T>): Promise<T> {
    const drafted = name === 'set' ? this.drafted.get(id) : undefined
    if (drafted) this.drafted.delete(id)
    const by = drafted ?? [asking.getStore()!.operation]
    return this.gate({ name, id, by, apply }) as Promise<T>
  }
}

/** Has a repository say whose changes each write holds: those that wait for each other become one write. */
export function tellWhose(repository: Repository, { drafted }: GatedStore): void {
  const commit = repository.commit.bind(repository)
  repository.commit = (id, known, draft, budget) => {
    const scope = asking.getStore()!
    const { operation } = scope
    const note = (made: Draft | undefined) => {
      if (made) drafted.set(id, [...(drafted.get(id) ?? []), operation])
      return made
    }
    const noting: typeof draft = (latest) => {
      const made = asking.run(scope, () => draft(latest))
      return made instanceof Promise ? made.then(note) : note(made)
    }
    return commit(id, known, noting, budget)
  }
}
