import { inspect } from 'node:util'
import session, { CookieStore, headerTransport, MemoryStore, type SessionOptions } from '../lib'
import { CountingStore } from './support/counting-store'
import { advance } from './support/clock'
import { listen } from './support/events'
import { codeOf } from './support/outcome'
import { returning, secret, Site, type Bag } from './support/site'

/** What koa-session 7 and koa-redis 4 offer, row by row; docs/koa-session.md has the same table. */

describe('key: name', () => {
  it('names the cookie', async () => {
    const { visitor } = await returning({ name: 'koa.sess' })
    expect([...visitor.cookies.keys()]).toEqual(['koa.sess'])
  })
})

describe('maxAge: cookie.maxAge', () => {
  it('is the age of the cookie and the stored life', async () => {
    const site = await Site.open({ cookie: { maxAge: 60_000 } })
    const visitor = site.visitor()
    const { setCookies } = await visitor.visit((s) => void (s.n = 1))
    expect(setCookies[0]).toMatch(/; Expires=/)
    await visitor.ask((s) => s.n)
    expect(site.store.calls.map(({ ttl }) => ttl)).toEqual([60_000, 60_000])
  })

  it('one day by default, in the store', async () => {
    const { site, visitor } = await returning()
    await visitor.ask((s) => s.n)
    expect(site.store.calls[0]).toMatchObject({ operation: 'get', ttl: 86_400_000 })
  })
})

describe("maxAge: 'session': no cookie.maxAge", () => {
  it('ends with the browser, and is stored all the same', async () => {
    const { site, visitor } = await returning()
    const { setCookies, status } = await visitor.visit((s) => s.regenerate().then(() => null))
    expect([status, setCookies[0]?.includes('Expires')]).toEqual([200, false])
    expect(await site.stored(visitor.id)).not.toBeNull()
  })
})

describe('httpOnly, secure, sameSite, path, domain, overwrite: cookie.*', () => {
  it('are attributes of the cookie', async () => {
    const cookie = {
      httpOnly: false,
      secure: false,
      sameSite: 'strict',
      path: '/app',
      domain: 'a.test'
    } as const
    const site = await Site.open({ cookie })
    const { setCookies } = await site.visitor().visit((s) => void (s.n = 1), { path: '/app' })
    expect(setCookies[0]).toMatch(/^sid=[^;]+; Domain=a\.test; Path=\/app; SameSite=Strict$/)
  })

  it('overwrite: one Set-Cookie of the name', async () => {
    const { visitor } = await returning()
    const { setCookies } = await visitor.visit(async (s, _req, res) => {
      res.append('Set-Cookie', ['sid=planted', 'other=1'])
      await s.regenerate()
    })
    expect(setCookies.map((line) => line.split('=')[0])).toEqual(['other', 'sid'])
  })
})

describe('signed, app.keys: secret, signed', () => {
  it('the first signs, each verifies', async () => {
    const older = 'an older secret of at least thirty-two bytes'
    const store = new MemoryStore()
    const { visitor } = await returning({ secret: older, store })
    const { site, visitor: next } = await returning({ secret: [secret, older], store })
    expect(await site.visitor(visitor.cookie).ask((s) => s.n)).toBe(1)
    const { site: only } = await returning({ secret: older, store })
    expect(await only.visitor(next.cookie).ask((s) => s.n ?? null)).toBeNull()
  })

  it('signed: false sends the bare id', async () => {
    const { site, visitor } = await returning({ signed: false })
    expect(visitor.cookie).toMatch(/^[\w-]{43}$/)
    expect(await site.stored(visitor.cookie)).toMatchObject({ n: 1 })
    expect(await visitor.ask((s) => s.n)).toBe(1)
    for (const value of ['', 'a.b', 'a b', '../a', 'a'.repeat(129)]) {
      site.store.forget()
      expect(await site.visitor(value).ask((s) => s.n ?? null)).toBeNull()
      expect(site.store.log).toBe('')
    }
  })
})

