import { MemoryStore, type Store } from '../../lib'
import { openRedis } from '../support/redis'
import type { Bag, Visitor } from '../support/site'
import { AppProcess } from '../support/app-process'
import { isLong } from '../support/long'
import { begin, held } from './support/visit'

const redis = openRedis()

const count = (session: Bag): Promise<number> =>
  session.update((draft) => (draft.count = Number(draft.count ?? 0) + 1))

/** So many requests at once, each on a connection of its own. */
function atOnce(requests: number, visitor: Visitor): Promise<number[]> {
  return Promise.all(Array.from({ length: requests }, () => visitor.clone().ask(count)))
}

const oneTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1)
const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b)

/** How often Redis was given each command while `run` ran. */
async function commands(run: () => Promise<unknown>): Promise<Record<string, number>> {
  await redis.client.config('RESETSTAT')
  await run()
  const info = await redis.client.info('commandstats')
  const all = [...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)])
  return Object.fromEntries(all)
}

describe('update', () => {
  const stores: [string, () => Store][] = [
    ['a MemoryStore', () => new MemoryStore()],
    ['Redis', () => redis.store]
  ]

  test.each(stores)('from 100 requests at once counts to exactly 100, on %s', async (_name, open) => {
    const { visitor } = await begin(open(), { count: 0 })
    expect(sorted(await atOnce(100, visitor))).toEqual(oneTo(100))
    expect(await held(visitor)).toEqual({ count: 100 })
  })

  test('200 from one process are at most 200 writes', async () => {
    const { visitor } = await begin(redis.store, { count: 0 })
    const seen = await commands(async () => {
      for (let i = 0; i < 2; i++) await atOnce(100, visitor)
    })
    expect(await held(visitor)).toEqual({ count: 200 })
    // Those that wait at once are written together.
    expect(seen.evalsha).toBeGreaterThanOrEqual(2)
    expect(seen.evalsha).toBeLessThanOrEqual(200)
    expect(seen.getex).toBe(200)
  })

  test('from many requests at once in several processes counts each once', async () => {
    const [many, requests] = isLong ? [4, oneTo(400)] : [2, oneTo(100)]
    const { visitor } = await begin(redis.store, { count: 0 })
    const processes = await Promise.all(
      oneTo(many).map(() => AppProcess.start('races/child/main', { REDIS_URL: redis.url }))
    )
    const answers = await Promise.all(
      requests.map((i) => processes[i % many]!.post('/count', visitor.cookie))
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(sorted(answers.map(({ text }) => Number(text)))).toEqual(requests)
    expect(await held(visitor)).toEqual({ count: requests.length })
  })

  test('beside requests that change other keys', async () => {
    const { visitor } = await begin(redis.store, { count: 0 })
    const keys = oneTo(20).map((i) => `key ${i}`)
    await Promise.all([
      atOnce(50, visitor),
      ...keys.map((key) => visitor.clone().ask((session) => void (session[key] = key)))
    ])
    expect(await held(visitor)).toEqual({ count: 50, ...Object.fromEntries(keys.map((key) => [key, key])) })
  })

  test('has the changes of its request in it, and a throw leaves all as it was', async () => {
    const { visitor } = await begin(redis.store, { count: 5 })
    const refusal = await visitor.visit(async (session) => {
      session.a = 1
      await session.update((draft) => {
        draft.count = 6
        throw new RangeError('too many')
      })
    })
    expect(refusal.status).toBe(500)
    // The change of before is kept, as by any handler that throws.
    expect(await held(visitor)).toEqual({ count: 5, a: 1 })
    expect(await visitor.ask((session) => ((session.b = 2), count(session)))).toBe(6)
    expect(await held(visitor)).toEqual({ count: 6, a: 1, b: 2 })
  })
})

test('requests that only read write nothing back, however many run at once', async () => {
  const { visitor } = await begin(redis.store, { list: [1, { a: 1 }], text: 'ü' })
  const text = await redis.client.get(`SESSION:${visitor.id}`)
  const seen = await commands(() =>
    Promise.all(oneTo(50).map(() => visitor.clone().ask((session) => [session.list, session.text])))
  )
  expect(seen).toMatchObject({ getex: 50 })
  const [{ evalsha, eval: evaluated, set, del, getex: _getex, ...others }] = [seen]
  expect([evalsha, evaluated, set, del]).toEqual([undefined, undefined, undefined, undefined])
  expect(Object.keys(others).filter((name) => /set|del|expire|touch/.test(name))).toEqual([])
  expect(await redis.client.get(`SESSION:${visitor.id}`)).toBe(text)
})
