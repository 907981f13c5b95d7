import { MemoryStore } from '../../../lib/stores/memory/memory-store'
import { advance } from '../../support/clock'

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
    jest.useFakeTimers()
    try {
      const store = new MemoryStore()
      await login(store, 'a')
      jest.advanceTimersByTime(2 * MINUTE)
      expect(store.bytes).toBe(0)
    } finally {
      jest.useRealTimers()
    }
  })
})

test('what was never stored stays for an hour', async () => {
  const store = new MemoryStore()
  await store.index.add('U', 'never', HOUR)
  await login(store, 'stored', 'U', 3 * HOUR)
  advance(HOUR - MINUTE)
  await login(store, 'other', 'V')
  expect(await ids(store)).toEqual(['never', 'stored'])
  advance(2 * MINUTE)
  await login(store, 'next', 'V')
  expect(await ids(store)).toEqual(['stored'])
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
