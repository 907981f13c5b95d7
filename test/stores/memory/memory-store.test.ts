import { SessionError } from '../../../lib/errors'
import { MemoryStore } from '../../../lib/stores/memory/memory-store'
import { storeTests } from '../../../lib/store-tests'
import { advance } from '../../support/clock'
import { atEnd } from '../../support/serve'
import { until } from '../../support/site'
import { runAlone } from '../redis/child'
import { testLives } from '../life-tests'

const MINUTE = 60_000

describe('MemoryStore keeps the contract', () => {
  const store = new MemoryStore()
  afterAll(() => store.close())
  for (const { name, run } of storeTests(() => store)) test(name, run)
  testLives(() => store)
})

/** A store with room for about `count` texts of 1000 characters under ids of 4. */
const roomFor = (count: number): MemoryStore => new MemoryStore({ maxBytes: count * 1100 })
const TEXT = 'x'.repeat(1000)

/** Which of the ids are still there. */
async function kept(store: MemoryStore, ids: string[]): Promise<string[]> {
  const texts = await Promise.all(ids.map((id) => store.get(id)))
  return ids.filter((_, i) => texts[i] !== null)
}

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => prefix + String(i).padStart(3, '0'))

describe('room', () => {
  test('is counted in bytes, by id and text, and given back', async () => {
    const store = new MemoryStore()
    expect([store.size, store.bytes]).toEqual([0, 0])
    await store.set('id', 'x'.repeat(100), MINUTE, null)
    expect([store.size, store.bytes]).toEqual([1, 96 + 2 + 100])
    await store.set('id', '第'.repeat(100), MINUTE, 'x'.repeat(100))
    expect([store.size, store.bytes]).toEqual([1, 96 + 2 + 200])
    await store.set('two', '', MINUTE, null)
    expect([store.size, store.bytes]).toEqual([2, 96 + 2 + 200 + 96 + 3])
    await store.destroy('id')
    await store.destroy('two')
    expect([store.size, store.bytes]).toEqual([0, 0])
  })

  test('is never exceeded, whatever comes', async () => {
    const store = roomFor(50)
    for (const id of names('a', 300)) {
      await store.set(id, TEXT, MINUTE, null)
      if (id.endsWith('7')) await store.get(id, MINUTE)
      if (id.endsWith('9')) await store.set(id, TEXT + TEXT + TEXT, MINUTE, TEXT)
      expect(store.bytes).toBeLessThanOrEqual(50 * 1100)
    }
    expect(store.size).toBeGreaterThan(20)
  })

  test('the session that was made last is always there', async () => {
    const store = roomFor(1)
    for (const id of names('a', 5)) {
      expect(await store.set(id, TEXT, MINUTE, null)).toEqual({ id })
      expect(await store.get(id)).toBe(TEXT)
      expect(store.size).toBe(1)
    }
  })

  test.each([
    ['one write', (_store: MemoryStore, _id: string) => Promise.resolve()],
    ['two writes', (store: MemoryStore, id: string) => store.set(id, TEXT, MINUTE, TEXT)],
    ['a write and a renewal', (store: MemoryStore, id: string) => store.touch(id, MINUTE)],
    ['a write and another look', (store: MemoryStore, id: string) => store.get(id)]
  ])('a flood of first visits does not push out sessions that came again: %s', async (_, use) => {
    const store = roomFor(100)
    const users = names('u', 40)
    for (const id of users) {
      await store.set(id, TEXT, MINUTE, null)
      await store.get(id, MINUTE)
      await store.set(id, TEXT, MINUTE, TEXT)
    }
    for (const id of names('f', 2000)) {
      await store.set(id, TEXT, MINUTE, null)
      await use(store, id)
    }
    expect(await kept(store, users)).toEqual(users)
  })

  test('of those that were never used again the oldest goes first', async () => {
    const store = roomFor(10)
    const ids = names('a', 25)
    for (const id of ids) await store.set(id, TEXT, MINUTE, null)
    expect(await kept(store, ids)).toEqual(ids.slice(15))
  })

  test('of those that were used the one that was not used for longest goes first', async () => {
    const store = roomFor(10)
    const ids = names('a', 10)
    for (const id of ids) {
      await store.set(id, TEXT, MINUTE, null)
      await store.get(id, MINUTE)
    }
    await store.get('a000', MINUTE)
    // Only eight may be protected: the two that were not used for longest are not.
    for (const id of names('n', 2)) await store.set(id, TEXT, MINUTE, null)
    expect(await kept(store, ids)).toEqual(['a000', ...ids.slice(3)])
  })

  test('new sessions have room even where all others are in use', async () => {
    const store = roomFor(20)
    for (const id of names('u', 20)) {
      await store.set(id, TEXT, MINUTE, null)
      await store.get(id, MINUTE)
    }
    const fresh = names('n', 4)
    for (const id of fresh) await store.set(id, TEXT, MINUTE, null)
    expect(await kept(store, fresh)).toEqual(fresh)
  })

  test('one session may fill it, and then makes room', async () => {
    const store = roomFor(10)
    for (const id of names('a', 8)) {
      await store.set(id, TEXT, MINUTE, null)
      await store.get(id, MINUTE)
    }
    const large = 'x'.repeat(10 * 1100 - 96 - 4)
    expect(await store.set('a000', large, MINUTE, TEXT)).toEqual({ id: 'a000' })
    expect(store.size).toBe(1)
    expect(await store.get('a000')).toBe(large)
    expect(await store.set('next', TEXT, MINUTE, null)).toEqual({ id: 'next' })
    expect(await kept(store, ['a000', 'next'])).toEqual(['next'])
  })

  test('a text larger than all of it is refused, and nothing else has to go', async () => {
    const store = roomFor(2)
    await store.set('one', TEXT, MINUTE, null)
    const large = 'x'.repeat(2 * 1100)
    await expect(store.set('two', large, MINUTE, null)).rejects.toMatchObject({
      code: 'ERR_SESSION_DATA',
      message: expect.stringContaining('maxBytes') as string
    })
    await expect(store.set('one', large, MINUTE, TEXT)).rejects.toBeInstanceOf(SessionError)
    expect(await store.get('one')).toBe(TEXT)
  })

  test.each([0, -1, NaN, '1MB' as unknown as number, null as unknown as number])(
    'maxBytes: %p is an error',
    (maxBytes) => {
      expect(() => new MemoryStore({ maxBytes })).toThrow(
        expect.objectContaining({ code: 'ERR_SESSION_OPTIONS' })
      )
    }
  )
})

