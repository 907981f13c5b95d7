import { hangs, CountingStore, fails, answerLost, takes } from './support/counting-store'
import { listen } from './support/events'
import { codeOf } from './support/outcome'
import { Site, until, type Bag, type Handler, type Visitor } from './support/site'

const KEPT = { n: 1 }

async function returning(
  options: Parameters<typeof Site.open>[0] = {}
): Promise<{ site: Site; visitor: Visitor }> {
  const site = await Site.open(options)
  const visitor = site.visitor()
  await visitor.ask(async (s) => void Object.assign(await s.load(), KEPT))
  site.store.forget()
  return { site, visitor }
}

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
    expect(site.store.log).toBe('get set set touch')
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

describe('a failure that its caller heard of', () => {
  it.each<[string, (s: Bag) => unknown]>([
    ['awaited', (s) => codeOf(s.save())],
    ['then', (s) => s.save().then(null, () => undefined)],
    ['a callback', (s) => new Promise((resolve) => s.save(resolve))]
  ])('is the caller’s business: %s', async (_how, save) => {
    const { site, visitor } = await returning()
    site.store.next('set', fails)
    const { status, setCookies } = await visitor.visit(async (s) => {
      s.n = 2
      await save(s)
      return 'sorry'
    })
    expect([status, setCookies]).toEqual([200, []])
    expect(site.store.log).toBe('get set')
    expect(await site.stored(visitor.id)).toMatchObject(KEPT)
  })

  it('does not keep a later change from being committed', async () => {
    const { site, visitor } = await returning()
    site.store.next('set', fails)
    await visitor.ask(async (s) => {
      s.n = 2
      await codeOf(s.save())
      s.m = 1
    })
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2, m: 1 })
  })

  it('can be tried again by the handler', async () => {
    const { site, visitor } = await returning()
    site.store.next('set', fails)
    await visitor.ask(async (s) => {
      s.n = 2
      await codeOf(s.save())
      await s.save()
    })
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2 })
    expect(site.store.log).toBe('get set set')
  })

  it('goes to the error handler where the handler passes it on', async () => {
    const { site, visitor } = await returning()
    site.store.next('set', fails)
    const { status, text } = await visitor.visit((s) => s.update((draft) => void (draft.n = 2)))
    expect([status, text]).toEqual([503, '{"error":"ERR_SESSION_STORE"}'])
    expect(site.errors).toHaveLength(1)
    expect(site.store.log).toBe('get set')
  })

  it('a destroy that failed leaves the session', async () => {
    const { site, visitor } = await returning()
    site.store.next('destroy', fails)
    const seen = await visitor.ask(async (s, req) => [
      await codeOf(s.destroy()),
      (req.session as unknown as Bag).n
    ])
    expect(seen).toEqual(['ERR_SESSION_STORE', 1])
    expect([visitor.hasCookie, await visitor.ask((s) => s.n)]).toEqual([true, 1])
  })
})

describe('a failure that nobody heard of', () => {
  const calls: [string, (s: Bag) => unknown, 'set' | 'destroy'][] = [
    ['save', (s) => s.save(), 'set'],
    ['update', (s) => s.update((draft) => void (draft.n = 2)), 'set'],
    ['destroy', (s) => s.destroy(), 'destroy']
  ]

  it.each(calls)('fails the response: %s', async (_name, call, operation) => {
    const { site, visitor } = await returning()
    site.store.next(operation, fails)
    const { status, setCookies } = await visitor.visit((s) => {
      s.n = 2
      void call(s)
      return 'saved'
    })
    expect([status, setCookies]).toEqual([503, []])
  })

  it.each(calls)(
    'before the response was ended, where %s is awaited too late',
    async (_name, call, operation) => {
      const { site, visitor } = await returning()
      site.store.next(operation, async (ask, by) => {
        await takes(20)(ask, by)
        throw new Error('down')
      })
      const { status } = await visitor.visit(async (s, _req, res) => {
        s.n = 2
        const pending = call(s) as Promise<unknown>
        res.end('saved')
        await pending.catch(() => undefined)
      })
      expect(status).toBe(503)
    }
  )

  it('before the response was ended, where the callback comes too late', async () => {
    const { site, visitor } = await returning()
    site.store.next('set', fails)
    const heard = jest.fn()
    const { status } = await visitor.visit((s, _req, res) => {
      s.n = 2
      s.save(heard)
      res.end('saved')
    })
    expect(status).toBe(503)
    expect(heard).toHaveBeenCalledWith(expect.objectContaining({ code: 'ERR_SESSION_STORE' }))
  })

  it('is forgotten where a later save succeeded', async () => {
    const { site, visitor } = await returning()
    site.store.next('set', fails)
    const { status } = await visitor.visit(async (s) => {
      s.n = 2
      void s.save()
      await s.save()
    })
    expect(status).toBe(200)
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2 })
  })
})

