import { CookieStore, type SetResult } from '../../lib'
import { Seal } from '../../lib/stores/seal'
import { advance } from '../support/clock'
import { listen } from '../support/events'
import { codeOf } from '../support/outcome'
import { type Bag, returning, secret, Site } from '../support/site'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const other = 'another secret, of 32 bytes and more'

/** A site whose visitors carry their sessions, and one who has been there. */
const open = (options: Parameters<typeof returning>[0] = {}) =>
  returning({ store: new CookieStore(), ...options })

describe('a session in its cookie', () => {
  it('is read by the next request, and nothing is stored for one that stays empty', async () => {
    const { site, visitor } = await open()
    expect(await visitor.ask((s) => s.n)).toBe(1)
    const stranger = site.visitor()
    await stranger.ask((s) => s.n ?? null)
    expect(stranger.hasCookie).toBe(false)
  })

  it('is not read out of a cookie that was changed, sealed for another name, or made up', async () => {
    const { site, visitor } = await open()
    const { visitor: elsewhere } = await open({ name: 'other' })
    const { visitor: foreign } = await open({ secret: other })
    const { cookie } = visitor
    const changed = cookie.slice(0, 40) + (cookie[40] === 'A' ? 'B' : 'A') + cookie.slice(41)
    const heard = listen()
    for (const value of [changed, elsewhere.cookie, foreign.cookie, 'x', `${cookie}A`, 'A'.repeat(5000)]) {
      expect(await site.visitor(value).ask((s) => [s.n ?? null, s.isNew])).toEqual([null, true])
    }
    expect(heard['holdfast:rejected']).toHaveLength(6)
  })

  it('gets a new cookie with each change, and none without', async () => {
    const { site, visitor } = await open()
    const { setCookies } = await visitor.visit((s) => s.n)
    expect(setCookies).toEqual([])
    const first = visitor.cookie
    const changed = await visitor.visit((s) => (s.n = 2))
    expect(changed.setCookies).toEqual([
      expect.stringMatching(/^sid=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)
    ])
    expect(await visitor.ask((s) => s.n)).toBe(2)
    // What the browser had before is still a session: only its end makes an end of it.
    expect(await site.visitor(first).ask((s) => s.n)).toBe(1)
  })

  it('counts with update, keeps its handle, and gives it up with regenerate', async () => {
    const { visitor } = await open()
    const handle = await visitor.ask((s) => s.handle)
    expect(await visitor.ask((s) => s.update((draft) => (draft.n = Number(draft.n) + 1)))).toBe(2)
    expect(await visitor.ask((s) => [s.n, s.handle])).toEqual([2, handle])
    await visitor.ask((s) => s.regenerate({ keep: true }).then(() => null))
    expect(await visitor.ask((s) => [s.n, s.handle])).toEqual([2, handle])
    await visitor.ask((s) => s.regenerate({ keep: ['n'] as never[] }).then(() => null))
    expect(await visitor.ask((s) => [s.n, s.handle === handle])).toEqual([2, false])
  })

  it('loses its cookie with destroy', async () => {
    const { visitor } = await open()
    await visitor.ask((s) => s.destroy())
    expect(visitor.hasCookie).toBe(false)
  })

  it.each(['lazy', 'eager'] as const)('works with load: %s', async (load) => {
    const { site, visitor } = await open({ load })
    expect(await visitor.ask(async (s) => (await s.load()).n)).toBe(1)
    await visitor.ask(async (s) => void ((await s.load()).n = 2))
    expect(await visitor.ask(async (s) => (await s.load()).n)).toBe(2)
    expect(site.store.log).not.toContain('touch')
  })

  it('is sealed with the first secret, and opened with each', async () => {
    const { visitor } = await open({ secret: other })
    const { cookie } = visitor
    const rotated = await Site.open({ store: new CookieStore(), secret: [secret, other] })
    const returned = rotated.visitor(cookie)
    expect(await returned.ask((s) => (s.n = Number(s.n) + 1))).toBe(2)
    const after = await Site.open({ store: new CookieStore(), secret })
    expect(await after.visitor(returned.cookie).ask((s) => s.n)).toBe(2)
    expect(await after.visitor(cookie).ask((s) => s.n ?? null)).toBeNull()
  })
})

