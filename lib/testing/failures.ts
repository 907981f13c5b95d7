import assert from 'node:assert/strict'
import { always, indexed, telling } from './sentence'
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
    await assert.rejects(async () => store.destroy(newId(), 'expected'))
  }),

  telling('where it cannot say, life rejects', async (store) => {
    await assert.rejects(async () => store.life(newId()))
  }),

  always('where it cannot say, notify rejects', async (store) => {
    if (store.notify) await assert.rejects(async () => store.notify!({ id: newId(), successor: newId() }))
  }),

  indexed('where it cannot say, the index rejects', async ({ index }) => {
    const entry = { id: newId(), noted: 1, age: 0 }
    await assert.rejects(async () => index.add('user', entry.id, MINUTE))
    await assert.rejects(async () => index.list('user'))
    await assert.rejects(async () => index.end('user', MINUTE))
    await assert.rejects(async () => index.ended('user'))
    await assert.rejects(async () => index.renew('user', entry))
    await assert.rejects(async () => index.remove('user', entry))
  })
]