describe('after the commit failed at the end', () => {
  it('the session is sealed: save and update reject with the same error, and nothing is written', async () => {
    const site = await Site.open({}, (app) => {
      app.get('/fails', (req, res) => {
        ;(req.session as unknown as Bag).n = 2
        res.end('saved')
      })
      app.use((async (error, req, res, _next) => {
        const s = req.session as unknown as Bag
        s.m = 1
        const codes = [
          await codeOf(s.save()),
          await codeOf(s.update((draft) => void (draft.m = 2))),
          await codeOf(s.destroy())
        ]
        res.status((error as { status: number }).status).json(codes)
      }) as import('express').ErrorRequestHandler)
    })
    const visitor = site.visitor()
    site.store.next('set', fails)
    const { status, text, setCookies } = await visitor.send('/fails')
    expect([status, JSON.parse(text), setCookies]).toEqual([503, Array(3).fill('ERR_SESSION_STORE'), []])
    expect(site.store.log.split(' ').filter((name) => name === 'set')).toHaveLength(1)
  })
})

describe('what cannot be stored', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle

  it.each<[string, (s: Bag) => unknown]>([
    ['a BigInt', (s) => (s.n = 1n)],
    ['a cycle', (s) => (s.cycle = cycle)],
    ['more than maxBytes', (s) => (s.x = 'x'.repeat(2000))],
    ['deeper than maxDepth', (s) => (s.x = [[[[[[]]]]]])],
    ['a cookie that cannot be', (s) => (s.cookie.path = 'x;y')],
    ['a name that JSON cannot tell', (s) => (s.toJSON = () => 'x')]
  ])('%s: an error of the handler, and nothing is written', async (_what, change) => {
    const { site, visitor } = await returning({ maxBytes: 1000, maxDepth: 5 })
    const { status, setCookies } = await visitor.visit((s) => void change(s))
    expect([status, setCookies]).toEqual([500, []])
    expect(site.errors).toMatchObject([{ code: 'ERR_SESSION_DATA' }])
    expect(site.store.log).toBe('get')
    const codes = await visitor.ask(async (s) => {
      change(s)
      const list = [await codeOf(s.save()), await codeOf(s.update((draft) => void (draft.n = 2)))]
      await s.reload()
      return [...list, await codeOf(s.update((draft) => void change(draft)))]
    })
    expect(codes).toEqual(Array(3).fill('ERR_SESSION_DATA'))
    expect(await site.stored(visitor.id)).toMatchObject(KEPT)
  })

  it('what a store keeps beyond the limits is not read', async () => {
    const { site, visitor } = await returning({ maxBytes: 1000 })
    const heard = listen()
    await site.store.inner.destroy(visitor.id)
    await site.store.inner.set(visitor.id, JSON.stringify({ x: 'x'.repeat(1000) }), 60_000, null)
    expect(await visitor.ask((s) => [s.x ?? null, s.isNew])).toEqual([null, true])
    expect(heard['holdfast:corrupt']).toEqual([{ reason: 'larger than maxBytes' }])
  })
})

