import { advance } from '../support/clock'
import { after, answerLost, CountingStore, fails, hangs, takes } from '../support/counting-store'
import { listen } from '../support/events'
import { codeOf } from '../support/outcome'
import { returning, Site, type Bag } from '../support/site'

describe('changes', () => {
  it.each<[string, (s: Bag) => unknown]>([
    ['a key set', (s) => (s.n = 2)],
    ['a key added', (s) => (s.m = 1)],
    ['a key deleted', (s) => delete s.n],
    ['a key set to null', (s) => (s.n = null)],
    ['deep inside', (s) => (s.o as { a: number[] }).a.push(2)],
    ['the order of keys', (s) => [delete s.n, (s.n = 1)]],
    ['the type', (s) => (s.n = '1')],
    ['the cookie', (s) => (s.cookie.sameSite = 'strict')]
  ])('are noticed: %s', async (_what, change) => {
    const { site, visitor } = await returning()
    await visitor.ask((s) => void (s.o = { a: [1] }))
    site.store.forget()
    await visitor.visit((s) => void change(s))
    expect(site.store.log).toBe('get set')
  })

  it.each<[string, (s: Bag) => unknown]>([
    ['the same value', (s) => (s.n = 1)],
    ['a copy of an object', (s) => (s.o = { a: [1] })],
    ['what JSON leaves out', (s) => [(s.f = () => 1), (s.u = undefined)]],
    ['a symbol', (s) => ((s as unknown as Record<symbol, unknown>)[Symbol('x')] = 1)],
    ['what cannot be seen', (s) => Object.defineProperty(s, 'hidden', { value: 1 })],
    ['the cookie, to what it was', (s) => (s.cookie.path = '/')],
    ['the age of a cookie that has none', (s) => s.cookie.resetMaxAge()]
  ])('are none: %s', async (_what, change) => {
    const { site, visitor } = await returning()
    await visitor.ask((s) => void (s.o = { a: [1] }))
    site.store.forget()
    await visitor.visit((s) => void change(s))
    expect(site.store.log).toBe('get')
  })

  it('of a text that another library wrote are noticed, and the rest of it stays', async () => {
    const { site, visitor } = await returning()
    const text = '{ "cookie":{"originalMaxAge":null,"path":"/"},\n "user":"test", "n":1.0 }'
    await site.store.inner.destroy(visitor.id)
    await site.store.inner.set(visitor.id, text, 60_000, null)
    expect(await visitor.ask((s) => [s.user, s.n, s.isNew])).toEqual(['test', 1, false])
    expect(await site.store.inner.get(visitor.id)).toBe(text)
    await visitor.ask((s) => void (s.n = 2))
    expect(await site.stored(visitor.id)).toMatchObject({ user: 'test', n: 2, '@': { v: 1 } })
  })

  it('survive next to each other: Unicode, numbers, many keys', async () => {
    const { site, visitor } = await returning()
    const data = {
      名: '测试😀',
      half: '\ud83d',
      numbers: [0, -1.5, 1e21, Number.MAX_SAFE_INTEGER, 5e-324],
      'key with "quotes"\n': '\u0000\u2028',
      7: 'seven',
      nothing: null,
      nested: { a: { b: [{}] } }
    }
    await visitor.ask((s) => void Object.assign(s, data))
    const { text } = await visitor.visit((s) => ({ ...s, cookie: 0, n: 0 }))
    expect(JSON.parse(text)).toEqual({ ...data, cookie: 0, n: 0 })
    site.store.forget()
    await visitor.ask((s) => s.n)
    expect(site.store.log).toBe('get')
  })
})

describe('save, update and destroy, awaited or not', () => {
  it('are serialised, and the response waits for them', async () => {
    const { site, visitor } = await returning()
    site.store.always(takes(10))
    const { status } = await visitor.visit((s, _req, res) => {
      s.n = 2
      void s.save()
      s.n = 3
      void s.update((draft) => (draft.n = Number(draft.n) + 1))
      void s.touch()
      res.end()
    })
    expect(status).toBe(200)
    expect(site.store.log).toBe('get set set get touch')
    expect(await site.stored(visitor.id)).toMatchObject({ n: 4 })
  })

  it('regenerate and save un-awaited: the new session is saved', async () => {
    const { site, visitor } = await returning()
    const old = visitor.id
    await visitor.visit((s, req, res) => {
      void s.regenerate().then(() => ((req.session as unknown as Bag).n = 2))
      res.end()
    })
    expect([await site.stored(old), visitor.id === old]).toEqual([null, false])
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2 })
  })

  it('destroy un-awaited: the response waits, and clears the cookie', async () => {
    const { site, visitor } = await returning()
    const { id } = visitor
    site.store.always(takes(10), 'destroy')
    await visitor.visit((s, _req, res) => {
      void s.destroy()
      res.end()
    })
    expect([await site.stored(id), visitor.hasCookie]).toEqual([null, false])
  })
})