describe('the life of a session in its cookie', () => {
  it('ends with the idle timeout, whatever the browser keeps', async () => {
    const { visitor } = await open({ idleTimeout: MINUTE })
    advance(MINUTE + 1)
    expect(await visitor.ask((s) => s.n ?? null)).toBeNull()
  })

  it('begins anew when half of it has passed, and not before', async () => {
    const { visitor } = await open({ idleTimeout: MINUTE })
    advance(MINUTE * 0.4)
    expect((await visitor.visit((s) => s.n)).setCookies).toEqual([])
    advance(MINUTE * 0.2)
    expect((await visitor.visit((s) => s.n)).setCookies).toHaveLength(1)
    advance(MINUTE * 0.9)
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })

  it('begins anew with touch, and with every response where it is rolling', async () => {
    const { visitor } = await open({ idleTimeout: MINUTE })
    expect((await visitor.visit((s) => s.touch())).setCookies).toHaveLength(1)
    const rolling = await open({ idleTimeout: MINUTE, renew: 'always' })
    expect((await rolling.visitor.visit(() => 'nothing')).setCookies).toHaveLength(1)
  })

  it('does not go beyond the lifetime', async () => {
    const { visitor } = await open({ idleTimeout: MINUTE, lifetime: 1.5 * MINUTE })
    advance(MINUTE * 0.9)
    expect(await visitor.ask((s) => s.n)).toBe(1)
    advance(MINUTE * 0.7)
    expect(await visitor.ask((s) => s.n ?? null)).toBeNull()
  })

  it('ends where the application says so: a copy from before a logout is worth nothing', async () => {
    let logout = 0
    const asked: unknown[] = []
    const notBefore = (session: Record<string, unknown>) => {
      asked.push(session.n)
      return Promise.resolve(logout)
    }
    const { site, visitor } = await open({ store: new CookieStore({ notBefore }) })
    const copy = visitor.cookie
    expect(await visitor.ask((s) => s.n)).toBe(1)
    advance(10)
    logout = Date.now()
    expect(await site.visitor(copy).ask((s) => s.n ?? null)).toBeNull()
    expect(asked).toEqual([1, 1, 1])
    const again = site.visitor()
    await again.ask((s) => (s.n = 2))
    expect(await again.ask((s) => s.n)).toBe(2)
  })
})

describe('a logout everywhere', () => {
  const keyed = (notBefore: () => number) => {
    const store = new CookieStore({ notBefore })
    store.keys(() => [secret], 'sid')
    return store
  }
  const idOf = (result: SetResult) => ('id' in result ? result.id : '')

  it.each([-HOUR, HOUR])('holds on a server whose clock is %i ms off', async (off) => {
    let logout = 0
    const store = keyed(() => logout)
    advance(HOUR)
    const before = Date.now()
    advance(off)
    const copy = idOf(await store.set('x', '{}', 4 * HOUR, null))
    logout = before
    expect(await store.get(copy)).toBeNull()
    expect(await store.set(copy, '{"n":1}', MINUTE, '{}')).toEqual({ conflict: null })
    const here = idOf(await store.set('x', '{}', MINUTE, null))
    expect(await store.get(here)).toBe('{}')
    logout += 1
    expect(await store.get(here)).toBeNull()
  })

  it('that never ends lets nothing count, whenever it was sealed', async () => {
    let logout = Infinity
    const store = keyed(() => logout)
    const sealed = idOf(await store.set('x', '{}', MINUTE, null))
    expect(await store.get(sealed)).toBeNull()
    logout = 1
    expect(await store.get(sealed)).toBeNull()
  })

  it.each([
    ['a date as a text', '2026-11-30T16:00:00.000Z'],
    ['NaN', NaN],
    ['an object', { at: 1 }],
    ['undefined', undefined],
    ['null', null],
    ['a Date', new Date()]
  ])('whose moment is %s instead of a number is refused, and no old cookie counts', async (_, moment) => {
    let notBefore: () => unknown = () => 0
    const store = new CookieStore({ notBefore: () => notBefore() as number })
    const { site, visitor } = await open({ store })
    for (notBefore of [() => moment, () => Promise.resolve(moment)]) {
      expect((await visitor.visit((s) => s.n)).status).toBe(500)
      expect((await site.visitor().visit((s) => void (s.n = 1))).status).toBe(500)
    }
    expect(site.errors.map(({ code }) => code)).toEqual(Array(4).fill('ERR_SESSION_OPTIONS'))
    notBefore = () => 0
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })

  it('that comes while a session is sealed is seen by that, or by its next read', async () => {
    for (const nth of [1, 2, 3]) {
      let asked = 0
      let logout = 0
      const store = new CookieStore({ notBefore: () => (++asked === nth ? (logout = 1) : logout) })
      store.keys(() => [secret], 'sid')
      const first = new Seal([secret], 'sid').seal('{}', Date.now() + MINUTE, 0)
      const result = await store.set(first, '{"n":1}', MINUTE, '{}')
      logout = 1
      const read = 'id' in result ? await store.get(result.id) : null
      expect([nth, read]).toEqual([nth, null])
    }
  })
})

