import assert from 'node:assert/strict'
import { always, lasting } from './sentence'
import { assertKept, keep, MINUTE, newId } from './tools'

/** Every id that a session may have: 1 to 128 characters of A-Z a-z 0-9 - _, none of them special to the store. */
const IDS = ['a', 'x'.repeat(128), '__proto__', 'constructor', 'toString', '-_', '0']

/** Keeping and giving back, by id. */
export const contract = [
  always('says which contract it keeps', async (store) => {
    await Promise.resolve()
    assert.equal(store.contract, 1)
    for (const flag of [store.conditional ?? true, store.stateless ?? false])
      assert.equal(typeof flag, 'boolean', 'conditional and stateless are true or false')
    if (store.stateless) assert.equal(store.conditional, false, 'a stateless store cannot compare')
    const needsLife = (['index', 'watch'] as const).find((name) => typeof store[name] !== 'undefined')
    assert.ok(!needsLife || typeof store.life === 'function', `${needsLife} has no effect without life`)
  }),

  always('answers null where nothing was ever saved', async (store) => {
    assert.equal(await store.get(newId()), null)
    assert.equal(await store.get(newId(), MINUTE), null)
  }),

  always('keeps a text under the id that set answers with', async (store) => {
    const id = await keep(store, newId(), 'a text')
    assert.equal(await store.get(id), 'a text')
    assert.equal(await store.get(id, MINUTE), 'a text')
  }),

  lasting('answers with the id that it was given', async (store) => {
    const id = newId()
    assertKept(await store.set(id, 'a text', MINUTE, null), id)
  }),

  ...IDS.map((id) =>
    lasting(`takes any id: ${id.slice(0, 12)}${id.length > 12 ? '…' : ''}`, async (store) => {
      await store.destroy(id)
      assert.equal(await store.get(id), null)
      assert.equal(await store.touch(id, MINUTE), false)
      assertKept(await store.set(id, 'kept', MINUTE, null), id)
      assert.equal(await store.get(id), 'kept')
      assert.equal(await store.destroy(id), true)
    })
  ),

  lasting('keeps ids apart', async (store) => {
    // With a letter in it, the two spellings differ.
    const id = `${newId()}a`
    await keep(store, id, 'one')
    await keep(store, `${id}-`, 'two')
    assert.equal(await store.destroy(`${id}-`), true)
    assert.equal(await store.get(id), 'one')
    assert.equal(await store.get(id.toUpperCase()), null)
  }),

  always('touch says false where nothing is kept, and makes nothing', async (store) => {
    const id = newId()
    assert.equal(await store.touch(id, MINUTE), false)
    assert.equal(await store.get(id), null)
  }),

  lasting('touch changes nothing but the life', async (store) => {
    const id = await keep(store, newId(), 'kept')
    assert.equal(await store.touch(id, MINUTE), true)
    assert.equal(await store.get(id), 'kept')
  }),

  lasting('destroy removes, and says whether something was there', async (store) => {
    const id = await keep(store, newId(), 'kept')
    assert.equal(await store.destroy(id), true)
    assert.equal(await store.get(id), null)
    assert.equal(await store.destroy(id), false)
    assert.equal(await store.destroy(newId()), false)
  }),

  lasting('what was destroyed is not brought back by use', async (store) => {
    const id = await keep(store, newId(), 'old')
    await store.destroy(id)
    assert.equal(await store.touch(id, MINUTE), false)
    assert.equal(await store.get(id, MINUTE), null)
    assert.equal(await store.get(id), null, 'something brought it back')
  }),

  always('nodeOf, where there is one, answers with the same object each time', async (store) => {
    if (!store.nodeOf) return
    const id = newId()
    await store.get(id)
    const node = store.nodeOf(id)
    assert.ok(typeof node === 'object' && node !== null, 'not an object')
    await store.get(id)
    assert.ok(store.nodeOf(id) === node, 'another object')
  })
]