describe("rolling: renew: 'always'", () => {
  it('sends the cookie with every response, and renews the stored life', async () => {
    const { site, visitor } = await returning({ renew: 'always', cookie: { maxAge: 60_000 } })
    expect((await visitor.visit(() => 'nothing')).setCookies).toHaveLength(1)
    expect(site.store.calls.every(({ ttl }) => ttl === 60_000)).toBe(true)
  })
})

describe("renew: renew: 'half' or 'never'", () => {
  it.each([
    ['half', 1],
    ['never', 0]
  ] as const)('%s: with less than half of the life left, %i cookies', async (renew, cookies) => {
    const { visitor } = await returning({ renew, cookie: { maxAge: 60_000 } })
    expect((await visitor.visit(() => 'nothing')).setCookies).toHaveLength(0)
    advance(31_000)
    expect((await visitor.visit(() => 'nothing')).setCookies).toHaveLength(cookies)
  })
})
describe('store {get, set, destroy}: store', () => {
  it('an external store', async () => {
    const store = new CountingStore()
    const { visitor } = await returning({ store })
    await visitor.ask((s) => s.destroy())
    expect(store.log).toBe('get destroy')
  })
})

describe('no store: CookieStore', () => {
  it('keeps the session in the cookie, sealed', async () => {
    const { visitor } = await returning({ store: new CookieStore() }, { user: 'somebody' })
    expect(await visitor.ask((s) => s.user)).toBe('somebody')
    expect(Buffer.from(visitor.cookie, 'base64url').toString('latin1')).not.toContain('somebody')
  })
})

describe('ContextStore: store: req => Store', () => {
  it('a store for each request, each with its own sessions', async () => {
    const stores = { a: new CountingStore(), b: new CountingStore() }
    const choose = (req: { headers: Record<string, unknown> }) => stores[req.headers['x-tenant'] as 'a' | 'b']
    const site = await Site.open({ store: choose as never })
    const [a, b] = [{ 'x-tenant': 'a' }, { 'x-tenant': 'b' }]
    const visitor = site.visitor()
    await visitor.visit((s) => void (s.n = 1), { headers: a })
    expect((await visitor.visit((s) => s.n, { headers: a })).text).toBe('1')
    expect((await visitor.visit((s) => s.n ?? 'none', { headers: b })).text).toBe('"none"')
    expect([stores.a.log, stores.b.log]).toEqual(['set get', 'get'])
    const same = await visitor.visit((_s, req) => req.sessionStore === stores.a, { headers: a })
    expect(same.text).toBe('true')
  })

  it('that gives no store: an error for the error handler', async () => {
    const site = await Site.open({ store: () => ({}) as never })
    const { status } = await site.visitor().send('/')
    expect([status, site.errors[0]?.code]).toEqual([500, 'ERR_SESSION_OPTIONS'])
  })
})

describe('genid(ctx): genid(req)', () => {
  it('makes the id', async () => {
    let count = 0
    const { visitor } = await returning({ genid: (req) => `${req.method}-${++count}` })
    expect(visitor.id).toBe('GET-1')
  })
})