describe('a session that is gone', () => {
  const handlers: [string, Handler][] = [
    ['the commit at the end', (s) => void (s.n = 2)],
    ['save', (s) => ((s.n = 2), s.save())],
    ['update', (s) => s.update((draft) => void (draft.n = 2))]
  ]
  const ends: [string, (visitor: Visitor, site: Site) => Promise<unknown>][] = [
    ['destroyed', (visitor) => visitor.ask((s) => s.destroy())],
    ['regenerated', (visitor) => visitor.ask((s) => s.regenerate().then(() => null))],
    ['moved', (visitor) => visitor.ask((s) => s.regenerate({ keep: true }).then(() => null))],
    ['expired', (visitor, site) => site.store.inner.destroy(visitor.id)]
  ]

  it.each(
    handlers.flatMap(([how, handler]) => ends.map(([what, end]) => [how, what, handler, end] as const))
  )(
    '%s: 409 where it was %s meanwhile, nothing written, no Set-Cookie',
    async (_how, _what, handler, end) => {
      const { site, visitor } = await returning({ cookie: { maxAge: 60_000 } })
      const { id } = visitor
      const heard = listen()
      const { status, text, setCookies } = await visitor.visit(async (s, req, res) => {
        await end(visitor.clone(), site)
        return handler(s, req, res)
      })
      expect([status, text, setCookies]).toEqual([409, '{"error":"ERR_SESSION_GONE"}', []])
      expect(await site.stored(id)).toBeNull()
      expect(heard['holdfast:dropped']).toMatchObject([{ reason: 'gone' }])
    }
  )

  it('no Set-Cookie either where one was due before it was found to be gone', async () => {
    const { site, visitor } = await returning({ cookie: { maxAge: 60_000 } })
    for (const handler of [
      async (s: Bag) => {
        await s.touch()
        await site.store.inner.destroy(s.id)
        s.n = 2
        return codeOf(s.save())
      },
      async (s: Bag) => {
        s.cookie.maxAge = 50_000
        await s.save()
        await site.store.inner.destroy(s.id)
        return codeOf(s.update((draft) => void (draft.n = 2)))
      }
    ]) {
      const other = site.visitor()
      await other.ask((s) => void (s.n = 1))
      const { text, setCookies } = await other.visit(handler)
      expect([text, setCookies]).toEqual(['"ERR_SESSION_GONE"', []])
    }
    expect(visitor.hasCookie).toBe(true)
  })

  it.each(handlers)('onGone: drop: %s goes on, drops the changes, and says so', async (_how, handler) => {
    const { site, visitor } = await returning({ onGone: 'drop', cookie: { maxAge: 60_000 } })
    const { id } = visitor
    const heard = listen()
    const { status, setCookies } = await visitor.visit(async (s, req, res) => {
      const { handle } = s
      await site.store.inner.destroy(s.id)
      await handler(s, req, res)
      return handle
    })
    expect([status, setCookies]).toEqual([200, []])
    expect(await site.stored(id)).toBeNull()
    expect(heard['holdfast:dropped']).toMatchObject([{ reason: 'gone', handle: expect.any(String) }])
  })

  it('onGone: drop: a login in the same request counts all the same', async () => {
    const { site, visitor } = await returning({ onGone: 'drop' })
    const old = visitor.id
    await visitor.ask(async (s) => {
      await site.store.inner.destroy(s.id)
      s.n = 2
      await s.save()
      const fresh = await s.regenerate()
      fresh.user = 'test'
    })
    expect(visitor.id).not.toBe(old)
    expect(await site.stored(visitor.id)).toMatchObject({ user: 'test' })
  })

  it('onGone: drop: what was replaced by regenerate does not take the new session with it', async () => {
    const { site, visitor } = await returning({ onGone: 'drop' })
    await visitor.ask(async (s) => {
      const fresh = await s.regenerate()
      await s.save().catch(() => undefined)
      fresh.user = 'test'
    })
    expect(await site.stored(visitor.id)).toMatchObject({ user: 'test' })
  })

  it('onGone: drop: other failures are failures', async () => {
    const { site, visitor } = await returning({ onGone: 'drop' })
    site.store.next('set', fails)
    expect((await visitor.visit((s) => void (s.n = 2))).status).toBe(503)
  })

  it('a session that regenerate replaced cannot be saved, updated, reloaded, touched or destroyed', async () => {
    const { site, visitor } = await returning()
    const codes = await visitor.ask(async (s) => {
      const fresh = await s.regenerate()
      fresh.n = 5
      return [
        await codeOf(s.save()),
        await codeOf(s.update((draft) => void (draft.n = 6))),
        await codeOf(s.reload()),
        await codeOf(s.touch()),
        await codeOf(s.destroy())
      ]
    })
    expect(codes).toEqual(Array(5).fill('ERR_SESSION_GONE'))
    expect(await site.stored(visitor.id)).toMatchObject({ n: 5 })
  })
})

