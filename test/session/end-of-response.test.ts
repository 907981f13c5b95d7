import { fails, takes } from '../support/counting-store'
import { codeOf } from '../support/outcome'
import { returning, Site, type Bag } from '../support/site'

const KEPT = { n: 1 }

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

describe('before a lazy load', () => {
  it('an assignment and then null: the session ends', async () => {
    const { site, visitor } = await returning({ load: 'lazy' })
    const { id } = visitor
    const { status } = await visitor.visit((_s, req) => {
      req.session = { m: 1 } as never
      req.session = null
    })
    expect([status, await site.stored(id), visitor.hasCookie]).toEqual([200, null, false])
  })

  it('a load under way and then destroy: the session ends', async () => {
    const { site, visitor } = await returning({ load: 'lazy' })
    const { id } = visitor
    site.store.always(takes(20), 'get')
    const gone = await visitor.ask(async (s, req) => {
      const loading = s.load()
      await s.destroy()
      await loading
      return req.session === undefined
    })
    expect([gone, await site.stored(id), visitor.hasCookie]).toEqual([true, null, false])
  })

  it('a load under way and then a login: the new session', async () => {
    const { site, visitor } = await returning({ load: 'lazy' })
    site.store.always(takes(20), 'get')
    const same = await visitor.ask(async (s, req) => {
      const loading = s.load()
      const fresh = await s.regenerate()
      fresh.user = 'test'
      return [(await loading) === fresh, (req.session as unknown) === fresh]
    })
    expect(same).toEqual([true, true])
    expect(await site.stored(visitor.id)).toEqual({ user: 'test', '@': expect.anything() })
  })

  it('a failed load in the handler: 503 without Retry-After, as the handler ran', async () => {
    const { site, visitor } = await returning({ load: 'lazy' })
    site.store.next('get', fails)
    const { status, headers } = await visitor.visit((s) => s.load())
    expect(status).toBe(503)
    expect(headers).not.toHaveProperty('retry-after')
  })

  it('a text that is no session: anonymous, and a new session takes the place of its cookie', async () => {
    const { site, visitor } = await returning({ load: 'lazy' })
    const old = visitor.id
    await site.store.inner.destroy(old)
    await site.store.inner.set(old, 'garbage', 60_000, null)
    expect(await visitor.ask(async (s) => (await s.load()).isNew)).toBe(true)
    expect(await site.store.inner.get(old)).toBe('garbage')
    await visitor.ask((s) => s.update((draft) => void (draft.n = 5)))
    expect(visitor.id).not.toBe(old)
    expect(await site.stored(visitor.id)).toMatchObject({ n: 5 })
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
      req.session = null
      req.session = null
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
