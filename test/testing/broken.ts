import { MemoryStore } from '../../lib/stores/memory/memory-store'
import type { SetResult, Store } from '../../lib/stores/store'

/** A store that breaks a sentence of the contract, and the test that has to say so. */
export interface Broken {
  readonly make: () => Store
  readonly breaks: string
}

/** No more than every store has. */
export function plain(real: MemoryStore): Store {
  return {
    contract: 1,
    get: (id, ttl) => real.get(id, ttl),
    set: (...args) => real.set(...args),
    touch: (id, ttl) => real.touch(id, ttl),
    destroy: (...args) => real.destroy(...args)
  }
}

/** A good store of which some methods are replaced. */
export function broken(breaks: string, change: (real: MemoryStore) => Partial<Store>): Broken {
  return {
    breaks,
    make: () => {
      const real = new MemoryStore()
      return { ...plain(real), ...change(real) }
    }
  }
}

/** Keeps whatever comes, without looking. */
export async function overwrite(
  real: Store,
  ...[id, text, ttl]: Parameters<Store['set']>
): Promise<SetResult> {
  for (;;) {
    const result = await real.set(id, text, ttl, await real.get(id))
    if ('id' in result) return result
  }
}