describe('destroy', () => {
  it('twice is once', async () => {
    const { visitor } = await returning()
    expect((await visitor.visit(async (s) => [await s.destroy(), await s.destroy()].length)).status).toBe(200)
    expect(visitor.hasCookie).toBe(false)
  })

  it('of a session that was never stored asks nothing, and clears no cookie', async () => {
    const site = await Site.open()
    const { status, setCookies } = await site.visitor().visit((s) => {
      s.n = 1
      return s.destroy()
    })
    expect([status, setCookies, site.store.log]).toEqual([200, [], ''])
  })

  it('of what another request destroyed leaves the browser’s cookie alone: it may be a newer one', async () => {
    const { site, visitor } = await returning()
    const { setCookies } = await visitor.visit(async (s) => {
      await site.store.inner.destroy(s.id)
      await s.destroy()
    })
    expect(setCookies).toEqual([])
  })

  it('of a session with cookie settings of its own clears the cookie that the browser has', async () => {
    for (const load of ['eager', 'lazy'] as const) {
      const { visitor } = await returning({ load })
      await visitor.ask(async (s) => {
        const { cookie } = await s.load()
        cookie.path = '/own'
        cookie.domain = 'own.example'
      })
      const { setCookies } = await visitor.visit(async (s) => {
        await s.load()
        await s.destroy()
      })
      expect(setCookies).toEqual([
        'sid=; Domain=own.example; Path=/own; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax'
      ])
    }
  })

  it('inside the function given to update is refused, and the session stays', async () => {
    const { site, visitor } = await returning()
    const seen = await visitor.ask(async (s, req) => {
      const code = await s.update(async (draft) => {
        draft.n = 2
        return codeOf(s.destroy())
      })
      return [code, (req.session as unknown as Bag | undefined)?.n]
    })
    expect(seen).toEqual(['ERR_SESSION_DATA', 2])
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2 })
  })

  it('and then regenerate: a new session', async () => {
    const { site, visitor } = await returning()
    const old = visitor.id
    await visitor.ask(async (s) => {
      await s.destroy()
      const fresh = await s.regenerate()
      fresh.n = 3
    })
    expect([visitor.id === old, await site.stored(old)]).toEqual([false, null])
    expect(await site.stored(visitor.id)).toMatchObject({ n: 3 })
  })

  it('and then an assignment: a new session, at once', async () => {
    const { site, visitor } = await returning()
    const old = visitor.id
    await visitor.ask(async (s, req) => {
      await s.destroy()
      req.session = { m: 1 } as never
      ;(req.session as unknown as Bag).n = 2
    })
    expect([visitor.id === old, await site.stored(old)]).toEqual([false, null])
    expect(await site.stored(visitor.id)).toEqual({ m: 1, n: 2, '@': expect.anything() })
  })

  it('un-awaited, and then an assignment: a new session, and the old one ends', async () => {
    const { site, visitor } = await returning()
    const old = visitor.id
    await visitor.ask((s, req) => {
      void s.destroy()
      req.session = { m: 1 } as never
    })
    expect([visitor.id === old, await site.stored(old)]).toEqual([false, null])
    expect(await site.stored(visitor.id)).toEqual({ m: 1, '@': expect.anything() })
  })
})

describe('assigning to req.session', () => {
  it.each([null, undefined])('%s ends it', async (value) => {
    const { site, visitor } = await returning()
    const { id } = visitor
    const gone = await visitor.ask((_s, req) => {
      req.session = value as never
      return req.session === undefined
    })
    expect([gone, await site.stored(id), visitor.hasCookie]).toEqual([true, null, false])
  })

  it('null twice is once', async () => {
    const { site, visitor } = await returning()
    await visitor.ask((_s, req) => {
      req.session = null as never
      req.session = null as never
    })
    expect(site.store.log).toBe('get destroy')
  })

  it('null, where the store fails: 503', async () => {
    const { site, visitor } = await returning()
    site.store.next('destroy', fails)
    expect((await visitor.visit((_s, req) => void (req.session = null as never))).status).toBe(503)
    expect(await site.stored(visitor.id)).toMatchObject(KEPT)
  })

  it('an object replaces the data, and keeps the session', async () => {
    const { site, visitor } = await returning()
    const { id } = visitor
    const same = await visitor.ask((s, req) => {
      req.session = { m: 2 } as never
      return [(req.session as unknown) === s, s.n ?? null, s.m]
    })
    expect(same).toEqual([true, null, 2])
    expect([visitor.id, await site.stored(id)]).toEqual([id, { m: 2, '@': expect.anything() }])
  })

  it('a copy of itself with more in it works', async () => {
    const { site, visitor } = await returning()
    await visitor.ask((s, req) => void (req.session = { ...s, m: 2 } as never))
    expect(await site.stored(visitor.id)).toEqual({ ...KEPT, m: 2, '@': expect.anything() })
  })

  it('itself changes nothing', async () => {
    const { site, visitor } = await returning()
    await visitor.ask((s, req) => void (req.session = s as never))
    expect(site.store.log).toBe('get')
  })

  it.each([1, 'text', true, [[]], () => 1])('%p is refused', async (value) => {
    const { site, visitor } = await returning()
    expect((await visitor.visit((_s, req) => void (req.session = value as never))).status).toBe(500)
    expect(site.errors).toMatchObject([{ code: 'ERR_SESSION_DATA' }])
    expect(await site.stored(visitor.id)).toMatchObject(KEPT)
  })

  it.each(['save', '@', '__proto__'])(
    'an object with the reserved name %s is refused, and changes nothing',
    async (name) => {
      const { site, visitor } = await returning()
      const { status } = await visitor.visit(
        (_s, req) => void (req.session = JSON.parse(`{"m":1,"${name}":{}}`) as never)
      )
      expect(status).toBe(500)
      expect(site.errors).toMatchObject([{ code: 'ERR_SESSION_DATA' }])
      expect(await site.stored(visitor.id)).toEqual({ ...KEPT, '@': expect.anything() })
    }
  )
})

