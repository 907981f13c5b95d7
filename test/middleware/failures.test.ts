import express from 'express'
import express4 from 'express4'
import session from '../../lib'
import { advance } from '../support/clock'
import { CountingStore, fails, hangs, throws, type Fault } from '../support/counting-store'
import { returning, secret, Site, type Bag } from '../support/site'

const FAULTS: [string, Fault, string][] = [
  ['rejects', fails, 'ERR_SESSION_STORE'],
  ['throws', throws, 'ERR_SESSION_STORE'],
  ['never answers', hangs, 'ERR_SESSION_TIMEOUT']
]

describe('a store that is in trouble', () => {
  it.each(FAULTS)(
    'that %s on the eager load: 503, to be tried again, and no handler runs',
    async (_how, fault, code) => {
      const { site, visitor } = await returning({ timeout: 200 })
      const handler = jest.fn()
      site.store.always(fault)
      const { status, headers, text, setCookies } = await visitor.visit(handler)
      expect([status, headers['retry-after'], JSON.parse(text), setCookies]).toEqual([
        503,
        '1',
        { error: code },
        []
      ])
      expect(handler).not.toHaveBeenCalled()
    }
  )

  it.each(FAULTS)(
    'that %s on the commit: 503, no Retry-After, no Set-Cookie, no body',
    async (_how, fault, code) => {
      for (const load of ['eager', 'lazy'] as const) {
        const site = await Site.open({ load, timeout: 200 })
        site.store.always(fault, 'set')
        const visitor = site.visitor()
        const { status, headers, text, setCookies } = await visitor.visit(async (s, _req, res) => {
          ;(await s.load()).n = 1
          res.set('X-Handler', 'was here').cookie('theme', 'dark').send('saved')
        })
        expect([status, JSON.parse(text), setCookies]).toEqual([503, { error: code }, []])
        expect(headers).not.toHaveProperty('retry-after')
        expect(headers).not.toHaveProperty('x-handler')
      }
    }
  )

  it('that never answers: the request is answered by the deadline', async () => {
    const site = await Site.open({ timeout: 200 })
    site.store.always(hangs)
    const start = performance.now()
    expect((await site.visitor().visit((s) => void (s.n = 1))).status).toBe(503)
    const took = performance.now() - start
    expect(took).toBeGreaterThanOrEqual(195)
    expect(took).toBeLessThan(5000)
  })

  it('that recovers: the next request is served', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    site.store.always(fails)
    await visitor.visit((s) => void (s.n = 1))
    site.store.always(undefined)
    await visitor.ask((s) => void (s.n = 1))
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })

  it('that is silent: after three deadlines nobody waits, and the first answer ends it', async () => {
    const site = await Site.open({ timeout: 50 })
    const [visitor, other] = [site.visitor(), site.visitor()]
    await visitor.ask((s) => void (s.n = 1))
    await other.ask((s) => void (s.n = 1))
    site.store.always(hangs)
    for (const one of [visitor, other, visitor]) await one.visit(() => 'never')
    site.store.forget()
    for (let i = 0; i < 5; i++) expect((await visitor.visit(() => 'never')).status).toBe(503)
    expect(site.store.calls.length).toBeLessThan(5)
    site.store.always(undefined)
    advance(10_000)
    expect(await visitor.ask((s) => s.n)).toBe(1)
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })

  it('Express’s own error handler answers with Retry-After, too', async () => {
    const store = new CountingStore()
    for (const make of [express, express4]) {
      const app = make()
      app.use(session({ secret, store }))
      app.use((req, res) => {
        req.session.count = 1
        res.end()
      })
      const site = await Site.listen(app)
      const visitor = site.visitor()
      await visitor.send('/')
      store.next('get', fails)
      const { status, headers } = await visitor.send('/')
      expect([status, headers['retry-after']]).toEqual([503, '1'])
    }
  })
})

describe('whenUnreadable: anonymous', () => {
  async function troubled() {
    const { site, visitor } = await returning({ whenUnreadable: 'anonymous' })
    const { cookie } = visitor
    site.store.next('get', fails)
    return { site, visitor, cookie }
  }

  it('gives an empty session, which stores nothing and replaces no cookie', async () => {
    const { site, visitor, cookie } = await troubled()
    site.store.forget()
    const { status, setCookies, text } = await visitor.visit((s) => [Object.keys(s), s.isNew])
    expect([status, setCookies, text]).toEqual([200, [], '[["cookie"],true]'])
    expect(site.store.log).toBe('get')
    expect(visitor.cookie).toBe(cookie)
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })

  it('fails where it is changed, as the changes would be lost', async () => {
    const { site, visitor, cookie } = await troubled()
    const { status, setCookies } = await visitor.visit((s) => void (s.n = 5))
    expect([status, setCookies, visitor.cookie]).toEqual([503, [], cookie])
    expect(site.errors).toMatchObject([{ code: 'ERR_SESSION_STORE' }])
    expect(await site.stored(visitor.id)).toMatchObject({ n: 1 })
  })

  it.each<[string, (s: Bag, req: { session: unknown }) => void]>([
    ['a key is taken away', (s) => void delete s.user],
    ['a key is set to undefined', (s) => void (s.user = undefined)],
    ['it is replaced by an empty one', (_s, req) => void (req.session = {})]
  ])('fails where %s: that may be a logout', async (_what, change) => {
    for (const load of ['eager', 'lazy'] as const) {
      const { site, visitor } = await returning({ whenUnreadable: 'anonymous', load }, { user: 'ann' })
      site.store.next('get', fails)
      const { status } = await visitor.visit(async (s, req) => {
        change(await s.load(), req)
        return null
      })
      expect([status, await visitor.ask(async (s) => (await s.load()).user)]).toEqual([503, 'ann'])
    }
  })

  it.each(['eager', 'lazy'] as const)(
    'is not taken for a session that has ended or was never stored, %s',
    async (load) => {
      const { site, visitor } = await returning({ whenUnreadable: 'anonymous', load })
      const sessions = session({ secret, store: site.store, load })
      const asked: ((s: Bag) => unknown)[] = [
        (s) => s.reload(),
        (s) => void sessions.onDestroy(s, () => undefined)
      ]
      for (const ask of asked) {
        site.store.next('get', fails)
        const { status } = await visitor.visit(async (s) => {
          await ask(await s.load())
          return null
        })
        expect(status).toBe(503)
      }
      expect(site.errors.map(({ code }) => code)).toEqual(['ERR_SESSION_STORE', 'ERR_SESSION_STORE'])
      expect(await visitor.ask(async (s) => (await s.load()).n)).toBe(1)
    }
  )

  it('can log in and out all the same, where the store answers again', async () => {
    for (const end of ['regenerate', 'destroy'] as const) {
      const { site, visitor } = await troubled()
      const old = visitor.id
      await visitor.ask((s) => (end === 'destroy' ? s.destroy() : s.regenerate().then(() => null)))
      expect(await site.stored(old)).toBeNull()
    }
  })
})
