import { advance } from '../support/clock'
import { endOf } from '../support/cookies'
import { after } from '../support/counting-store'
import { listen } from '../support/events'
import { codeOf } from '../support/outcome'
import { type Visitor, returning } from '../support/site'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const isHere = (visitor: Visitor) => visitor.clone().ask(async (s) => !(await s.load()).isNew)

describe('the idle timeout', () => {
  it('ends a session that is not used', async () => {
    const { visitor, site } = await returning({ idleTimeout: HOUR })
    advance(HOUR - MINUTE)
    expect(site.store.inner).toHaveProperty('size', 1)
    advance(2 * MINUTE)
    expect(await isHere(visitor)).toBe(false)
  })

  it.each(['eager', 'lazy'] as const)('starts over with each read: %s', async (load) => {
    const { visitor } = await returning({ idleTimeout: HOUR, load })
    for (let i = 0; i < 5; i++) {
      advance(HOUR - MINUTE)
      expect(await isHere(visitor)).toBe(true)
    }
    advance(HOUR + MINUTE)
    expect(await isHere(visitor)).toBe(false)
  })

  it('is not renewed by a lazy request that does not ask for the session', async () => {
    const { visitor } = await returning({ idleTimeout: HOUR, load: 'lazy' })
    for (let i = 0; i < 3; i++) {
      advance(25 * MINUTE)
      await visitor.visit(() => 'untouched')
    }
    expect(await isHere(visitor)).toBe(false)
  })

  it('is what the store hears, with every read and every write', async () => {
    const { visitor, site } = await returning({ idleTimeout: HOUR })
    await visitor.ask((s) => void (s.n = 2))
    expect(site.store.calls).toMatchObject([
      { operation: 'get', ttl: HOUR },
      { operation: 'set', ttl: HOUR }
    ])
  })

  it('is cookie.maxAge where only that is given', async () => {
    const { visitor, site } = await returning({ cookie: { maxAge: HOUR } })
    await visitor.ask((s) => s.n)
    expect(site.store.calls).toMatchObject([{ operation: 'get', ttl: HOUR }])
    advance(HOUR + MINUTE)
    expect(await isHere(visitor)).toBe(false)
  })

  it('is the server’s, whatever the browser keeps', async () => {
    const { visitor } = await returning({ cookie: { maxAge: DAY }, idleTimeout: HOUR })
    advance(HOUR + MINUTE)
    expect(await isHere(visitor)).toBe(false)
  })
})

describe('a life of its own', () => {
  it.each([
    ['longer', 10 * HOUR],
    ['shorter', 10 * MINUTE]
  ])('%s than the idle timeout', async (_what, maxAge) => {
    const { visitor, site } = await returning({ idleTimeout: HOUR })
    const { setCookies } = await visitor.visit((s) => void (s.cookie.maxAge = maxAge))
    expect(endOf(setCookies)).toBeGreaterThan(maxAge - 5 * SECOND)
    expect(endOf(setCookies)).toBeLessThanOrEqual(maxAge)
    expect(site.store.calls.at(-1)).toMatchObject({ operation: 'set', ttl: maxAge })
    expect(await site.stored(visitor.id)).toMatchObject({ cookie: { originalMaxAge: maxAge } })
    for (let i = 0; i < 3; i++) {
      advance(maxAge - MINUTE)
      expect(await isHere(visitor)).toBe(true)
    }
    advance(maxAge + MINUTE)
    expect(await isHere(visitor)).toBe(false)
  })

  it('that ends with the browser, where the configuration has an age', async () => {
    const { visitor, site } = await returning({ cookie: { maxAge: HOUR } })
    const { setCookies } = await visitor.visit((s) => void (s.cookie.maxAge = null))
    expect(endOf(setCookies)).toBeUndefined()
    expect(site.store.calls.at(-1)).toMatchObject({ operation: 'set', ttl: HOUR })
    advance(50 * MINUTE)
    expect((await visitor.visit((s) => s.n)).setCookies).toEqual([])
  })

  it('is gone where the touch finds nothing any more', async () => {
    const { visitor, site } = await returning({ idleTimeout: HOUR })
    // A cookie from before, which does not say the life.
    await visitor.clone().ask((s) => void (s.cookie.maxAge = 2 * HOUR))
    site.store.next(
      'touch',
      after(() => site.store.inner.destroy(visitor.id))
    )
    expect(await visitor.ask((s) => s.isNew)).toBe(true)
  })

  it('does not outlive the lifetime', async () => {
    const { visitor, site } = await returning({ idleTimeout: HOUR, lifetime: 3 * HOUR })
    const { setCookies } = await visitor.visit((s) => void (s.cookie.maxAge = DAY))
    expect(endOf(setCookies)).toBeLessThanOrEqual(3 * HOUR)
    expect(endOf(setCookies)).toBeGreaterThan(3 * HOUR - 5 * SECOND)
    const { ttl } = site.store.calls.at(-1)!
    expect(ttl).toBeLessThanOrEqual(3 * HOUR)
    expect(ttl).toBeGreaterThan(3 * HOUR - 5 * SECOND)
  })
})

