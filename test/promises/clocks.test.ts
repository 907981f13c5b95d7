import { CookieStore } from '../../lib'
import { begin, meanwhile } from '../races/support/visit'
import { openRedis } from '../support/redis'
import { type Bag, Site, type Visitor } from '../support/site'

const DAY = 86_400_000

const userOf = (visitor: Visitor) => visitor.ask(async (s) => (await s.load()).user ?? 'nobody')

const redis = openRedis()

const now = Date.now

/** Runs as a process would whose clock is so far ahead. Timers, and the clock of the server, go on as they are. */
async function ahead<T>(ms: number, run: () => Promise<T>): Promise<T> {
  const spy = jest.spyOn(Date, 'now').mockImplementation(() => now() + ms)
  try {
    return await run()
  } finally {
    spy.mockRestore()
  }
}

test.each([1, 2, 40])('a process whose clock is %i days ahead erases nobody’s session', async (days) => {
  const user = (s: object) => (s as { user?: string }).user
  const { visitor } = await begin(redis.store, { user: 'ann' }, { user, lifetime: DAY })
  await ahead(days * DAY + 1, async () => {
    await visitor.clone().visit(() => null)
    await visitor.clone().visit((s) => void (s.n = 1))
  })
  expect(await visitor.ask((s) => s.user ?? 'nobody')).toBe('ann')
})

test.each([false, true])(
  'a session that began by a clock two days ahead lives no longer than its lifetime, by any read (changed: %j)',
  async (isChanging) => {
    const lifetime = DAY
    const options = { lifetime, idleTimeout: 30 * DAY }
    const { visitor } = await ahead(2 * DAY, () => begin(redis.store, { user: 'ann' }, options))
    for (const handler of [
      () => null,
      (s: { touch(): Promise<void> }) => s.touch(),
      (s: object) => isChanging && Object.assign(s, { n: Math.random() }) && null
    ]) {
      await visitor.ask(handler as () => unknown)
      expect(await redis.store.life(visitor.id)).toBeLessThanOrEqual(lifetime)
    }
  }
)

describe('a cookie whose session is past its lifetime', () => {
  const login = async (s: Bag) => void ((await s.regenerate()).user = 'bob')
  const options = { lifetime: DAY, idleTimeout: 30 * DAY }

  test.each([{}, { load: 'lazy' as const }])('can log in anew, and stays over itself (%j)', async (more) => {
    const site = await Site.open({ ...options, ...more, store: redis.store })
    const visitor = site.visitor()
    await visitor.ask(async (s) => void Object.assign(await s.load(), { user: 'ann' }))
    const old = visitor.clone()
    await ahead(DAY + 1, async () => {
      await visitor.ask(login)
      expect([await userOf(visitor), await userOf(old)]).toEqual(['bob', 'nobody'])
    })
  })

  test('can log in anew where it ends while the login runs', async () => {
    const { visitor } = await begin(redis.store, { user: 'ann' }, options)
    const old = visitor.clone()
    const answer = await meanwhile(
      visitor,
      async (s, wait) => {
        await wait()
        await ahead(DAY + 1, () => login(s).then(() => s.save().catch(() => undefined)))
      },
      () => undefined
    )
    expect([answer.status, await userOf(visitor), await userOf(old)]).toEqual([200, 'bob', 'nobody'])
  })
})

describe('over a CookieStore, "log out everywhere" by notBefore', () => {
  test.each([0, 1000, 5000])('holds for a cookie from a clock %i ms ahead', async (ms) => {
    const moments = new Map<unknown, number>()
    const site = await Site.open({
      store: new CookieStore({ notBefore: ({ user }) => moments.get(user) ?? 0 })
    })
    const [stolen, fresh] = [site.visitor(), site.visitor()]
    await ahead(ms, () => stolen.ask((s) => void (s.user = 'ann')))
    expect(await stolen.ask((s) => s.user)).toBe('ann')
    moments.set('ann', Date.now() + 1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await stolen.ask((s) => s.user ?? 'nobody')).toBe('nobody')
    await fresh.ask((s) => void (s.user = 'ann'))
    expect(await fresh.ask((s) => s.user ?? 'nobody')).toBe('ann')
  })
})
