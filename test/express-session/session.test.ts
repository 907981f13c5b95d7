import real from 'express-session'
import ours from '../../lib/express-session'
import { asked, both, cookieOf, count, done, kept, lengthOf, logIn, Site, storeOf } from './support/both'
import type { Bag, StoreLike } from './support/both'

describe.each(both)('%s', (_, session) => {
  test.each<[string, (req: { session: unknown }) => unknown, object | null]>([
    ['sets', (req) => void ((req.session as Bag).n = 2), { n: 2, list: [1] }],
    ['changes inside', (req) => ((req.session as Bag).list as number[]).push(2), { n: 1, list: [1, 2] }],
    ['deletes', (req) => delete (req.session as Bag).n, { list: [1] }],
    ['ends the session', (req) => (req.session = null), null]
  ])('a handler that does not wait for reload %s', async (_what, change, expected) => {
    const site = await Site.of(session, { unset: 'destroy' }, (req, res) => {
      if (req.url === '/new') Object.assign(req.session, { n: 1, list: [1] })
      else {
        req.session.reload(() => undefined)
        change(req)
      }
      res.end()
    })
    await site.get('/new')
    const { id } = site
    await site.get()
    const { cookie: _cookie, ...data } = (await kept(site.store, id)) ?? {}
    expect(data).toEqual(expected ?? {})
  })

  test('req and id are own and hidden, data and cookie are what one sees', async () => {
    const site = await Site.of(session, {}, (req, res) => {
      req.session.a = 1
      const all: string[] = []
      for (const key in req.session) all.push(key)
      const hidden = ['req', 'id'].map((key) => Object.getOwnPropertyDescriptor(req.session, key)?.enumerable)
      res.end(JSON.stringify([all.sort(), Object.keys(req.session).sort(), hidden, req.session.req === req]))
    })
    const [all, keys, hidden, same] = JSON.parse((await site.get()).text) as unknown[]
    expect(all).toEqual(['a', 'cookie'])
    expect(keys).toEqual(['a', 'cookie'])
    expect(hidden).toEqual([false, false])
    expect(same).toBe(true)
  })

  test("stored keys that are a session's own names are dropped", async () => {
    const site = await Site.of(session, {}, (req, res) => {
      req.session.n = ((req.session.n as number | undefined) ?? 0) + 1
      res.end(`${typeof req.session.save} ${typeof req.session.constructor} ${req.session.n as number}`)
    })
    await site.get()
    const stored = await kept(site.store, site.id)
    await done((end) => site.store.set(site.id, { ...stored, save: 'nope', constructor: 'nope' }, end))
    expect((await site.get()).text).toBe('function function 2')
  })

  test('the arity of the methods', () => {
    const prototype = session.Session.prototype as unknown as Record<string, () => void>
    const names = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor')
    const methods = Object.fromEntries(names.map((name) => [name, prototype[name]!.length]))
    expect(methods).toEqual({ touch: 0, resetMaxAge: 0, save: 1, reload: 1, destroy: 1, regenerate: 1 })
    for (const name of names) {
      expect(Object.getOwnPropertyDescriptor(prototype, name)?.enumerable).toBe(false)
    }
  })

  test('touch starts the cookie over, and asks no store', async () => {
    const site = await Site.of(session, { cookie: { maxAge: 60_000 } }, async (req, res) => {
      const { cookie } = req.session
      cookie.expires = new Date(Date.now() + 5)
      cookie.originalMaxAge = 60_000
      const counted = ['set', 'touch', 'get'].map((name) => count(site.store, name))
      const same = req.session.touch() === req.session
      res.end(JSON.stringify([same, cookie.maxAge! > 50_000, counted.map(({ calls }) => calls.length)]))
    })
    expect(JSON.parse((await site.get()).text)).toEqual([true, true, [0, 0, 0]])
  })

  test('save stores at once, and what it stored is not stored again', async () => {
    const site = await Site.of(session, { resave: true }, async (req, res) => {
      req.session.n = ((req.session.n as number | undefined) ?? 0) + 1
      await done((end) => req.session.save(end))
      const stored = await kept(site.store, req.session.id)
      res.end(JSON.stringify([stored?.n, set.calls.length]))
    })
    const set = count(site.store, 'set')
    expect(JSON.parse((await site.get()).text)).toEqual([1, 1])
    expect(JSON.parse((await site.get()).text)).toEqual([2, 2])
    expect(set.calls).toHaveLength(2)
    expect(set.calls[0]![0]).toBe(site.id)
  })

  test('reload makes what is stored a new req.session', async () => {
    const site = await Site.of(session, {}, async (req, res) => {
      const before = req.session
      if (req.url === '/') {
        before.n = 1
        return res.end()
      }
      before.n = 'mine'
      const stored = await kept(site.store, req.sessionID)
      await done((end) => site.store.set(req.sessionID, { ...stored, n: 'theirs' }, end))
      await done((end) => before.reload(end))
      res.end(JSON.stringify([req.session.n, req.session === before, req.session.id === before.id]))
    })
    await site.get()
    expect(JSON.parse((await site.get('/reload')).text)).toEqual(['theirs', false, true])
  })

  test('reload of what is gone fails, and leaves the session as it is', async () => {
    const site = await Site.of(session, {}, async (req, res) => {
      if (req.url === '/') {
        req.session.n = 1
        return res.end()
      }
      const before = req.session
      await done((end) => site.store.clear(end))
      for (let i = 0; i < 20; i++) {
        const error = await done((end) => before.reload(end)).catch((error: unknown) => error)
        expect(error).toEqual(new Error('failed to load session'))
      }
      res.end(String(req.session === before))
    })
    await site.get()
    expect((await site.get('/gone')).text).toBe('true')
  })

  test('destroy removes req.session at once, and keeps the id; the object stays readable', async () => {
    const site = await Site.of(session, { saveUninitialized: true }, async (req, res) => {
      const { session, sessionID } = req
      session.user = 'bob'
      const destroyed = done((end) => session.destroy(end))
      const now = typeof req.session
      await destroyed
      res.end(JSON.stringify([now, req.sessionID === sessionID, session.user, session.id === sessionID]))
    })
    const answer = await site.get()
    expect(JSON.parse(answer.text)).toEqual(['undefined', true, 'bob', true])
    expect(answer.setCookies).toEqual([])
    expect(await lengthOf(site.store)).toBe(0)
  })

  test('regenerate ends the old session, and makes a new one', async () => {
    const site = await Site.of(session, {}, async (req, res) => {
      const { session, sessionID } = req
      if (req.url === '/') session.n = 1
      else {
        await done((end) => session.regenerate(end))
        const old = await kept(site.store, sessionID)
        const found = [req.session === session, req.sessionID === sessionID, req.session.n, session.n, old]
        return res.end(JSON.stringify(found))
      }
      res.end()
    })
    await site.get()
    const { id } = site
    const answer = await site.get('/regenerate')
    expect(JSON.parse(answer.text)).toEqual([false, false, null, 1, null])
    expect(cookieOf(answer)).toBeDefined()
    expect(site.id).not.toBe(id)
    const all = await asked<Record<string, Bag>>((end) => site.store.all(end))
    expect(Object.keys(all!)).toEqual([site.id])
  })

  test('regenerate gives a new session also where the old one could not be destroyed', async () => {
    const site = await Site.of(session, {}, async (req, res) => {
      const { sessionID } = req
      site.store.destroy = (_id, end) => end?.(new Error('boom!'))
      const error = await done((end) => req.session.regenerate(end)).catch((error: unknown) => error)
      res.end(JSON.stringify([(error as Error).message, req.sessionID === sessionID]))
    })
    expect(JSON.parse((await site.get()).text)).toEqual(['boom!', false])
  })

  test('load gives a session without a request', async () => {
    const site = await Site.of(session, { cookie: { maxAge: 60_000 } }, logIn)
    await site.get()
    const loaded = (await asked<Bag>((end) => site.store.load(site.id, end)))!
    expect([loaded.user, loaded.id]).toEqual(['bob', site.id])
    expect(loaded.cookie.expires).toBeInstanceOf(Date)
    loaded.user = 'eve'
    await done((end) => loaded.save(end))
    const again = (await asked<Bag>((end) => site.store.load(site.id, end)))!
    expect(again.user).toBe('eve')
    await done((end) => again.destroy(end))
    expect(await asked((end) => site.store.load(site.id, end))).toBeUndefined()
  })

  test('createSession restores the cookie', () => {
    const store = storeOf(session)
    const req = { sessionID: 'an id', session: undefined as unknown }
    const expires = new Date(Date.now() + 1000)
    const data = { cookie: { originalMaxAge: 5000, expires: expires.toISOString(), path: '/x' }, user: 'bob' }
    const made = store.createSession(req, data)
    expect(made).toBe(req.session)
    expect(made).toBeInstanceOf(session.Session)
    expect(made.cookie).toBeInstanceOf(session.Cookie)
    expect([made.id, made.user, made.cookie.originalMaxAge]).toEqual(['an id', 'bob', 5000])
    expect([made.cookie.expires, made.cookie.path]).toEqual([expires, '/x'])
  })

  test('generate is synchronous, and applications may call it', async () => {
    const site = await Site.of(session, {}, (req, res) => {
      const { session, sessionID } = req
      req.sessionStore.generate(req)
      req.session.user = 'bob'
      res.end(
        String(req.session !== session && req.sessionID !== sessionID && req.session.id === req.sessionID)
      )
    })
    const answer = await site.get()
    expect(answer.text).toBe('true')
    expect(cookieOf(answer)).toBeDefined()
    expect((await kept(site.store, site.id))?.user).toBe('bob')
  })

  test('store.regenerate ends the session of a request, and makes a new one', async () => {
    const site = await Site.of(session, {}, async (req, res) => {
      const { sessionID } = req
      await done((end) => req.sessionStore.regenerate(req, end))
      req.session.user = 'bob'
      res.end(String(req.sessionID !== sessionID))
    })
    const answer = await site.get()
    expect(answer.text).toBe('true')
    expect((await kept(site.store, site.id))?.user).toBe('bob')
  })
})