describe('the lifetime', () => {
  it('ends a session that is in use all the time, and leaves its record to the store, whatever the clock says', async () => {
    const { visitor, site } = await returning({ idleTimeout: HOUR, lifetime: 5 * HOUR })
    const heard = listen()
    const handle = await visitor.ask((s) => s.handle)
    for (let i = 0; i < 6; i++) {
      advance(49 * MINUTE)
      expect(await isHere(visitor)).toBe(true)
    }
    advance(10 * MINUTE)
    site.store.forget()
    expect(await isHere(visitor)).toBe(false)
    expect(site.store.log).toBe('get')
    expect(heard['holdfast:expired']).toEqual([{ handle }])
    expect(await site.stored(visitor.id)).not.toBeNull()
  })

  it.each<[string, Parameters<Visitor['visit']>[0]]>([
    ['save', (s) => void (s.n = 2)],
    ['update', (s) => s.update((draft) => void (draft.n = 3))],
    ['touch', (s) => s.touch()],
    ['cookie.maxAge', (s) => void (s.cookie.maxAge = 10 * HOUR)],
    ['regenerate, keeping all', (s) => s.regenerate({ keep: true }).then(() => null)]
  ])('cannot be extended: %s', async (_how, use) => {
    const { visitor } = await returning({ idleTimeout: HOUR, lifetime: 2 * HOUR })
    for (let i = 0; i < 3; i++) {
      advance(38 * MINUTE)
      expect((await visitor.visit(use)).status).toBe(200)
    }
    expect(await isHere(visitor)).toBe(true)
    advance(7 * MINUTE)
    expect(await isHere(visitor)).toBe(false)
  })

  it('starts over with a new session', async () => {
    const { visitor } = await returning({ idleTimeout: HOUR, lifetime: HOUR })
    advance(50 * MINUTE)
    await visitor.ask((s) => s.regenerate().then(() => null))
    advance(50 * MINUTE)
    expect(await isHere(visitor)).toBe(true)
  })

  it('limits what the store hears, and does not shorten it by what this clock says is left', async () => {
    const { visitor, site } = await returning({ idleTimeout: 2 * HOUR, lifetime: HOUR })
    advance(40 * MINUTE)
    await visitor.ask(async (s) => {
      s.n = 2
      await s.save()
      await s.touch()
    })
    expect(site.store.calls.slice(1).map(({ operation, ttl }) => [operation, ttl])).toEqual([
      ['set', HOUR],
      ['get', undefined],
      ['touch', HOUR]
    ])
  })

  it('that ends while the request runs: gone, and nothing is written', async () => {
    const { visitor, site } = await returning({ idleTimeout: 2 * HOUR, lifetime: HOUR })
    const codes = await visitor.ask(async (s) => {
      advance(HOUR + MINUTE)
      s.n = 2
      return [
        await codeOf(s.save()),
        await codeOf(s.update((draft) => void (draft.n = 3))),
        await codeOf(s.touch())
      ]
    })
    expect(codes).toEqual(Array(3).fill('ERR_SESSION_GONE'))
    expect(site.store.log).toBe('get')
  })

  it('never ends where it is Infinity', async () => {
    const { visitor } = await returning({
      idleTimeout: 300 * DAY,
      lifetime: Infinity,
      cookie: { maxAge: 300 * DAY }
    })
    for (let i = 0; i < 5; i++) {
      advance(200 * DAY)
      const { status, setCookies } = await visitor.visit((s) => s.isNew)
      expect([status, setCookies.length]).toEqual([200, 1])
    }
    expect(await isHere(visitor)).toBe(true)
  })

  it('begins at the first write here, for a session of another library', async () => {
    const { visitor, site } = await returning({ lifetime: HOUR })
    await site.store.inner.destroy(visitor.id)
    await site.store.inner.set(visitor.id, '{"n":7}', DAY, null)
    advance(HOUR + MINUTE)
    expect(await visitor.ask((s) => (s.m = s.n))).toBe(7)
    advance(HOUR + MINUTE)
    expect(await isHere(visitor)).toBe(false)
  })
})