describe('externalKey {get, set}: transport', () => {
  it.each(['lazy', 'eager'] as const)('headerTransport carries the id in a header: load %s', async (load) => {
    const site = await Site.open({ load, transport: headerTransport('X-Session-Id') })
    const visitor = site.visitor()
    const first = await visitor.visit(async (s) => void ((await s.load()).n = 1))
    expect(first.setCookies).toEqual([])
    expect(first.headers['cache-control']).toBe('no-store')
    const id = String(first.headers['x-session-id'])
    expect(id).toMatch(/^s:[\w-]{43}\./)
    const headers = { 'x-session-id': id }
    const second = await visitor.visit(async (s) => (await s.load()).n, { headers })
    expect([second.text, second.headers['x-session-id']]).toEqual(['1', undefined])
    expect(second.headers.vary).toBe('X-Session-Id')
    // A cookie of the name is not looked at.
    expect(
      (await visitor.visit(async (s) => (await s.load()).isNew, { headers: { cookie: `sid=${id}` } })).text
    ).toBe('true')
  })

  it('a logout clears it', async () => {
    const site = await Site.open({ transport: headerTransport('x-session-id') })
    const visitor = site.visitor()
    const { headers } = await visitor.visit((s) => void (s.n = 1))
    const sent = { 'x-session-id': String(headers['x-session-id']) }
    const ended = await visitor.visit((s) => s.destroy(), { headers: sent })
    expect(ended.headers['x-session-id']).toBe('')
    expect((await visitor.visit((s) => s.isNew, { headers: sent })).text).toBe('true')
  })

  it('an application’s own: in the query, say', async () => {
    const site = await Site.open({
      transport: {
        read: (req) => new URL(req.url!, 'http://localhost').searchParams.get('s') ?? undefined,
        write: (res, id) => res.setHeader?.('Location', `/?s=${encodeURIComponent(id)}`),
        clear: (res) => res.setHeader?.('Location', '/')
      }
    })
    const visitor = site.visitor()
    const { headers } = await visitor.visit((s) => void (s.n = 1))
    expect(headers.vary).toBeUndefined()
    expect((await visitor.visit((s) => s.n, { path: headers.location! })).text).toBe('1')
  })

  it.each([[{ a: 'b' }], [5], [[{}, null, 'x']], [null]])('that gives %j: nobody’s', async (read) => {
    const transport = { read: () => read as never, write: () => undefined, clear: () => undefined }
    const site = await Site.open({ transport })
    expect(await site.visitor().ask((s) => s.isNew)).toBe(true)
  })

  it('that throws: the error goes to the error handler', async () => {
    const read = () => {
      throw new Error('no')
    }
    const site = await Site.open({ transport: { read, write: () => undefined, clear: () => undefined } })
    expect((await site.visitor().visit((s) => s.n)).status).toBe(500)
    expect(site.errors).toHaveLength(1)
  })

  it('a header that a logout emptied is no forged id', async () => {
    const site = await Site.open({ transport: headerTransport('x-session-id') })
    const heard = listen()
    const { text } = await site.visitor().visit((s) => s.isNew, { headers: { 'x-session-id': '' } })
    expect([text, heard['holdfast:rejected']]).toEqual(['true', []])
  })
})