describe('where the application has logged everybody out', () => {
  it('a request that was on its way cannot seal a session of before', async () => {
    let logout = 0
    const { site, visitor } = await open({ store: new CookieStore({ notBefore: () => logout }) })
    const copy = visitor.clone()
    const { status, setCookies } = await copy.visit((s) => {
      advance(10)
      logout = Date.now()
      s.n = 2
    })
    expect([status, setCookies, site.errors[0]?.code]).toEqual([409, [], 'ERR_SESSION_GONE'])
  })

  it('and cannot say so before a write, the error names it, and that nothing was sealed', async () => {
    let isDown = false
    const down = new Error('down')
    const notBefore = () => (isDown ? Promise.reject(down) : Promise.resolve(0))
    const { visitor, site } = await open({ store: new CookieStore({ notBefore }) })
    const { status, setCookies } = await visitor.visit((s) => {
      isDown = true
      s.n = 2
    })
    expect([status, setCookies]).toEqual([503, []])
    expect(site.errors).toEqual([expect.objectContaining({ code: 'ERR_SESSION_STORE', cause: down })])
    expect(site.errors[0]!.message).toBe(
      'CookieStore: notBefore failed, and its error is the cause: without its answer, nothing is opened or sealed'
    )
  })

  it('and cannot say so, nothing is accepted, and what was saved is sent all the same', async () => {
    let isDown = false
    const notBefore = () => (isDown ? Promise.reject(new Error('down')) : Promise.resolve(0))
    const { visitor } = await open({ store: new CookieStore({ notBefore }) })
    const { status, setCookies } = await visitor.visit(async (s) => {
      s.n = 2
      await s.save()
      isDown = true
    })
    expect([status, setCookies.length]).toEqual([200, 1])
    expect((await visitor.visit((s) => s.n)).status).toBe(503)
    isDown = false
    expect(await visitor.ask((s) => s.n)).toBe(2)
  })

  it('looks at what the application’s own codec makes of a session', async () => {
    const seen: unknown[] = []
    const notBefore = (session: Record<string, unknown>) => seen.push(session.n) * 0
    const { visitor } = await open({
      store: new CookieStore({ notBefore }),
      codec: {
        encode: (record) => Buffer.from(JSON.stringify(record)).toString('hex'),
        decode: (text) => JSON.parse(Buffer.from(text, 'hex').toString()) as Record<string, unknown>
      }
    })
    expect(await visitor.ask((s) => s.n)).toBe(1)
    // Before it was sealed, and when it was read.
    expect(seen).toEqual([1, 1])
  })
})

