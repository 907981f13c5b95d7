import { advance } from '../support/clock'
import { endOf } from '../support/cookies'
import { fails } from '../support/counting-store'
import { listen } from '../support/events'
import { Site, returning } from '../support/site'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

describe('the cookie', () => {
  it('without an age ends with the browser, and is sent once', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    const { setCookies } = await visitor.visit((s) => void (s.n = 1))
    expect(endOf(setCookies)).toBeUndefined()
    advance(20 * HOUR)
    expect((await visitor.visit((s) => s.n)).setCookies).toEqual([])
    expect((await visitor.visit((s) => void (s.n = 2))).setCookies).toEqual([])
  })

  it('with an age is sent again when half of it has passed, with a write that notes it', async () => {
    const { visitor, site } = await returning({ cookie: { maxAge: HOUR } })
    advance(29 * MINUTE)
    expect((await visitor.visit((s) => s.n)).setCookies).toEqual([])
    expect((await visitor.visit((s) => void (s.n = 2))).setCookies).toEqual([])
    advance(2 * MINUTE)
    site.store.forget()
    const { setCookies } = await visitor.visit((s) => s.n)
    expect(endOf(setCookies)).toBeGreaterThan(59 * MINUTE)
    expect(site.store.log).toBe('get set')
    expect((await visitor.visit((s) => s.n)).setCookies).toEqual([])
    advance(31 * MINUTE)
    expect((await visitor.visit((s) => void (s.n = 3))).setCookies).toHaveLength(1)
    expect((await visitor.visit((s) => s.n)).setCookies).toEqual([])
  })

  it('with an age is renewed even where no handler looks', async () => {
    const site = await Site.open({ cookie: { maxAge: HOUR } }, (app) =>
      app.get('/x', (_req, res) => void res.end())
    )
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.n = 1))
    advance(31 * MINUTE)
    expect((await visitor.send('/x')).setCookies).toHaveLength(1)
    expect((await visitor.send('/x')).setCookies).toEqual([])
  })

  it('is not renewed with renew: never', async () => {
    const { visitor } = await returning({ cookie: { maxAge: HOUR }, renew: 'never' })
    advance(50 * MINUTE)
    expect((await visitor.visit((s) => s.n)).setCookies).toEqual([])
    expect((await visitor.visit((s) => void (s.n = 2))).setCookies).toEqual([])
  })

  it.each<[string, Parameters<typeof Site.open>[0], number]>([
    ['renewed', { cookie: { maxAge: HOUR } }, 31],
    ['rolling', { cookie: { maxAge: HOUR }, renew: 'always' }, 1]
  ])('is not %s where the session has gone meanwhile', async (_how, options, minutes) => {
    const { visitor, site } = await returning(options)
    advance(minutes * MINUTE)
    const { status, setCookies } = await visitor.visit(async (s) => {
      await site.store.inner.destroy(s.id)
      return s.n
    })
    expect([status, setCookies]).toEqual([200, []])
    expect(await site.stored(visitor.id)).toBeNull()
  })

  it.each<[string, Parameters<typeof Site.open>[0], 'set' | 'get']>([
    ['renewed', { cookie: { maxAge: HOUR } }, 'set'],
    ['rolling', { cookie: { maxAge: HOUR }, renew: 'always' }, 'get']
  ])(
    'is not %s where the store fails, and the response goes out without it',
    async (_how, options, operation) => {
      const { visitor, site } = await returning(options)
      const heard = listen()
      advance(31 * MINUTE)
      const { status, setCookies } = await visitor.visit((s) => {
        site.store.next(operation, fails)
        return s.n
      })
      expect([status, setCookies]).toEqual([200, []])
      expect(heard['holdfast:error']).toMatchObject([{ operation: 'commit' }])
    }
  )

  it('is not renewed by an update that wrote nothing, unless the store was asked', async () => {
    const { visitor, site } = await returning({ cookie: { maxAge: HOUR } })
    advance(31 * MINUTE)
    const { setCookies } = await visitor.visit(async (s) => {
      await s.update((draft) => draft.n)
      await site.store.inner.destroy(s.id)
    })
    expect(setCookies).toEqual([])
  })

  it('is sent with every response where it is rolling, with a life that starts over', async () => {
    const { visitor } = await returning({ cookie: { maxAge: HOUR }, renew: 'always' })
    for (let i = 0; i < 3; i++) {
      advance(MINUTE)
      const { setCookies } = await visitor.visit((s) => s.n)
      expect(endOf(setCookies)).toBeGreaterThan(59 * MINUTE)
    }
    expect((await visitor.visit((s) => void (s.n = 2))).setCookies).toHaveLength(1)
  })

  it('rolling asks the store once for a response that begins before it ends', async () => {
    const { visitor, site } = await returning({ cookie: { maxAge: HOUR }, renew: 'always' })
    const { text, setCookies } = await visitor.visit((s, _req, res) => {
      res.write(String(s.n))
      res.end('!')
    })
    expect([text, setCookies.length, site.store.log]).toEqual(['1!', 1, 'get get'])
  })

  it('is sent by touch, where it has an age', async () => {
    const { visitor } = await returning({ cookie: { maxAge: HOUR } })
    advance(MINUTE)
    const { setCookies } = await visitor.visit((s) => s.touch())
    expect(endOf(setCookies)).toBeGreaterThan(59 * MINUTE)
    const plain = await returning()
    expect((await plain.visitor.visit((s) => s.touch())).setCookies).toEqual([])
  })

  it('never ends after the session', async () => {
    const { visitor } = await returning({ cookie: { maxAge: HOUR }, lifetime: HOUR, renew: 'always' })
    for (let left = 50; left > 0; left -= 10) {
      advance(10 * MINUTE)
      const { setCookies } = await visitor.visit((s) => s.n)
      expect(endOf(setCookies)).toBeLessThanOrEqual(left * MINUTE)
      expect(endOf(setCookies)).toBeGreaterThan((left - 1) * MINUTE)
    }
  })

  it('of a session of another library is renewed: nobody knows when it was sent', async () => {
    const { visitor, site } = await returning({ cookie: { maxAge: HOUR } })
    await site.store.inner.destroy(visitor.id)
    await site.store.inner.set(visitor.id, '{"n":7,"cookie":{"originalMaxAge":3600000}}', HOUR, null)
    expect((await visitor.visit((s) => s.n)).setCookies).toHaveLength(1)
    expect((await visitor.visit((s) => s.n)).setCookies).toEqual([])
  })

  it('that is changed for one session is sent with the change', async () => {
    const { visitor } = await returning()
    const { setCookies } = await visitor.visit((s) => void (s.cookie.sameSite = 'strict'))
    expect(setCookies).toEqual([expect.stringMatching(/; SameSite=Strict$/)])
    expect((await visitor.visit((s) => void (s.n = 2))).setCookies).toEqual([])
  })

  it('that ends at once ends the session', async () => {
    const { visitor } = await returning()
    const { setCookies } = await visitor.visit((s) => void (s.cookie.maxAge = 0))
    expect(endOf(setCookies)).toBeLessThanOrEqual(0)
    advance(2)
    expect(visitor.hasCookie).toBe(false)
  })
})