describe('the budget', () => {
  // The clock is the test's own, as stalls of this process are given back. A test that waits for a second budget hangs.
  const TIMEOUT = 600_000
  const lasts = (ms: number) => after(() => advance(ms))

  it('of a commit is its own, not what the load left over', async () => {
    const { site, visitor } = await returning({ timeout: TIMEOUT })
    site.store.next('get', lasts(TIMEOUT))
    expect((await visitor.visit((s) => void (s.n = 2))).status).toBe(200)
  })

  it('of a load holds for all that it asks', async () => {
    const { site, visitor } = await returning({ timeout: TIMEOUT, idleTimeout: 10 * TIMEOUT })
    // A cookie from before, which does not say the life.
    await visitor.clone().ask((s) => void (s.cookie.maxAge = 5 * TIMEOUT))
    site.store.next('get', lasts(TIMEOUT - 200))
    let end!: () => void
    const ended = new Promise<void>((resolve) => (end = resolve))
    site.store.always(
      after(() => ended),
      'touch'
    )
    expect((await visitor.visit(() => 'never')).status).toBe(503)
    end()
  })

  it('of a login holds for both of its steps', async () => {
    const { site, visitor } = await returning({ timeout: TIMEOUT })
    site.store.next('set', lasts(TIMEOUT - 200))
    site.store.next('destroy', hangs)
    expect((await visitor.visit((s) => s.regenerate().then(() => 1))).status).toBe(503)
  })

  it('does not count the time of the function given to update', async () => {
    const { site, visitor } = await returning({ timeout: TIMEOUT })
    const n = await visitor.ask((s) =>
      s.update((draft) => {
        advance(2 * TIMEOUT)
        return (draft.n = 7)
      })
    )
    expect([n, (await site.stored(visitor.id))?.n]).toEqual([7, 7])
  })
})

describe('what is published', () => {
  it('a load, a commit, an unknown id, a failure', async () => {
    const { site, visitor } = await returning()
    const heard = listen()
    const handle = await visitor.ask((s) => {
      s.n = 2
      return s.handle
    })
    site.store.next('get', fails)
    await visitor.visit(() => 'never')
    site.store.next('set', hangs)
    await site.store.inner.destroy(visitor.id)
    await visitor.ask((s) => s.n ?? null)
    expect(heard).toEqual({
      'holdfast:load': [{ handle }],
      'holdfast:lossy': [],
      'holdfast:commit': [{ handle, keys: ['n'], merged: false, attempts: 1 }],
      'holdfast:error': [
        { operation: 'load', error: expect.objectContaining({ code: 'ERR_SESSION_STORE' }) }
      ],
      'holdfast:rejected': [{ reason: 'unknown' }],
      'holdfast:dropped': [],
      'holdfast:corrupt': [],
      'holdfast:expired': []
    })
  })

  it('one failure once, however many waited for it', async () => {
    const { site, visitor } = await returning({ load: 'lazy' })
    const heard = listen()
    site.store.next('get', fails)
    await visitor.ask((s) => Promise.all([codeOf(s.load()), codeOf(s.load())]))
    site.store.next('set', answerLost)
    await visitor.ask((s) => codeOf(s.update((draft) => void (draft.n = 2))))
    expect(heard['holdfast:error'].map(({ operation }) => operation)).toEqual(['load', 'commit'])
  })
})

it('sessions of one store are not mixed up', async () => {
  const store = new CountingStore()
  store.always(takes(3))
  const site = await Site.open({ store })
  const visitors = Array.from({ length: 10 }, () => site.visitor())
  await Promise.all(visitors.map((visitor, i) => visitor.ask((s) => void (s.who = i))))
  expect(await Promise.all(visitors.map((visitor) => visitor.ask((s) => s.who)))).toEqual(
    visitors.map((_v, i) => i)
  )
})