describe('holdfast', () => {
  test('an error of a save that nobody waits for is not lost', async () => {
    const site = await Site.of(ours, {}, (req, res) => {
      req.session.user = 'bob'
      site.store.set = (_id, _session, end) => end?.(new Error('boom!'))
      void req.session.save()
      res.end('saved')
    })
    const answer = await site.get()
    expect([answer.status, answer.text, answer.setCookies]).toEqual([500, 'boom!', []])
  })

  test('a save makes up for one that failed, and not for a destroy that did', async () => {
    const site = await Site.of(ours, {}, async (req, res) => {
      const failed = req.url === '/save' ? req.session.save() : req.session.destroy()
      void Promise.prototype.then.call(failed, undefined, () => undefined)
      await new Promise((resolve) => setTimeout(resolve, 20))
      Object.assign(site.store, { set })
      if (req.url === '/destroy') req.sessionStore.generate(req)
      req.session.user = 'bob'
      await req.session.save()
      res.end('saved')
    })
    const { set } = site.store
    site.store.set = (_id, _session, end) => end?.(new Error('boom!'))
    site.store.destroy = (_id, end) => end?.(new Error('boom!'))
    expect((await site.get('/save')).text).toBe('saved')
    site.cookies.clear()
    const answer = await site.get('/destroy')
    expect([answer.status, answer.text]).toEqual([500, 'boom!'])
  })

  test('one whose caller was told is the business of the caller', async () => {
    const site = await Site.of(ours, {}, async (req, res) => {
      req.session.user = 'bob'
      site.store.set = (_id, _session, end) => end?.(new Error('boom!'))
      const told = await done((end) => req.session.save(end)).catch((error: unknown) => error)
      const heard = await req.session.save().catch((error: unknown) => error)
      res.end(`${(told as Error).message} ${(heard as Error).message}`)
    })
    const answer = await site.get()
    expect([answer.status, answer.text, answer.setCookies]).toEqual([200, 'boom! boom!', []])
  })

  test('destroy clears the cookie that came', async () => {
    const cookie = { path: '/x', domain: 'example.com' }
    const site = await Site.of(ours, { cookie }, async (req, res) => {
      if (req.url === '/x') req.session.user = 'bob'
      else await done((end) => req.session.destroy(end))
      res.end()
    })
    await site.get('/x')
    const answer = await site.get('/x/end')
    expect(answer.setCookies).toEqual([
      'connect.sid=; Domain=example.com; Path=/x; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly'
    ])
  })

  test('without a callback, every method returns a promise', async () => {
    const site = await Site.of(ours, {}, async (req, res) => {
      req.session.user = 'bob'
      await req.session.save()
      await req.session.reload()
      const { id, user } = req.session
      await req.session.regenerate()
      const fresh = req.session.id !== id && req.session.user === undefined
      await req.session.destroy()
      res.end(`${String(fresh)} ${String(user)} ${typeof req.session}`)
    })
    expect((await site.get()).text).toBe('true bob undefined')
  })

  test('reload and regenerate without a callback reject, and end no process', async () => {
    const site = await Site.of(ours, {}, async (req, res) => {
      const missing = await req.session.reload().catch((error: unknown) => error)
      site.store.destroy = (_id, end) => end?.(new Error('boom!'))
      const failed = await req.session.regenerate().catch((error: unknown) => error)
      res.end(`${(missing as Error).message}, ${(failed as Error).message}`)
    })
    expect((await site.get()).text).toBe('failed to load session, boom!')
  })

  test('the prototype has no names of the main entry: an application finds its own', async () => {
    const site = await Site.of(ours, {}, (req, res) => {
      const { handle, update, load, isNew } = req.session
      Object.assign(req.session, { handle: 'mine', update: [1], load: 2, isNew: true })
      res.end(JSON.stringify([handle, update, load, isNew]))
    })
    expect(JSON.parse((await site.get()).text)).toEqual([null, null, null, null])
    expect(JSON.parse((await site.get()).text)).toEqual(['mine', [1], 2, true])
  })
})