describe('encode, decode; koa-redis serialize, unserialize: codec', () => {
  const codec = {
    encode: (record: object) => Buffer.from(JSON.stringify(record)).toString('base64'),
    decode: (text: string) => JSON.parse(Buffer.from(text, 'base64').toString()) as Record<string, unknown>
  }

  it('are the text form, for every store', async () => {
    const { site, visitor } = await returning({ codec })
    await visitor.ask((s) => s.update((draft) => void (draft.n = 2)))
    const text = (await site.store.inner.get(visitor.id))!
    expect(codec.decode(text)).toMatchObject({ n: 2 })
    expect(await visitor.ask((s) => s.n)).toBe(2)
    const sealed = await returning({ codec, store: new CookieStore() })
    expect(await sealed.visitor.ask((s) => s.n)).toBe(1)
  })

  it('need not make the same text twice: two requests at once lose nothing', async () => {
    const salted = {
      encode: (record: object) => `${Math.random()} ${JSON.stringify(record)}`,
      decode: (text: string) => JSON.parse(text.slice(text.indexOf(' '))) as Record<string, unknown>
    }
    const { visitor } = await returning({ codec: salted })
    await visitor.ask(async (s) => {
      await visitor.clone().ask((other) => void (other.b = 1))
      s.a = 1
    })
    expect(await visitor.ask((s) => [s.n, s.a, s.b])).toEqual([1, 1, 1])
    const { length } = Array.from({ length: 10 })
    await Promise.all(
      Array.from({ length }, () => visitor.clone().ask((s) => s.update((d) => (d.n = Number(d.n) + 1))))
    )
    expect(await visitor.ask((s) => s.n)).toBe(11)
    await visitor.ask((s) => s.regenerate({ keep: true }).then(() => null))
    expect(await visitor.ask((s) => s.n)).toBe(11)
  })

  it.each<[string, object]>([
    ['encode', { codec: { ...codec, encode: () => Promise.resolve('{}') } }],
    ['decode', { codec: { ...codec, decode: () => Promise.resolve({}) } }]
  ])('%s must not be asynchronous', async (_name, given) => {
    const site = await Site.open(given)
    const { status, setCookies } = await site.visitor().visit((s) => void (s.n = 1))
    const cookie = setCookies[0]?.split(';')[0]
    const next = cookie && (await site.visitor().visit((s) => s.n, { headers: { cookie } })).status
    expect([status, next]).toContain(500)
    expect(site.errors[0]?.code).toBe('ERR_SESSION_OPTIONS')
  })

  it('what cannot be read is no session', async () => {
    const { site, visitor } = await returning({ codec })
    const heard = listen()
    await site.store.inner.destroy(visitor.id)
    await site.store.inner.set(visitor.id, '{}', 60_000, null)
    expect(await visitor.ask((s) => s.isNew)).toBe(true)
    expect(heard['holdfast:corrupt']).toEqual([{ reason: 'not what codec.decode reads' }])
  })

  const sorted = (record: object) =>
    JSON.stringify(Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))))

  it('a request that only reads writes nothing, whatever the order in which the codec puts the keys', async () => {
    const { site, visitor } = await returning(
      { codec: { encode: sorted, decode: (text) => JSON.parse(text) as Record<string, unknown> } },
      { zeta: 1, alpha: 2 }
    )
    await visitor.ask((s) => s.zeta)
    expect(site.store.calls.filter(({ operation }) => operation === 'set')).toEqual([])
  })
})

describe('valid(ctx, data): valid(req, session)', () => {
  it.each([
    ['at once', (n: unknown) => n !== 2],
    ['later', (n: unknown) => Promise.resolve(n !== 2)]
  ])('throws a loaded session away: %s', async (_when, isValid) => {
    const { site, visitor } = await returning({
      valid: (req, s) => !!req.url && isValid((s as never as { n: 1 }).n)
    })
    expect(await visitor.ask((s) => s.n)).toBe(1)
    await visitor.ask((s) => void (s.n = 2))
    const heard = listen()
    const { id } = visitor
    expect(await visitor.ask((s) => [s.n ?? null, s.isNew])).toEqual([null, true])
    expect(heard['holdfast:rejected']).toEqual([{ reason: 'invalid' }])
    expect(await site.stored(id)).toMatchObject({ n: 2 })
  })

  it.each([
    ['undefined', () => undefined],
    ['null', () => null],
    ['0', () => 0],
    ['undefined, later', () => Promise.resolve(undefined)],
    ['null, later', () => Promise.resolve(null)]
  ])('takes an answer of %s for no', async (_answer, answer) => {
    for (const load of ['eager', 'lazy'] as const) {
      const { visitor } = await returning({ load, valid: answer as never })
      expect(await visitor.ask(async (s) => (await s.load()).n ?? 'nobody')).toBe('nobody')
    }
  })

  it.each([
    ['a list', () => []],
    ['a text', () => 'false'],
    ['rows, later', () => Promise.resolve({ rowCount: 0 })]
  ])('refuses %s for an answer: it may have meant no', async (_answer, answer) => {
    const { visitor, site } = await returning({ valid: answer as never })
    expect((await visitor.visit((s) => s.n)).status).toBe(500)
    expect(site.errors[0]).toMatchObject({
      code: 'ERR_SESSION_OPTIONS',
      message: expect.stringContaining('valid must return true or false')
    })
  })

  it('cannot call the session’s methods, which would wait for it', async () => {
    const { visitor, site } = await returning({ valid: (_req, s) => s.touch().then(() => true) })
    expect((await visitor.visit((s) => s.n)).status).toBe(500)
    expect(site.errors[0]?.code).toBe('ERR_SESSION_DATA')
  })

  it('that throws: the request fails', async () => {
    const { visitor } = await returning({
      valid: () => {
        throw new Error('cannot say')
      }
    })
    expect((await visitor.visit((s) => s.n)).status).toBe(500)
  })
})