describe('several cookies of the name', () => {
  it('that hold one session: the one that was sealed last counts', async () => {
    const { site, visitor } = await open()
    const before = visitor.cookie
    advance(10)
    await visitor.ask((s) => (s.n = 2))
    for (const pair of [
      [before, visitor.cookie],
      [visitor.cookie, before]
    ]) {
      const cookie = pair.map((value) => `sid=${value}`).join('; ')
      expect((await site.visitor().visit((s) => s.n, { headers: { cookie } })).text).toBe('2')
    }
  })

  it('that hold several: nobody’s', async () => {
    const { site, visitor } = await open()
    const other = site.visitor()
    await other.ask((s) => (s.n = 2))
    const cookie = `sid=${visitor.cookie}; sid=${other.cookie}`
    expect((await site.visitor().visit((s) => s.isNew, { headers: { cookie } })).text).toBe('true')
  })
})

describe('what a cookie cannot hold', () => {
  it('is refused before anything is sent', async () => {
    const { site, visitor } = await open()
    const { status, setCookies } = await visitor.visit((s) => void (s.text = 'x'.repeat(3100)))
    expect([status, setCookies, site.errors[0]?.code]).toEqual([500, [], 'ERR_SESSION_DATA'])
    expect(site.errors[0]?.message).toMatch(/too large for a cookie, \d+ of 4096 bytes/)
    expect(await visitor.ask((s) => s.text ?? null)).toBeNull()
  })

  it('is what goes beyond 4096 bytes of name and value, and not what fills them', async () => {
    const { visitor } = await open()
    let length = 3100
    const save = (s: Bag) => codeOf(Object.assign(s, { text: 'x'.repeat(length) }).save())
    while ((await visitor.ask(save)) !== 'done') length--
    expect(`sid${visitor.cookie}`.length).toBeGreaterThan(4092)
    expect(`sid${visitor.cookie}`.length).toBeLessThanOrEqual(4096)
    expect((await visitor.ask((s) => s.text as string)).length).toBe(length)
  })

  it('is a change after the headers have gone', async () => {
    const { visitor } = await open()
    const code = await visitor.visit(async (s: Bag, _req, res) => {
      res.write('begun')
      s.n = 3
      res.end(await codeOf(s.save()))
    })
    expect(code.text).toContain('ERR_SESSION_HEADERS_SENT')
  })
})

describe('touch', () => {
  it('stores by itself, with autoCommit: false as well, and not after the headers have gone', async () => {
    const { visitor } = await open({ autoCommit: false, store: new CookieStore() })
    await visitor.ask((s) => Object.assign(s, { n: 1 }).save())
    expect((await visitor.visit((s) => s.touch())).setCookies).toHaveLength(1)
    const { text } = await visitor.visit(async (s, _req, res) => {
      res.write('begun ')
      res.end(await codeOf(s.touch()))
    })
    expect(text).toBe('begun ERR_SESSION_HEADERS_SENT')
  })
})

describe('a CookieStore', () => {
  it('is not one of several that a function gives: each would take the others’ sessions for its own', async () => {
    const stores = [new CookieStore(), new CookieStore()]
    let count = 0
    const site = await Site.open({ store: () => stores[count++]! })
    expect((await site.visitor().send('/')).status).toBe(404)
    expect((await site.visitor().send('/')).status).toBe(500)
    expect(site.errors[0]?.code).toBe('ERR_SESSION_OPTIONS')
  })

  it('serves one middleware', async () => {
    const store = new CookieStore()
    await Site.open({ store })
    await expect(Site.open({ store })).rejects.toMatchObject({ code: 'ERR_SESSION_OPTIONS' })
  })

  it('cannot be used before it has its keys', async () => {
    const store = new CookieStore()
    await expect(store.get('id')).rejects.toMatchObject({ code: 'ERR_SESSION_OPTIONS' })
    await expect(store.set('id', '{}', MINUTE, null)).rejects.toMatchObject({ code: 'ERR_SESSION_OPTIONS' })
  })

  it('has no other options', () => {
    expect(() => new CookieStore({ notbefore: () => 0 } as object)).toThrow(/did you mean notBefore\?/)
  })

  it('takes only a function for notBefore', () => {
    expect(() => new CookieStore({ notBefore: 5 as never })).toThrow(/notBefore must be a function/)
  })
})