describe('after the headers have gone', () => {
  const begin: Handler = async (_s, _req, res) => {
    res.write('begin')
    await new Promise<void>((resolve) => res.write('.', () => resolve()))
  }

  it('changes are committed before the end', async () => {
    const { site, visitor } = await returning()
    const { text } = await visitor.visit(async (s, req, res) => {
      await begin(s, req, res)
      s.n = 2
      res.end('end')
    })
    expect(text).toBe('begin.end')
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2 })
  })

  it('a session cannot be created any more: an error, before anything is stored', async () => {
    const site = await Site.open()
    const codes: string[] = []
    await site.visitor().visit(async (s, req, res) => {
      await begin(s, req, res)
      s.n = 2
      codes.push(await codeOf(s.save()), await codeOf(s.update((draft) => void (draft.n = 3))))
      const fresh = await s.regenerate()
      codes.push(await codeOf(fresh.save()))
      res.end()
    })
    expect(codes).toEqual(Array(3).fill('ERR_SESSION_HEADERS_SENT'))
    expect(site.store.log).toBe('')
  })

  it('a login cannot happen any more: the old session stays', async () => {
    const { site, visitor } = await returning()
    await visitor
      .visit(async (s, req, res) => {
        await begin(s, req, res)
        const fresh = await s.regenerate()
        fresh.n = 2
        res.end()
      })
      .catch(() => undefined)
    expect(await site.stored(visitor.id)).toMatchObject(KEPT)
    expect(site.store.log).toBe('get')
  })

  it('nothing is noted as sent that could not be: the cookie is renewed by the next response', async () => {
    const { site, visitor } = await returning({ load: 'lazy', cookie: { maxAge: 60_000 } })
    const sent = async () => ((await site.stored(visitor.id))?.['@'] as { sent: number }).sent
    const at = await sent()
    jest.spyOn(Date, 'now').mockReturnValue(at + 40_000)
    await visitor.visit(async (s, req, res) => {
      await begin(s, req, res)
      const loaded = await s.load()
      loaded.n = 2
      res.end()
    })
    expect(await sent()).toBe(at)
    const { setCookies } = await visitor.visit((s) => s.load().then(() => null))
    jest.restoreAllMocks()
    expect(setCookies).toHaveLength(1)
  })
})

describe('the budget', () => {
  it('of a commit is its own, not what the load left over', async () => {
    const { site, visitor } = await returning({ timeout: 400 })
    site.store.always(takes(250))
    expect((await visitor.visit((s) => void (s.n = 2))).status).toBe(200)
  })

  it('of a load holds for all that it asks', async () => {
    const { site, visitor } = await returning({ timeout: 400, idleTimeout: 1000_000 })
    await visitor.ask((s) => void (s.cookie.maxAge = 500_000))
    site.store.always(takes(250))
    expect((await visitor.visit(() => 'never')).status).toBe(503)
  })

  it('of a login holds for both of its steps', async () => {
    const { site, visitor } = await returning({ timeout: 400 })
    const old = visitor.id
    site.store.next('set', takes(250))
    site.store.next('destroy', takes(250))
    expect((await visitor.visit((s) => s.regenerate().then(() => 1))).status).toBe(503)
    await until(async () => (await site.stored(old)) === null || site.store.log.endsWith('destroy destroy'))
  })

  it('does not count the time of the function given to update', async () => {
    const { site, visitor } = await returning({ timeout: 100 })
    const n = await visitor.ask((s) =>
      s.update(async (draft) => {
        await new Promise((resolve) => setTimeout(resolve, 300))
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
      'holdfast:commit': [{ handle, merged: false, attempts: 1 }],
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