describe('a session that is filled from the JSON of a request', () => {
  const fill: [string, (session: Bag, body: Bag) => unknown][] = [
    ['Object.assign', (session, body) => Object.assign(session, body)],
    ['key by key', (session, body) => Object.keys(body).forEach((key) => (session[key] = body[key]))]
  ]
  const stores: [string, () => unknown][] = [
    ['our MemoryStore', () => new ours.MemoryStore()],
    ['a store with callbacks', () => new real.MemoryStore()]
  ]

  describe.each(stores)('with %s', (_store, open) => {
    test.each(fill)('never keeps what came under __proto__: %s', async (_how, assign) => {
      const body = JSON.parse('{"theme":"dark","__proto__":{"admin":true}}') as Bag
      const store = open() as StoreLike
      const site = await Site.of(ours, { store }, (req, res) => {
        if (req.url === '/fill') assign(req.session, body)
        else req.session.user ??= 'eve'
        res.end()
      })
      await site.get()
      const answer = await site.get('/fill')
      expect([answer.status, answer.text]).toEqual([500, expect.stringContaining('__proto__')])
      await site.get()
      const { cookie: _cookie, ...kept } = (await asked<Bag | null>((end) => store.get(site.id, end)))!
      expect(kept).toEqual({ user: 'eve' })
    })

    test('keeps an object with inherited keys by its own keys', async () => {
      const store = open() as StoreLike
      const site = await Site.of(ours, { store }, (req, res) => {
        req.session = Object.assign(Object.create({ admin: true }) as Bag, { user: 'eve' })
        res.end()
      })
      await site.get()
      const { cookie: _cookie, ...kept } = (await asked<Bag | null>((end) => store.get(site.id, end)))!
      expect(kept).toEqual({ user: 'eve' })
    })

    test('reads nothing from the prototype of a nested value once the request is over', async () => {
      const store = open() as StoreLike
      const site = await Site.of(ours, { store }, (req, res) => {
        req.session.settings ??= {}
        const settings = req.session.settings as Bag
        if (req.url === '/fill')
          Object.assign(settings, JSON.parse('{"theme":"dark","__proto__":{"admin":true}}'))
        res.end(JSON.stringify([settings.theme, settings.admin]))
      })
      await site.get()
      await site.get('/fill')
      expect((await site.get()).text).toBe('["dark",null]')
    })
  })
})

