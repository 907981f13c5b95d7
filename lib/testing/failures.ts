import assert from 'node:assert/strict'
import { always } from './sentence'
import { MINUTE, newId } from './tools'

/** A store that cannot say anything throws: null and false would be taken for answers. */
export const failures = [
  always('where it cannot say, get rejects', async (store) => {
    await assert.rejects(async () => store.get(newId()))
    await assert.rejects(async () => store.get(newId(), MINUTE))
  }),

  always('where it cannot say, set rejects', async (store) => {
    await assert.rejects(async () => store.set(newId(), 'text', MINUTE, null))
    await assert.rejects(async () => store.set(newId(), 'text', MINUTE, 'expected'))
  }),

  always('where it cannot say, touch rejects', async (store) => {
    await assert.rejects(async () => store.touch(newId(), MINUTE))
  }),

  always('where it cannot say, destroy rejects', async (store) => {
    await assert.rejects(async () => store.destroy(newId()))
  })
]