describe('beforeSave(ctx, session): beforeSave(req, session)', () => {
  it('has a last look before a write, and none without one', async () => {
    const seen: unknown[] = []
    const { site, visitor } = await returning({
      beforeSave: (req, s) => seen.push([req.method, Object.assign(s, { checked: true }).toJSON()])
    })
    seen.length = 0
    await visitor.ask((s) => s.n)
    expect(seen).toEqual([])
    await visitor.ask((s) => void (s.n = 2))
    await visitor.ask((s) => s.update((draft) => void (draft.n = 3)))
    expect(seen).toEqual([2, 3].map((n) => ['GET', expect.objectContaining({ n, checked: true })]))
    expect(await site.stored(visitor.id)).toMatchObject({ n: 3, checked: true })
  })

  it('must not be asynchronous', async () => {
    const { status } = await (
      await Site.open({ beforeSave: () => Promise.reject(new Error('late')) as never })
    )
      .visitor()
      .visit((s) => void (s.n = 1))
    expect(status).toBe(500)
  })

  it('that throws: nothing is written', async () => {
    const { site, visitor } = await returning({
      beforeSave: (_req, s) => {
        if ((s as never as { n: unknown }).n === 'bad') throw new Error('no')
      }
    })
    expect((await visitor.visit((s) => void (s.n = 'bad'))).status).toBe(500)
    expect(await visitor.ask((s) => codeOf(Object.assign(s, { n: 'bad' }).save()))).toBe('Error: no')
    expect(await site.stored(visitor.id)).toMatchObject({ n: 1 })
  })
})

describe('events missed, invalid, expired: diagnostics channels', () => {
  it('say why a session was not there', async () => {
    const heard = listen()
    const { site, visitor } = await returning({ lifetime: 3_600_000 })
    await site.store.inner.destroy(visitor.id)
    await visitor.ask((s) => s.n ?? null)
    expect(heard['holdfast:rejected']).toEqual([{ reason: 'unknown' }])
  })
})

describe('what koa-session has and Holdfast has not', () => {
  it('ctx.session before the middleware: sessions.open gives the session there', async () => {
    const { site, visitor } = await returning({}, { n: 1 })
    const sessions = session({ secret, store: site.store })
    const found = await sessions.open({ headers: { cookie: `sid=${visitor.cookie}` } })
    expect((found as Bag | null)?.n).toBe(1)
  })

  it('signed: false without a secret is refused, with the name of the option', () => {
    expect(() => session({ signed: false } as SessionOptions)).toThrow(/^secret must/)
  })

  it('a life that counts from the last write, by beforeSave and valid', async () => {
    const { site, visitor } = await returning({
      idleTimeout: 60_000,
      beforeSave: (_req, s) => void ((s as Bag).writtenAt = Date.now()),
      valid: (_req, s) => Date.now() - Number((s as Bag).writtenAt) < 60_000
    })
    await visitor.visit((s) => void (s.n = 1))
    advance(50_000)
    expect((await visitor.visit((s) => s.n ?? 'none')).text).toBe('1')
    advance(20_000)
    expect((await visitor.visit((s) => s.n ?? 'none')).text).toBe('"none"')
    expect(site.errors).toEqual([])
  })

  it('session = null is undefined afterwards', async () => {
    const { visitor } = await returning()
    const { text } = await visitor.visit((_s, req) => {
      const bare = req as { session: unknown }
      bare.session = null
      return String(bare.session)
    })
    expect(text).toBe('"undefined"')
  })
})

