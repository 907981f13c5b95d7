import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ended } from '../stores/store'
import { telling, watching, type With } from './sentence'
import { gone, keep, MINUTE, mayBeOver, newId, now, SHORT } from './tools'

/** How much longer a store may keep a text that counts in seconds, in milliseconds. */
const SECOND = 1000
/** How long a store may need to listen, and to hear, in milliseconds. */
const LONGEST = 10_000

/** A store that says how long texts live, or what ended, says it as it is. */
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

  watching('watch tells once of what is destroyed', async (store) => {
    const { heard, stop } = await listen(store)
    const [plain, compared] = [await keep(store, newId(), 'a'), await keep(store, newId(), 'b')]
    await store.destroy(plain)
    await store.destroy(compared, 'b')
    await store.destroy(plain)
    const last = await keep(store, newId(), 'c')
    await store.destroy(last)
    await until(() => [plain, compared, last].every((one) => heard.some(({ id }) => id === one)))
    stop()
    const about = (asked: string) => heard.filter(({ id }) => id === asked)
    for (const id of [plain, compared]) assert.deepEqual(about(id), [{ id }])
  }),

  watching('watch tells once of what moves, and where to', async (store) => {
    if (!store.notify) return
    const { heard, stop } = await listen(store)
    const [id, successor, last] = [newId(), newId(), await keep(store, newId(), 'last')]
    await keep(store, id, 'text')
    await store.notify({ id, successor })
    await store.destroy(last)
    await until(() => [id, last].every((one) => heard.some((ended) => ended.id === one)))
    stop()
    assert.deepEqual(
      heard.filter((ended) => ended.id === id),
      [{ id, successor }]
    )
    assert.equal(await store.get(id), 'text', 'notify changed what is kept')
    assert.equal(await store.get(successor), null, 'notify made something')
  }),

  watching('watch tells of nothing that is there', async (store) => {
    const { heard, stop } = await listen(store)
    const id = await keep(store, newId(), 'old')
    await store.get(id, MINUTE)
    await store.touch(id, MINUTE)
    await keep(store, id, 'new', MINUTE, 'old')
    if (store.conditional !== false) await store.destroy(id, 'old')
    const other = await keep(store, newId(), 'other')
    await store.destroy(other)
    await until(() => heard.some((one) => one.id === other))
    stop()
    assert.ok(!heard.some((one) => one.id === id), 'it told of something that was not destroyed')
  }),

  watching('all who watch hear of it, until they stop', async (store) => {
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
    assert.ok(!first.heard.some(({ id }) => id === one), 'it heard of an end after it had stopped')
  })
]

async function assertLife(store: With<'life'>, id: string, life: number, began: number): Promise<void> {
  const left = await store.life(id)
  assert.ok(left !== null, 'it says that nothing is kept')
  assert.ok(left <= life + SECOND, 'it says a longer life')
  assert.ok(left >= life - (now() - began) - SECOND, 'it says a shorter life')
}

/** Watches, and resolves when the store listens: when it has reported something. */
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
  const end = now() + LONGEST
  while (!(await holds())) {
    assert.ok(now() < end, 'it told nothing')
    await sleep(5)
  }
}
