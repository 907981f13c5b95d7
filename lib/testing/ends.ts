import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ended } from '../stores/store'
import { telling, watching, type With } from './sentence'
import { gone, keep, MINUTE, mayBeOver, newId, now, SHORT } from './tools'

/** How much longer a store may keep a text that counts in seconds, in milliseconds. */
const SECOND = 1000
/** How long a store may need to listen, and to be told, in milliseconds. */
const PATIENCE = 10_000

/** Where a store says how long texts live, and what was destroyed, it says it as it is. */
export const ends = [
  telling('life says how long a text will live', async (store) => {
    const began = now()
    const id = await keep(store, newId(), 'kept')
    await assertLife(store, id, MINUTE, began)
    await store.touch(id, 2 * MINUTE)
    await assertLife(store, id, 2 * MINUTE, began)
    await store.get(id, MINUTE / 2)
    await assertLife(store, id, MINUTE / 2, began)
  }),

  telling('life says null where nothing is kept', async (store) => {
    const id = newId()
    assert.equal(await store.life(id), null)
    await keep(store, id, 'kept')
    await store.destroy(id)
    assert.equal(await store.life(id), null)
  }),

  telling('life renews nothing', async (store) => {
    const began = now()
    const id = await keep(store, newId(), 'short', SHORT)
    const life = await store.life(id)
    if (!mayBeOver(began, SHORT)) assert.notEqual(life, null)
    await gone(store, id, began)
    assert.equal(await store.life(id), null)
  }),

  watching('watch tells once of what is destroyed, and by what it was replaced', async (store) => {
    const { heard, stop } = await listen(store)
    const [plain, moved, successor] = [
      await keep(store, newId(), 'a'),
      await keep(store, newId(), 'b'),
      newId()
    ]
    await store.destroy(plain)
    await store.destroy(moved, successor)
    await until(() => heard.some(({ id }) => id === moved))
    await until(() => heard.some(({ id }) => id === plain))
    stop()
    const about = (asked: string) => heard.filter(({ id }) => id === asked).map((one) => one.successor)
    assert.deepEqual(about(plain), [undefined])
    assert.deepEqual(about(moved), [successor])
  }),

  watching('watch tells of nothing that is there', async (store) => {
    const { heard, stop } = await listen(store)
    const id = await keep(store, newId(), 'old')
    await store.get(id, MINUTE)
    await store.touch(id, MINUTE)
    await keep(store, id, 'new', MINUTE, 'old')
    const other = await keep(store, newId(), 'other')
    await store.destroy(other)
    await until(() => heard.some((one) => one.id === other))
    stop()
    assert.ok(!heard.some((one) => one.id === id), 'it told of what was not destroyed')
  }),

  watching('each who watches is told, until it stops', async (store) => {
    const [first, second] = await Promise.all([listen(store), listen(store)])
    const both = await keep(store, newId(), 'both')
    await store.destroy(both)
    for (const { heard } of [first, second]) await until(() => heard.some(({ id }) => id === both))
    first.stop()
    first.stop()
    const one = await keep(store, newId(), 'one')
    await store.destroy(one)
    await until(() => second.heard.some(({ id }) => id === one))
    second.stop()
    assert.ok(!first.heard.some(({ id }) => id === one), 'it was told although it had stopped')
  })
]

async function assertLife(store: With<'life'>, id: string, life: number, began: number): Promise<void> {
  const left = await store.life(id)
  assert.ok(left !== null, 'it says that nothing is kept')
  assert.ok(left <= life + SECOND, 'it says a longer life')
  assert.ok(left >= life - (now() - began) - SECOND, 'it says a shorter life')
}

/** Watches, and resolves when the store listens: when it has told of something. */
async function listen(store: With<'watch'>): Promise<{ heard: Ended[]; stop: () => void }> {
  const heard: Ended[] = []
  const stop = store.watch(
    (ended) => heard.push(ended),
    () => undefined
  )
  await until(async () => {
    await store.destroy(await keep(store, newId(), 'does it listen?'))
    return heard.length > 0
  })
  return { heard, stop }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = now() + PATIENCE
  while (!(await holds())) {
    assert.ok(now() < end, 'it told nothing')
    await sleep(5)
  }
}
