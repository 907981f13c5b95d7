import type { Store } from '../stores/store'
import { comparisons } from './conditional'
import { contract } from './contract'
import { ends } from './ends'
import { failures } from './failures'
import { lives } from './lives'
import type { Sentence } from './sentence'
import { texts } from './texts'
import { users } from './users'

/** One sentence of the contract, as a test for any runner. */
export interface StoreTest {
  readonly name: string
  /**
   * Resolves where the store keeps the sentence, and where it declares that it cannot. Rejects where it breaks it: with
   * an AssertionError, or with what the store threw.
   */
  run(): Promise<void>
}

/** The options of {@link storeTests}. */
export interface StoreTestOptions {
  /**
   * A store of the same kind whose server does not answer: a client that was closed will do. All that it is asked has
   * to reject. Left out: that is not tested.
   */
  unreachable?: () => Store | Promise<Store>
}

/**
 * The tests of the contract of stores: plain functions, which run under any test runner. They use ids of their own, so
 * `make` may give the same store each time, and it need not be empty. A guarantee that a store does not claim (`conditional:
 * false`) is not asked of it.
 *
 * @example
 * ```ts
 * for (const { name, run } of storeTests(() => new MyStore())) test(name, run)
 * ```
 */
export function storeTests(
  make: () => Store | Promise<Store>,
  { unreachable }: StoreTestOptions = {}
): StoreTest[] {
  return [
    ...[contract, texts, comparisons, lives, ends, users].flat().map((sentence) => testOf(sentence, make)),
    ...(unreachable ? failures.map((sentence) => testOf(sentence, unreachable)) : [])
  ]
}

function testOf({ name, check }: Sentence, make: () => Store | Promise<Store>): StoreTest {
  return { name, run: async () => check(await make()) }
}
