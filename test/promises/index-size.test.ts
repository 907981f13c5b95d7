import { setTimeout as delay } from 'node:timers/promises'
import { MemoryStore, type Store } from '../../lib'
import { openRedis } from '../support/redis'
import { Site, type Bag } from '../support/site'

const user = (s: object) => (s as Bag).user as string | undefined
const options = { user, timeout: 20_000 }

const redis = openRedis()

/** What is noted of a user in the end: a note may go after the answer. */
async function noted(store: Store, name: string, wanted: number): Promise<number> {
  for (let i = 0; ; i++) {
    const { length } = await store.index!.list(name)
    if (length <= wanted || i === 100) return length
    await delay(10)
  }
}

describe.each<[string, () => Store]>([
  ['a MemoryStore', () => new MemoryStore()],
  ['Redis', () => redis.store]
])('the index of users on %s', (_name, make) => {
  test.each([30 * 86_400_000, Infinity])(
    'keeps nothing of who logged out (lifetime %d)',
    async (lifetime) => {
      const store = make()
      const site = await Site.open({ ...options, lifetime, store })
      const visitor = site.visitor()
      for (let i = 0; i < 5; i++) {
        await visitor.ask(async (s) => void ((await s.regenerate()).user = `out ${lifetime}`))
        await visitor.ask((s) => s.destroy())
      }
      expect(await noted(store, `out ${lifetime}`, 0)).toBe(0)
    }
  )

  test('keeps one note of a session, whatever ids it has had', async () => {
    const store = make()
    const site = await Site.open({ ...options, store })
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.user = 'moving'))
    for (let i = 0; i < 10; i++) await visitor.ask((s) => s.regenerate({ keep: true }).then(() => null))
    expect(await noted(store, 'moving', 1)).toBe(1)
  })

  test('keeps one note of who logs in anew from the same browser', async () => {
    const store = make()
    const site = await Site.open({ ...options, store })
    const visitor = site.visitor()
    for (let i = 0; i < 10; i++) await visitor.ask(async (s) => void ((await s.regenerate()).user = 'anew'))
    expect(await noted(store, 'anew', 1)).toBe(1)
  })
})

test('no key of the index in Redis lives for ever, also where sessions may', async () => {
  const site = await Site.open({ ...options, lifetime: Infinity, store: redis.store })
  await site.visitor().ask((s) => void (s.user = 'for ever'))
  const keys = (await redis.client.keys('SESSION:*')).filter((key) => key.includes('for ever'))
  expect(keys).not.toEqual([])
  for (const key of keys) expect(await redis.client.pttl(key)).toBeGreaterThan(0)
})