describe.each([
  ['waits for its save', (session: Bag): unknown => session.save()],
  ['does not wait for its save', (session: Bag): unknown => session.save(() => undefined)]
])('a request that %s', (_how, save) => {
  test.each([true, false])('leaves the life that another one chose meanwhile, resave: %s', async (resave) => {
    const store = storeOf(real)
    const site = await Site.of(ours, { store, resave }, async (req, res) => {
      if (req.url === '/life') req.session.cookie.maxAge = 777_000
      else req.session.key = req.url
      if (req.url === '/saves') {
        await save(req.session)
        await site.clone().get('/life')
      }
      res.end()
    })
    await site.get()
    await site.get('/saves')
    expect(await kept(store, site.id)).toMatchObject({ key: '/saves', cookie: { originalMaxAge: 777_000 } })
  })
})

test.each(['save', 'reload', 'destroy', 'regenerate'] as const)(
  '%s with something else than a callback is an error, and does nothing',
  async (name) => {
    const site = await Site.of(ours, {}, (req, res) => {
      req.session.n = 1
      if (req.url === '/wrong')
        expect(() => req.session[name]({ set: { n: 2 } } as never)).toThrow(/take a callback/)
      res.end(req.sessionID)
    })
    const { text } = await site.get()
    expect((await site.get('/wrong')).text).toBe(text)
    expect(await kept(site.store, text)).toMatchObject({ n: 1 })
  }
)
