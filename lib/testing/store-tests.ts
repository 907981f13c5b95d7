import type { Store } from '../stores/store'
import { comparisons } from './conditional'
import { contract } from './contract'
import { ends } from './ends'
import { failures } from './failures'
import { lives } from './lives'
import type { Sentence } from './sentence'
import { texts } from './texts'
import { users } from './users'

/** One requirement of the contract, as a test for any runner. */
export interface StoreTest {
  readonly name: string
  /**
   * Resolves if the store meets the requirement, or declares that it cannot. Otherwise rejects with an
   * AssertionError, or with the error that the store threw.
   */
  run(): Promise<void>
}

/** Options of {@link storeTests}. */
export interface StoreTestOptions {
  /**
   * Makes a store of the same kind whose server does not answer, for example with a closed client. Each of its calls
   * has to reject. Without this option, that is not tested.
   */
  unreachable?: () => Store | Promise<Store>
}

/**
 * Returns the tests of the store contract: plain functions that run under any test runner. They use ids of their own,
 * so `make` may return the same store each time, and the store need not be empty. They skip guarantees that a store
 * does not claim (`conditional: false`).
 *
 * @throws TypeError for something else than functions, or an unknown option
 * @example
 * ```ts
 * for (const { name, run } of storeTests(() => new MyStore())) test(name, run)
 * ```
 */
export function storeTests(make: () => Store | Promise<Store>, options: StoreTestOptions = {}): StoreTest[] {
  const { unreachable } = { ...options }
  const unknown = Object.keys({ ...options }).find((name) => name !== 'unreachable')
  if (unknown !== undefined) throw new TypeError(`storeTests has one option, unreachable, and not ${unknown}`)
  const isMisused = typeof (options as unknown) === 'function' || typeof (unreachable ?? make) !== 'function'
  if (typeof make !== 'function' || isMisused)
    throw new TypeError(
      'storeTests takes functions that make stores: storeTests(() => store), or with { unreachable: () => store }'
    )
  return [
    ...[contract, texts, comparisons, lives, ends, users].flat().map((sentence) => testOf(sentence, make)),
    ...(unreachable ? failures.map((sentence) => testOf(sentence, unreachable)) : [])
  ]
}

function testOf({ name, check }: Sentence, make: () => Store | Promise<Store>): StoreTest {
  return { name, run: async () => check(await make()) }
}
