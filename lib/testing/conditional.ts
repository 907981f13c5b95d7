import assert from 'node:assert/strict'
import { conditional } from './sentence'
import { assertConflict, assertKept, gone, keep, mayBeOver, MINUTE, newId, now, SHORT } from './tools'

/** `set` and `destroy` change only a text with the expected end, however many ask at once. */
export const comparisons = [
  conditional('set, nothing expected and nothing there: keeps', async (store) => {
    const id = newId()
    assertKept(await store.set(id, 'new', MINUTE, null), id)
    assert.equal(await store.get(id), 'new')
  }),

  conditional('set, nothing expected and something there: conflict with what is there', async (store) => {
    const id = await keep(store, newId(), 'theirs')
    assertConflict(await store.set(id, 'mine', MINUTE, null), 'theirs')
    assert.equal(await store.get(id), 'theirs')
  }),

  conditional('set, nothing expected and an empty text there: conflict', async (store) => {
    const id = await keep(store, newId(), '')
    assertConflict(await store.set(id, 'mine', MINUTE, null), '')
    assert.equal(await store.get(id), '')
  }),

  conditional(
    'set, a text expected and nothing there: conflict with null, and nothing is made',
    async (store) => {
      const id = newId()
      assertConflict(await store.set(id, 'mine', MINUTE, 'theirs'), null)
      assertConflict(await store.set(id, 'mine', MINUTE, ''), null)
      assert.equal(await store.get(id), null)
    }
  ),

  conditional('set, a text expected and there: keeps', async (store) => {
    const id = await keep(store, newId(), 'old')
    assertKept(await store.set(id, 'new', MINUTE, 'old'), id)
    assert.equal(await store.get(id), 'new')
  }),

  conditional('set, the end of a text expected and there: keeps', async (store) => {
    for (const [kept, end] of [
      ['{"n":1,"rev":"a1"}', '"a1"}'],
      ['before\0after', '\0after'],
      ['100%.-[]', '%.-[]'],
      ['尺寸 🙂', '寸 🙂'],
      ['anything', '']
    ] as const) {
      const id = await keep(store, newId(), kept)
      assertKept(await store.set(id, 'new', MINUTE, end), id)
      assert.equal(await store.get(id), 'new')
    }
  }),

  conditional('set, a text expected and another there: conflict with what is there', async (store) => {
    const id = await keep(store, newId(), 'theirs')
    for (const other of ['their', 'theirs ', 'Theirs', 'theirs\0', 'h', 'all theirs', 'null']) {
      assertConflict(await store.set(id, 'mine', MINUTE, other), 'theirs')
    }
    assert.equal(await store.get(id), 'theirs')
  }),

  conditional('set, a text expected that was destroyed or has expired: conflict with null', async (store) => {
    const destroyed = await keep(store, newId(), 'old')
    await store.destroy(destroyed)
    const began = now()
    const expired = await keep(store, newId(), 'old', SHORT)
    await gone(store, expired, began)
    for (const id of [destroyed, expired]) {
      assertConflict(await store.set(id, 'mine', MINUTE, 'old'), null)
      assert.equal(await store.get(id), null, 'something brought it back')
    }
  }),

  conditional('destroy, the end of a text expected and there: removes', async (store) => {
    for (const end of ['the text', 'text', '']) {
      const id = await keep(store, newId(), 'the text')
      assert.equal(await store.destroy(id, end), true)
      assert.equal(await store.get(id), null)
      assert.equal(await store.destroy(id, end), false)
    }
  }),

  conditional(
    'destroy, a text expected and another there: conflict, and nothing is removed',
    async (store) => {
      const id = await keep(store, newId(), 'theirs')
      for (const other of ['mine', 'their', 'all theirs', 'Theirs']) {
        assert.deepEqual(await store.destroy(id, other), { conflict: 'theirs' })
      }
      assert.equal(await store.get(id), 'theirs')
      const empty = await keep(store, newId(), '')
      assert.deepEqual(await store.destroy(empty, 'theirs'), { conflict: '' })
    }
  ),

  conditional('of a set and a destroy with the same expectation exactly one does it', async (store) => {
    for (let round = 0; round < 10; round++) {
      const id = await keep(store, newId(), 'first')
      // Each of the two comes first in half of the rounds.
      const early = round % 2 === 0 ? store.destroy(id, 'first') : undefined
      const setting = store.set(id, 'second', MINUTE, 'first')
      const [kept, removed] = await Promise.all([setting, early ?? store.destroy(id, 'first')])
      if (removed === true) assertConflict(kept, null)
      else {
        assertKept(kept, id)
        assert.deepEqual(removed, { conflict: 'second' })
      }
      assert.equal(await store.get(id), removed === true ? null : 'second')
    }
  }),

  conditional('a conflict leaves the life as it is', async (store) => {
    const began = now()
    const id = await keep(store, newId(), 'theirs', SHORT)
    const result = await store.set(id, 'mine', MINUTE, 'other')
    await store.destroy(id, 'other')
    // After so long on a busy machine there is nothing left to be in conflict with.
    if (!mayBeOver(began, SHORT)) assertConflict(result, 'theirs')
    await gone(store, id, began)
  }),

  conditional('of two sets with the same expectation exactly one keeps its text', async (store) => {
    for (const expected of [null, 'first']) {
      const id = newId()
      if (expected !== null) await keep(store, id, expected)
      const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`)
      const results = await Promise.all(texts.map((text) => store.set(id, text, MINUTE, expected)))
      const winners = texts.filter((_, index) => 'id' in results[index]!)
      assert.equal(winners.length, 1, `${winners.length} of ${texts.length} were kept`)
      assert.equal(await store.get(id), winners[0])
      for (const result of results) if ('conflict' in result) assert.equal(result.conflict, winners[0])
    }
  }),

  conditional('of 30 increments at once, each tried again on conflict, none is lost', async (store) => {
    const id = await keep(store, newId(), '0')
    const increment = async (): Promise<void> => {
      let kept = await store.get(id, MINUTE)
      for (;;) {
        const result = await store.set(id, String(Number(kept) + 1), MINUTE, kept)
        if ('id' in result) return
        kept = result.conflict
      }
    }
    await Promise.all(Array.from({ length: 30 }, increment))
    assert.equal(await store.get(id), '30')
  })
]