describe('autoCommit: false, manuallyCommit(): session.save()', () => {
  it('writes only when told', async () => {
    const { site, visitor } = await returning()
    const manual = await Site.open({ autoCommit: false, store: site.store })
    const other = manual.visitor(visitor.cookie)
    site.store.forget()
    await other.ask((s) => void (s.n = 2))
    expect(site.store.log).toBe('get')
    await other.ask(async (s) => {
      s.n = 3
      await s.save()
      s.n = 4
    })
    await other.ask((s) => s.update((draft) => void (draft.m = 1)))
    expect(await site.stored(visitor.id)).toMatchObject({ n: 3, m: 1 })
  })

  it('a new session gets its cookie with its save', async () => {
    const site = await Site.open({ autoCommit: false })
    const visitor = site.visitor()
    expect((await visitor.visit((s) => void (s.n = 1))).setCookies).toEqual([])
    expect((await visitor.visit((s) => Object.assign(s, { n: 1 }).save())).setCookies).toHaveLength(1)
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })
})

describe('session = null: req.session = null', () => {
  it('destroys', async () => {
    const { site, visitor } = await returning()
    const { id } = visitor
    await visitor.visit((_s, req) => void ((req as { session: unknown }).session = null))
    expect([await site.stored(id), visitor.hasCookie]).toEqual([null, false])
  })
})

describe('session = {…}: req.session = {…}', () => {
  it('replaces the data, and keeps the id; a new session stays new', async () => {
    const { site, visitor } = await returning()
    const { id } = visitor
    await visitor.visit((_s, req) => void ((req as { session: unknown }).session = { m: 1, _hidden: 2 }))
    expect(visitor.id).toBe(id)
    const { '@': _meta, ...data } = (await site.stored(id))!
    expect(data).toEqual({ m: 1, _hidden: 2 })
    const isNew = await site.visitor().ask((_s, req) => {
      ;(req as { session: unknown }).session = { m: 1 }
      return req.session.isNew
    })
    expect(isNew).toBe(true)
  })
})

describe('isNew, length, populated, toJSON(), inspect', () => {
  it('look at a session', async () => {
    const { site, visitor } = await returning()
    expect(await site.visitor().ask((s) => s.isNew)).toBe(true)
    const look = await visitor.ask((s) => [s.isNew, s.toJSON(), JSON.parse(JSON.stringify(s)) as object])
    expect(look).toEqual([
      false,
      ...Array(2).fill({ n: 1, cookie: expect.objectContaining({ path: '/' }) as object })
    ])
    const shown = await visitor.ask((s) => [inspect(s), Object.keys(s)])
    expect(shown[1]).toEqual(['n', 'cookie'])
    expect(shown[0]).toContain('n: 1')
    expect(shown[0]).not.toContain(visitor.id)
  })
})

describe('session.maxAge = n: session.cookie.maxAge = n', () => {
  it('another life for this session', async () => {
    const { site, visitor } = await returning()
    await visitor.ask((s) => void (s.cookie.maxAge = 5000))
    expect(site.store.calls.at(-1)).toMatchObject({ operation: 'set', ttl: 5000 })
  })
})

describe('save(), regenerate()', () => {
  it.each(['a promise', 'a callback'])('%s', async (form) => {
    const { visitor } = await returning()
    const { id } = visitor
    await visitor.ask((s) =>
      form === 'a promise'
        ? s.regenerate().then((fresh) => fresh.save())
        : new Promise<void>((done) => s.regenerate((_e, fresh) => fresh!.save(() => done())))
    )
    expect(visitor.id).not.toBe(id)
  })
})

describe('what is wrong there', () => {
  it('a manual save is written once', async () => {
    const { site, visitor } = await returning()
    await visitor.ask(async (s) => {
      s.n = 2
      await s.save()
    })
    expect(site.store.log).toBe('get set')
  })

  it('the stored life is the cookie’s, to the millisecond', async () => {
    const { site, visitor } = await returning({ cookie: { maxAge: 5000 } })
    await visitor.ask((s) => void (s.n = 2))
    expect(site.store.calls.at(-1)?.ttl).toBe(5000)
  })
})
