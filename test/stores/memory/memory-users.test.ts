import { MemoryStore } from '../../../lib/stores/memory/memory-store'
import { advance } from '../../support/clock'
import { until } from '../../support/site'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const ids = async (store: MemoryStore, user = 'U'): Promise<string[]> =>
  (await store.index.list(user)).map(({ id }) => id)

async function login(store: MemoryStore, id: string, user = 'U', ttl = MINUTE): Promise<void> {
  await store.index.add(user, id, HOUR)
  await store.set(id, 'text', ttl, null)
}

describe('what ends takes its notes along, and nothing is left', () => {
  test.each<[string, (store: MemoryStore) => unknown]>([
    ['destroyed', (store) => store.destroy('a')],
    ['expired, and asked for', (store) => (advance(2 * MINUTE), store.get('a'))],
    ['pushed out', (store) => store.set('b', 'x'.repeat(1500), MINUTE, null)],
    ['dropped with all others', (store) => store.close()]
  ])('%s', async (_, end) => {
    const store = new MemoryStore({ maxBytes: 2000 })
    await login(store, 'a')
    await store.index.add('V', 'a', HOUR)
    await end(store)
    expect([await ids(store), await ids(store, 'V')]).toEqual([[], []])
    await store.destroy('b')
    expect([store.size, store.bytes]).toEqual([0, 0])
  })

  test('expired, and swept', async () => {
    const store = new MemoryStore()
    await login(store, 'a')
    advance(2 * MINUTE)
    await until(() => store.bytes === 0)
  })
})

describe('a login that never comes to its end', () => {
  test('leaves its note for a minute, counted from the last attempt', async () => {
    const store = new MemoryStore()
    await store.index.add('U', 'never', HOUR)
    await store.index.add('U', 'again', HOUR)
    await login(store, 'stored', 'U', 3 * HOUR)
    advance(MINUTE / 2)
    await store.index.add('U', 'again', HOUR)
    expect(await ids(store)).toEqual(['never', 'stored', 'again'])
    advance(MINUTE / 2)
    await login(store, 'other', 'V')
    expect(await ids(store)).toEqual(['stored', 'again'])
  })

  test('leaves nothing, although nobody comes afterwards', async () => {
    const store = new MemoryStore()
    await store.index.add('U', 'never', HOUR)
    expect(store.bytes).toBeGreaterThan(0)
    advance(MINUTE)
    await until(() => store.bytes === 0)
  })

  test('pushes nobody out, however many there are', async () => {
    const store = new MemoryStore({ maxBytes: 20_000 })
    const users = Array.from({ length: 30 }, (_, i) => `user-${i}`)
    for (const user of users) {
      await login(store, `id-${user}`, user)
      await store.get(`id-${user}`, MINUTE)
    }
    for (let i = 0; i < 400; i++) {
      await store.index.add(`visitor-${i}`, `failed-${i}`, HOUR)
      expect(store.bytes).toBeLessThanOrEqual(20_000)
    }
    for (const user of users) expect(await ids(store, user)).toEqual([`id-${user}`])
    for (const user of users) expect(await store.get(`id-${user}`)).toBe('text')
  })
})

test('a mark goes when its time is over, and nothing is left', async () => {
  const store = new MemoryStore()
  await store.index.end('U', MINUTE)
  expect(await store.index.ended('U')).not.toBeNull()
  expect(store.bytes).toBeGreaterThan(0)
  advance(MINUTE)
  expect(await store.index.ended('U')).toBeNull()
  await until(() => store.bytes === 0)
})

test('a change of the text leaves the notes as they are', async () => {
  const store = new MemoryStore()
  await login(store, 'a')
  const [before] = await store.index.list('U')
  await store.set('a', 'other', MINUTE, 'text')
  const [after] = await store.index.list('U')
  expect([after!.id, after!.noted]).toEqual(['a', before!.noted])
})

test('notes count as bytes, so that logins have to fit in, too', async () => {
  const store = new MemoryStore({ maxBytes: 20_000 })
  for (let i = 0; i < 200; i++) {
    await login(store, `id-${i}`, `user-${i}`)
    expect(store.bytes).toBeLessThanOrEqual(20_000)
  }
  expect(store.size).toBeGreaterThan(20)
  for (let i = 0; i < 200; i++)
    expect((await ids(store, `user-${i}`)).length).toBe(i < 200 - store.size ? 0 : 1)
})
