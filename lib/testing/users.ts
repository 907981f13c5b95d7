import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IndexEntry, SessionIndex } from '../stores/store'
import { indexed } from './sentence'
import { keep, mayBeOver, MINUTE, newId, now, SHORT } from './tools'

/** As applications name their users. The text behind keeps them apart from those of other runs. */
const USERS = [
  'test',
  'Test',
  '测试',
  '{a}b',
  '{b}a',
  'a b',
  'a\0b',
  'user:a',
  '__proto__',
  "a'; --",
  'x'.repeat(500)
]

/** How much later than asked for a mark may go, in milliseconds. */
const SLOW = 2000

const newUser = (): string => `test-${newId()}`
const idsOf = (entries: readonly IndexEntry[]): string[] => entries.map(({ id }) => id)

async function note(index: SessionIndex, user: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, newId)
  for (const id of ids) await index.add(user, id, MINUTE)
  return ids
}

async function entryOf(index: SessionIndex, user: string, id: string): Promise<IndexEntry> {
  const entry = (await index.list(user)).find((one) => one.id === id)
  assert.ok(entry, 'what was noted is not there')
  return entry
}

/** Which sessions may be whose. */
export const users = [
  indexed('of a user for whom nothing was noted, the index lists nothing', async ({ index }) => {
    assert.deepEqual(await index.list(newUser()), [])
  }),

  indexed('the index lists what was noted, noted longest ago first', async ({ index }) => {
    const user = newUser()
    const ids = await note(index, user, 12)
    assert.deepEqual(idsOf(await index.list(user)), ids)
  }),

  indexed('the index keeps users apart, whatever their names', async ({ index }) => {
    const mark = newId()
    const noted = new Map(USERS.map((user) => [user + mark, newId()]))
    for (const [user, id] of noted) await index.add(user, id, MINUTE)
    for (const [user, id] of noted) assert.deepEqual(idsOf(await index.list(user)), [id], user)
  }),

  indexed('the index may have one id under several users', async ({ index }) => {
    const [one, other, id] = [newUser(), newUser(), newId()]
    await index.add(one, id, MINUTE)
    await index.add(other, id, MINUTE)
    await index.remove(one, await entryOf(index, one, id))
    assert.deepEqual(await index.list(one), [])
    assert.deepEqual(idsOf(await index.list(other)), [id])
  }),

  indexed('what is noted is not kept: neither as a text nor in the way of one', async (store) => {
    const [user, id] = [newId(), newId()]
    await store.index.add(user, id, MINUTE)
    for (const one of [id, user]) {
      assert.equal(await store.get(one), null)
      await keep(store, one, 'text')
    }
    assert.deepEqual(idsOf(await store.index.list(user)), [id])
  }),

  indexed('a text stays in the index while it is changed and renewed', async (store) => {
    const [user, id] = [newUser(), newId()]
    await store.index.add(user, id, MINUTE)
    await keep(store, id, 'one')
    await keep(store, id, 'two', MINUTE, 'one')
    await store.get(id, MINUTE)
    await store.touch(id, MINUTE)
    assert.deepEqual(idsOf(await store.index.list(user)), [id])
  }),

  indexed('add answers with the two others that were noted longest ago', async ({ index }) => {
    const user = newUser()
    const [one, two, three, four] = Array.from({ length: 4 }, newId) as [string, string, string, string]
    const oldest = async (id: string) => idsOf((await index.add(user, id, MINUTE)).oldest)
    assert.deepEqual(await oldest(one), [])
    assert.deepEqual(await oldest(two), [one])
    assert.deepEqual(await oldest(three), [one, two])
    assert.deepEqual(await oldest(four), [one, two])
    assert.deepEqual(await oldest(one), [two, three])
    await index.end(user, MINUTE, 1)
    assert.deepEqual(await oldest(two), [three, four])
  }),

  indexed('add answers with the moment of the noting', async ({ index }) => {
    const [user, id] = [newUser(), newId()]
    for (let times = 1; times <= 3; times++) {
      const { noted } = await index.add(user, id, MINUTE)
      assert.equal(noted, (await entryOf(index, user, id)).noted)
    }
  }),

  indexed('an entry says when it was noted, and how long ago that is', async ({ index }) => {
    const [user, id] = [newUser(), newId()]
    const before = now()
    await index.add(user, id, MINUTE)
    const after = now()
    await sleep(SHORT)
    const asked = now()
    const entry = await entryOf(index, user, id)
    const [least, most] = [asked - after, now() - before]
    // Either clock may count a little faster.
    assert.ok(entry.age >= least - 25 && entry.age <= most + 25, `${entry.age}, not ${least} to ${most}`)
    assert.equal((await entryOf(index, user, id)).noted, entry.noted)
    const later = await index.add(user, newId(), MINUTE)
    const [passed, longest] = [(later.noted - entry.noted) / 1000, now() - before]
    assert.ok(passed >= SHORT - 25 && passed <= longest + 25, `${passed} ms, not ${SHORT} to ${longest}`)
  }),

  indexed('an id that is noted anew comes last, with another noting', async ({ index }) => {
    const user = newUser()
    const [id, other] = (await note(index, user, 2)) as [string, string]
    const seen = new Set([(await entryOf(index, user, id)).noted])
    for (let times = 1; times <= 5; times++) {
      await index.add(user, id, MINUTE)
      seen.add((await entryOf(index, user, id)).noted)
    }
    assert.equal(seen.size, 6, 'two notings look the same')
    assert.deepEqual(idsOf(await index.list(user)), [other, id])
  }),

  indexed('renew notes an id anew', async ({ index }) => {
    const user = newUser()
    const [id, other] = (await note(index, user, 2)) as [string, string]
    const before = await entryOf(index, user, id)
    await index.renew(user, before)
    assert.notEqual((await entryOf(index, user, id)).noted, before.noted)
    assert.deepEqual(idsOf(await index.list(user)), [other, id])
  }),

  indexed('remove takes an id out', async ({ index }) => {
    const user = newUser()
    const [id, other] = (await note(index, user, 2)) as [string, string]
    await index.remove(user, await entryOf(index, user, id))
    assert.deepEqual(idsOf(await index.list(user)), [other])
    await index.remove(user, await entryOf(index, user, other))
    assert.deepEqual(await index.list(user), [])
  }),

  indexed('neither renew nor remove does anything to an id that was noted anew', async ({ index }) => {
    const user = newUser()
    const [id, other] = (await note(index, user, 2)) as [string, string]
    const old = await entryOf(index, user, id)
    await index.add(user, id, MINUTE)
    await index.add(user, other, MINUTE)
    const kept = await index.list(user)
    await index.renew(user, old)
    await index.remove(user, old)
    const ages = ({ id, noted }: IndexEntry) => [id, noted]
    assert.deepEqual((await index.list(user)).map(ages), kept.map(ages))
  }),

  indexed('neither renew nor remove brings anything back', async ({ index }) => {
    const user = newUser()
    const [id] = (await note(index, user, 2)) as [string, string]
    const entry = await entryOf(index, user, id)
    await index.remove(user, entry)
    await index.remove(user, entry)
    await index.renew(user, entry)
    assert.equal((await index.list(user)).length, 1)
  }),

  indexed('what is noted stays for its life, however short that of others is', async ({ index }) => {
    const user = newUser()
    const [long, short] = [newId(), newId()]
    await index.add(user, long, MINUTE)
    await index.add(user, short, SHORT)
    await sleep(2 * SHORT)
    assert.ok(idsOf(await index.list(user)).includes(long), 'it went with another one')
    await index.end(user, SHORT)
    await sleep(2 * SHORT)
    await index.add(user, short, SHORT)
    // On a busy machine it may have gone by now.
    const entry = (await index.list(user)).find(({ id }) => id === short)
    if (entry) await index.remove(user, entry)
    assert.ok(idsOf(await index.list(user)).includes(long), 'it went with a mark')
  }),

  indexed('no logins of a user are ended before end was called', async ({ index }) => {
    const user = newUser()
    assert.equal(await index.ended(user), null)
    await note(index, user, 2)
    assert.equal(await index.ended(user), null)
  }),

  indexed(
    'end answers with all ids, and its mark lies after them and before those to come',
    async ({ index }) => {
      const user = newUser()
      assert.deepEqual(await index.end(user, MINUTE), [])
      const ids = await note(index, user, 6)
      const entries = await index.end(user, MINUTE)
      assert.deepEqual(idsOf(entries), ids)
      const mark = await index.ended(user)
      assert.ok(mark, 'there is no mark')
      assert.equal(mark.except, undefined)
      for (const { noted } of entries) assert.ok(noted <= mark.at, 'a login of before comes after the mark')
      const { noted } = await index.add(user, ids[0]!, MINUTE)
      assert.ok(noted > mark.at, 'a login of afterwards comes before the mark')
      await index.renew(user, await entryOf(index, user, ids[1]!))
      assert.ok(
        (await entryOf(index, user, ids[1]!)).noted > mark.at,
        'a noting of afterwards comes before the mark'
      )
      assert.equal((await index.list(user)).length, ids.length, 'the mark is listed')
    }
  ),

  indexed('a later mark replaces an earlier one, with its exception and its life', async ({ index }) => {
    const user = newUser()
    const { noted } = await index.add(user, newId(), MINUTE)
    await index.end(user, SHORT, noted)
    const first = await index.ended(user)
    await index.end(user, MINUTE)
    await sleep(2 * SHORT)
    const second = await index.ended(user)
    assert.ok(second, 'the mark went with the one before it')
    assert.equal(second.except, undefined)
    if (first) assert.ok(second.at > first.at, 'the mark is that of before')
    await index.end(user, MINUTE, noted)
    assert.equal((await index.ended(user))?.except, noted)
  }),

  indexed('a mark counts for its time, and goes although the ids stay', async ({ index }) => {
    const user = newUser()
    const began = now()
    await index.end(user, SHORT)
    const asked = await index.ended(user)
    if (!mayBeOver(began, SHORT)) assert.ok(asked, 'the mark went too early')
    const [id] = await note(index, user, 1)
    const end = now() + SHORT + SLOW
    while ((await index.ended(user)) !== null) {
      assert.ok(now() < end, 'the mark stays')
      await sleep(5)
    }
    assert.deepEqual(idsOf(await index.list(user)), [id])
  }),

  indexed('a mark outlives the last id, and concerns no other user', async ({ index }) => {
    const [user, other] = [newUser(), newUser()]
    await note(index, other, 1)
    const [id] = (await note(index, user, 1)) as [string]
    await index.end(user, MINUTE)
    await index.remove(user, await entryOf(index, user, id))
    assert.deepEqual(await index.list(user), [])
    assert.ok(await index.ended(user), 'the mark went with the last id')
    assert.equal(await index.ended(other), null)
  })
]
