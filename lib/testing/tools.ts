import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SetResult, Store } from '../stores/store'

export const MINUTE = 60_000
/** A life that ends within the test, in milliseconds. */
export const SHORT = 150
/** How much earlier than the test's own clock a store may see the end of a life, in milliseconds. */
const SKEW = 25
/** How much later, in milliseconds. */
const DELAY = 2000
/** A store that needs so many milliseconds for two answers cannot be tested. */
const TOO_SLOW = 20_000

/** The time since the process began, in milliseconds: fake timers of a test runner do not stop it. */
export const now = (): number => performance.now()

export const newId = (): string => randomBytes(32).toString('base64url')

/** Keeps a text where nothing is in the way, and answers with the id to ask for it. */
export async function keep(
  store: Store,
  id: string,
  text: string,
  ttl = MINUTE,
  expected: string | null = null
): Promise<string> {
  const result = await store.set(id, text, ttl, expected)
  assert.ok('id' in result, 'set found a conflict where there is none')
  return result.id
}

/** The text was kept, under the id that was given. */
export function assertKept(result: SetResult, id: string): void {
  assert.ok('id' in result, 'set found a conflict where there is none')
  assert.equal(result.id, id, 'set answered with another id')
}

/** Nothing was kept, because of the text that is there instead, or because nothing is (null). */
export function assertConflict(result: SetResult, kept: string | null): void {
  assert.ok('conflict' in result && !('id' in result), 'set did not compare with what is kept')
  assert.equal(result.conflict, kept, 'the conflict does not say what is kept')
}

/** Whether a life that began then may be over by now. */
export function mayBeOver(began: number, life: number): boolean {
  return now() - began > life - SKEW
}

/**
 * Reads until nothing is kept under the id any more, and checks that it was time.
 *
 * @param began - When the store was asked for this life, by {@link now}. By now it has answered.
 */
export async function gone(store: Store, id: string, began: number, life = SHORT): Promise<void> {
  const latest = now() + life + DELAY
  for (;;) {
    // However long the answer takes, it is about a time after the question.
    const overdue = now() > latest
    if ((await store.get(id)) === null) break
    assert.ok(!overdue, 'it did not expire')
    await sleep(5)
  }
  assert.ok(now() - began >= life - SKEW, 'it expired too early')
}

/**
 * Two texts with the same short life, of which the first is renewed: it has to be there when the other has gone.
 * Answers with what the renewal did.
 */
export async function outlives<T>(store: Store, renew: (id: string) => Promise<T>): Promise<T> {
  for (let life = SHORT; ; life *= 2) {
    const [renewed, left] = [newId(), newId()]
    const began = now()
    await keep(store, renewed, 'text', life)
    const result = await renew(renewed)
    if (mayBeOver(began, life)) {
      assert.ok(life < TOO_SLOW, 'the store is too slow to be tested')
      continue
    }
    const since = now()
    await keep(store, left, 'text', life)
    await gone(store, left, since, life)
    assert.equal(await store.get(renewed), 'text', 'the life was not renewed')
    return result
  }
}
