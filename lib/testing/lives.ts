import assert from 'node:assert/strict'
import { always, lasting } from './sentence'
import { gone, keep, MINUTE, newId, now, outlives, SHORT } from './tools'

/** Every text lives for as long as was last said, and no longer. */
export const lives = [
  always('forgets a text when its life is over, and not before', async (store) => {
    const began = now()
    const id = await keep(store, newId(), 'short', SHORT)
    await gone(store, id, began)
    assert.equal(await store.get(id, MINUTE), null)
    assert.equal(await store.get(id), null, 'reading brought it back')
  }),

  lasting('get with a ttl renews the life', async (store) => {
    assert.equal(await outlives(store, (id) => store.get(id, MINUTE)), 'text')
  }),

  lasting('get without a ttl leaves the life as it is', async (store) => {
    const began = now()
    const id = await keep(store, newId(), 'short', SHORT)
    await store.get(id)
    await gone(store, id, began)
  }),

  lasting('get with a ttl can shorten the life', async (store) => {
    const id = await keep(store, newId(), 'long')
    const began = now()
    assert.equal(await store.get(id, SHORT), 'long')
    await gone(store, id, began)
  }),

  lasting('touch renews the life', async (store) => {
    assert.equal(await outlives(store, (id) => store.touch(id, MINUTE)), true)
  }),

  lasting('touch can shorten the life', async (store) => {
    const id = await keep(store, newId(), 'long')
    const began = now()
    assert.equal(await store.touch(id, SHORT), true)
    await gone(store, id, began)
  }),

  lasting('set gives the new text a life of its own', async (store) => {
    const id = await keep(store, newId(), 'long')
    const began = now()
    await keep(store, id, 'short', SHORT, 'long')
    await gone(store, id, began)
    const result = await outlives(store, (other) => store.set(other, 'text', MINUTE, 'text'))
    assert.ok('id' in result, 'set found a conflict where there is none')
  }),

  lasting('what has expired is nothing', async (store) => {
    const began = now()
    const id = await keep(store, newId(), 'old', SHORT)
    await gone(store, id, began)
    assert.equal(await store.touch(id, MINUTE), false)
    assert.equal(await store.destroy(id), false)
    assert.equal(await store.get(id, MINUTE), null, 'something brought it back')
    await keep(store, id, 'new')
    assert.equal(await store.get(id), 'new')
  })
]