describe('a store that grows and shrinks', () => {
  test('finds each of 10,000 sessions through sets, uses and removals in any order', async () => {
    const store = new MemoryStore({ maxBytes: Infinity })
    const model = new Map<string, string>()
    let random = 42
    const next = (below: number): number => (random = (random * 48_271) % 2_147_483_647) % below
    const wrong: string[] = []
    for (let i = 0; i < 60_000; i++) {
      const id = `id-${next(10_000)}`
      const expected = model.get(id) ?? null
      if (next(4) === 0) {
        if ((await store.destroy(id)) !== model.delete(id)) wrong.push(id)
      } else if (next(2) === 0) {
        if ((await store.get(id)) !== expected) wrong.push(id)
      } else {
        if (!('id' in (await store.set(id, `text ${i}`, MINUTE, expected)))) wrong.push(id)
        model.set(id, `text ${i}`)
      }
    }
    expect(store.size).toBe(model.size)
    for (const [id, text] of model) if ((await store.get(id)) !== text) wrong.push(id)
    for (const id of model.keys()) if (!(await store.destroy(id))) wrong.push(id)
    expect(wrong).toEqual([])
    expect([store.size, store.bytes]).toEqual([0, 0])
  })
})

describe('expired sessions', () => {
  test('go without anybody asking', async () => {
    const store = new MemoryStore()
    for (const id of names('a', 3000)) await store.set(id, TEXT, 2 * MINUTE, null)
    await store.set('long', TEXT, 10 * MINUTE, null)
    advance(MINUTE)
    expect(store.size).toBe(3001)
    advance(MINUTE)
    await until(() => store.size === 1)
    expect(store.bytes).toBe(1000 + 4 + 96)
    advance(10 * MINUTE)
    await until(() => store.size === 0)
    expect(store.bytes).toBe(0)
  })

  test('are never given out, although they are not swept yet', async () => {
    const store = new MemoryStore()
    await store.set('id', TEXT, MINUTE, null)
    await store.get('id', 2 * MINUTE)
    advance(1.5 * MINUTE)
    expect(await store.get('id')).toBe(TEXT)
    advance(MINUTE / 2)
    expect(await store.get('id')).toBeNull()
    expect([store.size, store.bytes]).toEqual([0, 0])
  })

  test('do not come back, and a new session under the id has a life of its own', async () => {
    const store = new MemoryStore()
    await store.set('id', TEXT, MINUTE, null)
    advance(MINUTE)
    expect(await store.touch('id', MINUTE)).toBe(false)
    expect(await store.set('id', 'new', 2 * MINUTE, null)).toEqual({ id: 'id' })
    advance(MINUTE)
    expect(await store.get('id')).toBe('new')
  })

  test('are those of the monotonic clock: setting the system clock changes nothing', async () => {
    atEnd(jest.useFakeTimers({ doNotFake: ['performance', 'setTimeout', 'setImmediate'] }), (it) =>
      it.useRealTimers()
    )
    const store = new MemoryStore()
    await store.set('id', TEXT, MINUTE, null)
    jest.setSystemTime(Date.now() + 1000 * MINUTE)
    expect(await store.get('id')).toBe(TEXT)
    jest.setSystemTime(0)
    expect(await store.get('id')).toBe(TEXT)
    await store.close()
  })

  test('are those of another clock where one is given, as for tests that fake only Date', async () => {
    atEnd(jest.useFakeTimers({ doNotFake: ['performance', 'setTimeout', 'setImmediate'] }), (it) =>
      it.useRealTimers()
    )
    const store = new MemoryStore({ now: () => Date.now() })
    await store.set('id', TEXT, MINUTE, null)
    await store.index.end('U', MINUTE)
    jest.setSystemTime(Date.now() + MINUTE - 1)
    expect([await store.get('id'), await store.index.ended('U')]).toEqual([TEXT, expect.anything()])
    jest.setSystemTime(Date.now() + 1)
    expect([await store.get('id'), await store.index.ended('U')]).toEqual([null, null])
  })
})

test.each([{ maxBites: 1 }, { ttl: 5 }])('an option that it does not have is an error: %p', (options) => {
  expect(() => new MemoryStore(options as object)).toThrow(
    expect.objectContaining({ code: 'ERR_SESSION_OPTIONS' })
  )
  for (const now of [() => new Date(), () => NaN, () => Promise.resolve(1)])
    expect(() => new MemoryStore({ now: now as never })).toThrow(/now must be a function that returns milli/)
  expect(() => new MemoryStore({ maxBites: 1 } as object)).toThrow(/did you mean maxBytes\?/)
})

describe('a process with a MemoryStore', () => {
  const program = (body: string): string =>
    `const { MemoryStore } = require('./stores/memory/memory-store.js')\n;(async () => { ${body} })()`

  test('ends although sessions are kept', async () => {
    const { stdout } = await runAlone(
      program(`const store = new MemoryStore()
        await store.set('id', 'text', 3_600_000, null)
        console.log('kept', store.size)`)
    )
    expect(stdout).toBe('kept 1\n')
  })

  test('and no timers but those of Node keeps sessions and forgets them', async () => {
    const { stdout } = await runAlone(
      program(`global.setTimeout = (call) => { call(); return 1 }
        global.clearTimeout = () => undefined
        const store = new MemoryStore()
        await store.set('id', 'text', 1, null)
        while (store.size > 0) await new Promise(setImmediate)
        console.log('gone')`)
    )
    expect(stdout).toBe('gone\n')
  })

  test('is told once, in production, what the store is not', async () => {
    const two = program(
      `process.on('warning', ({ code }) => console.log(code)); new MemoryStore(); new MemoryStore()`
    )
    const inProduction = await runAlone(two, { env: { NODE_ENV: 'production' } })
    expect(inProduction.stdout).toBe('HOLDFAST_MEMORY_STORE\n')
    expect(inProduction.stderr).toContain('use RedisStore')
    expect((await runAlone(two)).stdout).toBe('')
  })

  test('is not stopped for long by a sweep of 100,000 sessions', async () => {
    const { stdout } = await runAlone(
      program(`const later = setTimeout, slices = []
        require('node:timers').setTimeout = (sweep, ms) => later(() => {
          const { user, system } = process.cpuUsage()
          sweep()
          const used = process.cpuUsage({ user, system })
          slices.push((used.user + used.system) / 1000)
        }, ms)
        const store = new MemoryStore()
        for (let i = 0; i < 100_000; i++) await store.set('id' + i, 'text', 1, null)
        while (store.size > 0) await new Promise((resolve) => later(resolve, 50))
        slices.sort((a, b) => a - b)
        console.log(JSON.stringify({ count: slices.length, median: slices[slices.length >> 1] }))`)
    )
    const { count, median } = JSON.parse(stdout) as { count: number; median: number }
    expect(count).toBeGreaterThan(5)
    expect(median).toBeLessThan(50)
  })
})

test('a callback, as the stores of express-session take it, is refused with the remedy', async () => {
  const store = new MemoryStore()
  const callback = (() => undefined) as never
  for (const call of [
    () => store.get('id', callback),
    () => store.touch('id', callback),
    () => store.set('id', '{}', callback, null)
  ])
    await expect(call()).rejects.toThrow('takes no callback, and returns a promise: await store.get(id)')
})
