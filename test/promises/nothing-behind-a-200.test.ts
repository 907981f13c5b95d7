import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as delay } from 'node:timers/promises'
import express from 'express'
import * as z from 'zod'
import session, { MemoryStore, type SessionOptions } from '../../lib'
import { hangs } from '../support/counting-store'
import { gate } from '../support/gate'
import { hearWarnings } from '../support/hold-listeners'
import { returning, secret, Site, until, type Bag, type Handler } from '../support/site'

const ended: (() => void)[] = []
afterEach(() => {
  for (const end of ended.splice(0)) end()
})

/** What is published on `holdfast:dropped` until the test ends. */
function dropped(): { reason: string }[] {
  const messages: { reason: string }[] = []
  const note = (message: unknown) => void messages.push(message as { reason: string })
  subscribe('holdfast:dropped', note)
  ended.push(() => unsubscribe('holdfast:dropped', note))
  return messages
}

describe('a session that a handler takes by sessions.open is the one of its request', () => {
  /** An application whose handlers look at `open` alone. */
  async function site(handle: (s: Bag) => unknown): Promise<Site> {
    const sessions = session({ secret, store: new MemoryStore() })
    const app = express()
    app.use(sessions)
    app.get('/begin', (req, res) => {
      req.session.count = 1
      res.end()
    })
    app.get('/', async (req, res) => {
      await handle((await sessions.open(req)) as Bag)
      res.end()
    })
    app.get('/read', (req, res) => void res.json(req.session))
    return Site.listen(app as never)
  }

  test.each<[string, (s: Bag) => unknown, number, object]>([
    ['what it assigns is stored', (s) => (s.count = 2), 200, { count: 2 }],
    [
      'a login is stored and its cookie sent',
      (s) => s.regenerate({ set: { user: 'ann' } }),
      200,
      { user: 'ann' }
    ],
    ['a failed update fails the response', (s) => void s.update((d) => (d.m = new Map())), 500, { count: 1 }]
  ])('%s', async (_name, handle, status, stored) => {
    const visitor = (await site(handle)).visitor()
    await visitor.send('/begin')
    expect((await visitor.send('/')).status).toBe(status)
    const { cookie: _cookie, ...data } = JSON.parse((await visitor.send('/read')).text) as Bag
    expect(data).toEqual(stored)
  })
})

describe('what the schema would not load is not stored', () => {
  const schema = z.object({ user: z.string().optional(), at: z.coerce.date().optional() })

  test.each<[string, (s: Bag) => unknown, string]>([
    ['at the end of the response', (s) => (s.user = 5), 'user'],
    ['by save', (s) => ((s.user = 5), s.save()), 'user'],
    ['by update', (s) => s.update((d) => void (d.user = 5)), 'user'],
    ['by regenerate', (s) => s.regenerate({ set: { at: 'no date' } as never }), 'at']
  ])('%s', async (_name, write, key) => {
    const { site, visitor } = await returning({ schema } as Partial<SessionOptions>, { user: 'ann' })
    expect((await visitor.visit((s) => void write(s))).status).toBe(500)
    expect(site.errors.map(({ code }) => code)).toEqual(['ERR_SESSION_DATA'])
    expect(site.errors[0]!.message).toContain(`at ${key}`)
    expect(await visitor.ask((s) => s.user)).toBe('ann')
  })

  test('a transform that does not take its own output fails the write, and logs nobody out', async () => {
    const visits = z.string().transform(Number).optional()
    const { site, visitor } = await returning({}, { visits: '5', user: 'ann' })
    const strict = await Site.open({ store: site.store, schema: z.object({ visits }) as never })
    const there = strict.visitor(visitor.cookie)
    expect((await there.visit((s) => void (s.count = 1))).status).toBe(500)
    expect(strict.errors[0]!.message).toContain('at visits')
    expect(await visitor.ask((s) => [s.visits, s.user])).toEqual(['5', 'ann'])
  })

  test('and what a transform makes of a stored value undoes no change of another request', async () => {
    const { site, visitor } = await returning({}, { name: ' Ann ', user: 'ann' })
    const name = z.string().trim().optional()
    const trimming = await Site.open({ store: site.store, schema: z.object({ name }) as never })
    const there = trimming.visitor(visitor.cookie)
    await there.ask(async (s) => {
      await there.clone().ask((other) => void (other.name = 'Bob'))
      s.count = 1
    })
    expect(await visitor.ask((s) => [s.name, s.count])).toEqual(['Bob', 1])
    await there.ask((s) => void (s.name = 'Carol'))
    expect(await visitor.ask((s) => s.name)).toBe('Carol')
  })

  test('and create refuses it', async () => {
    const sessions = session({ secret, schema })
    await expect(sessions.create({ user: 5 as never })).rejects.toMatchObject({ code: 'ERR_SESSION_DATA' })
  })
})

describe('what is changed after the response is reported', () => {
  test.each<[string, Handler]>([
    ['in the same turn', (s, _req, res) => (res.end(), (s.late = 1))],
    ['beside a change that was stored', (s, _req, res) => ((s.early = 1), res.end(), (s.late = 1))],
    ['inside a nested value', (s, _req, res) => (res.end(), (s.cart as string[]).push('late'))],
    ['by who looks at it only then', (_s, req, res) => (res.end(), (req.session = { late: 1 } as never))],
    [
      'in the state of an update that has ended',
      async (s, _req, res) => {
        const pause = gate()
        await s.update((d) => void pause.opened.then(() => (d.cart as string[]).push('late')))
        pause.open()
        await pause.opened
        res.end()
      }
    ],
    [
      'in what an update returned',
      async (s, _req, res) => {
        const cart = (await s.update((d) => d.cart)) as string[]
        cart.push('late')
        res.end()
      }
    ]
  ])('%s', async (_name, handler) => {
    const lost = dropped()
    const { visitor } = await returning({}, { n: 1, cart: [] })
    await visitor.visit(async (...given) => {
      await handler(...given)
    })
    await until(() => lost.length > 0)
    expect(lost[0]!.reason).toBe('response ended')
    expect(JSON.stringify(await visitor.ask((s) => s))).not.toContain('late')
  })

  test('and nothing is reported of a request that changed all in time', async () => {
    const lost = dropped()
    const { visitor } = await returning({}, { n: 1, cart: [] })
    await visitor.ask(async (s) => {
      ;(s.cart as string[]).push('apple')
      await s.update((d) => void (d.m = 1))
      await s.save()
      await s.regenerate({ keep: true, set: { o: 2 } as never })
    })
    expect(await visitor.ask((s) => [s.n, s.m, s.o, s.cart])).toEqual([1, 1, 2, ['apple']])
    expect(lost).toEqual([])
  })
})

describe('what is no data of a session does not take its place', () => {
  const NONE: [string, () => unknown][] = [
    ['a promise', () => Promise.resolve({ x: 1 })],
    ['a Map', () => new Map([['x', 1]])],
    ['a Date', () => new Date()],
    ['a list', () => ['x']],
    ['a text', () => 'bob'],
    ['an object that hides what it has', () => new URLSearchParams('x=1')],
    ['an object with another cookie', () => ({ cookie: 'chocolate', x: 1 })]
  ]

  test.each(NONE)('%s', async (_name, make) => {
    const { site, visitor } = await returning({}, { user: 'ann' })
    for (const put of [
      (s: Bag, req: express.Request) => void (req.session = make() as never),
      (s: Bag) => s.regenerate({ set: make() as never })
    ]) {
      expect((await visitor.visit((s, req) => void put(s, req))).status).toBe(500)
      expect(await visitor.ask((s) => s.user)).toBe('ann')
    }
    expect(site.errors.map(({ code }) => code)).toEqual(['ERR_SESSION_DATA', 'ERR_SESSION_DATA'])
    await expect(session({ secret }).create(make() as never)).rejects.toMatchObject({
      code: 'ERR_SESSION_DATA'
    })
  })

  test.each<[string, object]>([
    ['keep takes true or a list of keys', { keep: 'cart' }],
    ['regenerate({ keep, set, remember }) has no option user', { user: 'ann' }],
    ['remember takes true or false', { remember: 'no' }]
  ])('%s', async (message, options) => {
    const { site, visitor } = await returning()
    await visitor.visit((s) => void s.regenerate(options))
    expect(site.errors.map((error) => error.message)).toEqual([expect.stringContaining(message)])
  })

  test.each<[string, object]>([
    ['the store', {}],
    ['its index', { index: true }]
  ])(
    'an error of nodeOf is one of the store, and not the end of the process: that of %s',
    async (_whose, { index }: { index?: true }) => {
      const nodeOf = () => {
        throw new Error('no server is known yet')
      }
      const store = new MemoryStore()
      Object.assign(index ? store.index : store, { nodeOf })
      const site = await Site.open({ store: () => store, user: (s) => (s as Bag).user as string })
      expect((await site.visitor().visit((s) => void (s.user = 'ann'))).status).toBe(503)
      expect(site.errors.map(({ code }) => code)).toEqual(['ERR_SESSION_STORE'])
    }
  )

  test('a function of update that changes the session around it is warned of', async () => {
    const { warnings, end } = hearWarnings()
    ended.push(end)
    const { visitor } = await returning({}, { n: 1 })
    await visitor.ask((s) => s.update(() => void (s.n = 2)))
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('changed the session around it')
    ])
  })

  test('a store whose destroy says nothing has failed', async () => {
    const store = new MemoryStore()
    const destroy = store.destroy.bind(store)
    store.destroy = (async (id: string) => void (await destroy(id))) as never
    const site = await Site.open({ store: () => store })
    const visitor = site.visitor()
    await visitor.visit((s) => void (s.n = 1))
    expect((await visitor.visit((s) => s.destroy())).status).toBe(503)
  })

  test('a new store for each request is warned of', async () => {
    const { warnings, end } = hearWarnings()
    ended.push(end)
    const visitor = (await Site.open({ store: () => new MemoryStore() })).visitor()
    for (let i = 0; i < 5; i++) await visitor.visit(() => null)
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining('make each once')])
  })

  test('stores that come again are tenants', async () => {
    const { warnings, end } = hearWarnings()
    ended.push(end)
    const stores = Array.from({ length: 10 }, () => new MemoryStore())
    let visits = 0
    const visitor = (await Site.open({ store: () => stores[visits++ % 4 ? visits % 10 : 0]! })).visitor()
    for (let i = 0; i < 40; i++) await visitor.visit(() => null)
    expect(warnings).toEqual([])
  })

  test('two stores behind cookies of one name are warned of', async () => {
    const { warnings, end } = hearWarnings()
    ended.push(end)
    const app = express()
    for (const path of ['/shop', '/admin']) app.use(path, session({ secret, store: new MemoryStore() }))
    app.use((req, res) => {
      const s = req.session as unknown as Bag
      s.n = 1
      res.end()
    })
    const visitor = (await Site.listen(app as never)).visitor()
    for (const path of ['/shop', '/shop', '/admin']) await visitor.send(path)
    await new Promise(setImmediate)
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('a response replaced the cookie named "sid" of a session in another store')
    ])
  })

  test('what open or create gave, and nobody saves, is warned of', async () => {
    const { warnings, end } = hearWarnings()
    ended.push(end)
    const sessions = session({ secret, store: new MemoryStore() })
    const { session: made, cookie } = await sessions.create({ n: 1 } as never)
    const opened = (await sessions.open({ headers: { cookie } }))! as unknown as Bag
    opened.saved = true
    await opened.save()
    await delay(2100)
    expect(warnings).toEqual([])
    ;(made as unknown as Bag).n = 2
    await until(() => warnings.length > 0)
    expect(warnings[0]!.message).toContain('a session of open() or create() was changed')
  })

  test('a store whose promises call nobody back is warned of, and what it has to say', async () => {
    const { warnings, end } = hearWarnings()
    ended.push(end)
    const texts = new Map<string, unknown>()
    const store = {
      get: async (id: string) => Promise.resolve(texts.get(id)),
      set: async (id: string, data: object) => Promise.resolve(void texts.set(id, data)),
      destroy: async (id: string) => Promise.resolve(void texts.delete(id))
    }
    const site = await Site.open({ store: () => store })
    expect((await site.visitor().visit((s) => void (s.n = 1))).status).toBe(503)
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining('contract: 1')])
  })

  test('the middleware refuses to run without next', () => {
    const sessions = session({ secret, store: new MemoryStore() })
    const run = sessions as (...args: unknown[]) => void
    expect(() => run({ headers: {} }, {})).toThrow('the middleware takes (req, res, next)')
  })

  test('a changed copy that a function of update returns is refused; one of what it changed is not', async () => {
    const { site, visitor } = await returning({}, { n: 1 })
    expect((await visitor.visit((s) => s.update((d) => ({ ...d, n: 2 })))).status).toBe(500)
    expect(site.errors[0]!.message).toContain('change the state itself')
    await visitor.ask((s) => s.update((d) => ((d.n = 3), { ...d })))
    expect(await visitor.ask((s) => s.n)).toBe(3)
  })

  test.each<[string, string | null | undefined, (d: Bag) => unknown]>([
    ['a part of the state, changed', 'cart', (d) => ({ cart: [...(d.cart as string[]), 'a'] })],
    ['a new part', 'visits', (d) => ({ visits: ((d.visits as number | undefined) ?? 0) + 1 })],
    ['a new part, by a promise', 'promised', () => Promise.resolve({ promised: 1 })],
    ['a copy without its cookie', 'm', ({ cookie: _cookie, ...d }) => ({ ...d, m: 2 })],
    ['a part of the state', undefined, (d) => ({ cart: d.cart })],
    ['an object in the state', undefined, (d) => (d.address as Bag).home],
    ['a report of what it changed', undefined, (d) => ((d.k = 1), { isChanged: true })],
    ['a list', null, (d) => (d.cart as string[]).concat('a')],
    ['an empty list', undefined, (d) => d.messages ?? []],
    ['a list in the state', undefined, (d) => d.cart],
    ['a number', undefined, () => 5],
    ['an object of a class', undefined, () => new Date()]
  ])('a function of update that only returns something: %s', async (_name, key, update) => {
    const { warnings, end } = hearWarnings()
    ended.push(end)
    const { visitor } = await returning({}, { n: 1, cart: ['b'], address: { home: { street: 'x' } } })
    await visitor.ask((s) => s.update(update))
    const told = warnings.filter(({ message }) => message.includes('change the state itself'))
    const what = key === null ? 'a list' : `an object with the key "${key}"`
    expect(told.map(({ message }) => message)).toEqual(
      key === undefined ? [] : [expect.stringContaining(`returned ${what}`)]
    )
  })

  test('req.session cannot be deleted', async () => {
    const { site, visitor } = await returning({}, { user: 'ann' })
    const remove = (_s: Bag, req: express.Request) => void Reflect.deleteProperty(req, 'session')
    expect((await visitor.visit(remove)).status).toBe(200)
    await visitor.visit((_s, req) => delete (req as Partial<express.Request>).session)
    expect(site.errors).toEqual([expect.any(TypeError)])
    expect(await visitor.ask((s) => s.user)).toBe('ann')
  })
})

describe('the cookie of a session', () => {
  test.each<[string, (cookie: Bag['cookie']) => unknown, string]>([
    ['a misspelt name', (cookie) => Object.assign(cookie, { maxage: 1e7 }), 'did you mean maxAge?'],
    ['_expires', (cookie) => Object.assign(cookie, { _expires: new Date() }), 'did you mean expires?'],
    ['a definition', (cookie) => Object.defineProperty(cookie, 'maxAge', { value: 1e7 }), 'maxAge'],
    ['a life of no length', (cookie) => (cookie.originalMaxAge = NaN), 'cookie.expires must be a valid Date']
  ])('refuses %s', async (_name, change, message) => {
    const { status, messages } = await tried((s) => void change(s.cookie))
    expect([status, messages]).toEqual([500, [expect.stringContaining(message)]])
  })

  test('has the life that is assigned to originalMaxAge, also in the browser', async () => {
    const { site, visitor } = await returning({ cookie: { maxAge: 1e6 } })
    const endOf = (setCookie: string | undefined) =>
      Date.parse(/Expires=([^;]*)/.exec(setCookie ?? '')?.[1] ?? 'never')
    const longer = await visitor.visit((s) => void (s.cookie.originalMaxAge = 1e7))
    expect(Math.abs(endOf(longer.setCookies[0]) - Date.now() - 1e7)).toBeLessThan(1e6)
    const again = await visitor.visit((s) => {
      s.cookie.maxAge = null
      s.cookie.originalMaxAge = 2e7
    })
    expect(Math.abs(endOf(again.setCookies[0]) - Date.now() - 2e7)).toBeLessThan(1e6)
    const moved = await visitor.visit((s) => {
      s.n = 1
      s.cookie.maxAge = 3e7
      s.cookie.expires?.setTime(Date.now() + 4e7)
    })
    expect(Math.abs(endOf(moved.setCookies[0]) - Date.now() - 4e7)).toBeLessThan(1e6)
    const none = await visitor.visit((s) => void (s.cookie.originalMaxAge = null))
    expect(none.setCookies).toEqual([expect.not.stringContaining('Expires')])
    expect(site.errors).toEqual([])
  })

  test.each<[string, (s: Bag, req: express.Request) => unknown, string]>([
    ['put in its place', (s) => (s.cookie = { ...s.cookie, maxAge: 1e7 } as never), 'cookie was replaced'],
    ['assigned with the data', (_s, req) => (req.session = { cookie: { maxAge: 1e7 } } as never), '"cookie"'],
    [
      'a changed copy, assigned with the data',
      (s, req) => {
        const cookie = s.cookie.copy()
        cookie.maxAge = 1e7
        req.session = { n: 2, cookie } as never
      },
      '"cookie"'
    ]
  ])('is not lost in silence with other settings: %s', async (_name, write, message) => {
    const { status, messages } = await tried((s, req) => void write(s, req))
    expect([status, messages]).toEqual([500, [expect.stringContaining(message)]])
  })

  test.each<[string, (s: Bag) => object]>([
    ['a copy of the session', (s) => ({ ...s, n: 2 })],
    ['its JSON', (s) => ({ ...(JSON.parse(JSON.stringify(s)) as object), n: 2 })]
  ])('stays where the data are replaced by %s', async (_name, copy) => {
    const { status, stored, messages } = await tried((s, req) => void (req.session = copy(s) as never))
    expect([status, messages, stored]).toMatchObject([200, [], { n: 2, cart: [] }])
  })

  test('is its own in a session that begins with a copy of the one before it', async () => {
    const { site, visitor } = await returning({}, { n: 1 })
    const { status } = await visitor.visit(async (s) => {
      const next = await s.regenerate({ set: { ...s, user: 'ann' } })
      next.cookie.maxAge = 1e7
    })
    expect([status, site.errors]).toEqual([200, []])
    expect(await visitor.ask((s) => [s.user, s.cookie.originalMaxAge])).toEqual(['ann', 1e7])
  })
})

/** A visitor whose session has a nested value, and the answer to what a handler does with it. */
async function tried(handler: (s: Bag, req: express.Request, res: express.Response) => unknown): Promise<{
  status: number
  messages: string[]
  setCookie: string | undefined
  stored: Bag
}> {
  const { site, visitor } = await returning({}, { n: 1, cart: [] })
  const { status, setCookies } = await visitor.visit(async (...given) => {
    await handler(...given)
  })
  const stored = await visitor.ask((s) => s)
  return { status, messages: site.errors.map(({ message }) => message), setCookie: setCookies[0], stored }
}

describe('a call that nobody waits for undoes nothing that is written after it', () => {
  test.each<[string, (s: Bag) => unknown, object]>([
    ['reload', (s) => (void s.reload(), (s.n = 2)), { n: 2, cart: [] }],
    [
      'reload, inside a nested value',
      (s) => (void s.reload(), (s.cart as string[]).push('a')),
      { n: 1, cart: ['a'] }
    ],
    [
      'reload, which drops what was written before',
      (s) => ((s.a = 1), void s.reload(), (s.n = 2)),
      { n: 2, cart: [] }
    ],
    ['update of the same key', (s) => (void s.update((d) => (d.n = 5)), (s.n = 2)), { n: 2, cart: [] }],
    ['update of another key', (s) => (void s.update((d) => (d.m = 5)), (s.n = 2)), { n: 2, m: 5, cart: [] }],
    [
      'the second of two updates',
      (s) => (void s.update((d) => (d.m = 5)), void s.update((d) => (d.n = Number(d.m) + 1)), (s.n = 2)),
      { n: 2, m: 5, cart: [] }
    ],
    [
      'an update behind a save that stores it already',
      (s) => ((s.m = 5), void s.save(), void s.update((d) => (d.n = 5)), (s.n = 2)),
      { n: 2, m: 5, cart: [] }
    ],
    [
      'a reload behind an update',
      (s) => (void s.update((d) => (d.n = 5)), void s.reload(), (s.m = 2)),
      { n: 5, m: 2, cart: [] }
    ]
  ])('%s', async (_name, handler, expected) => {
    const { status, stored, messages } = await tried((s) => void handler(s))
    expect([status, messages]).toEqual([200, []])
    expect(stored).toMatchObject(expected)
    expect(stored.a).toBeUndefined()
  })

  test('its cookie neither', async () => {
    const { setCookie } = await tried((s) => (void s.reload(), (s.cookie.maxAge = 1e7)))
    expect(setCookie).toContain('Expires=')
  })
})

describe('a change of a session that has ended is an error', () => {
  test.each<[string, (s: Bag, req: express.Request) => unknown, string]>([
    ['by destroy', async (s) => (await s.destroy(), (s.cart as string[]).push('late')), 'ended by destroy()'],
    [
      'by a destroy that nobody waits for',
      (s) => (void s.destroy(), (s.cart as string[]).push('late')),
      'ended by destroy()'
    ],
    [
      'by null',
      (s, req) => ((req.session = null as never), (s.cart as string[]).push('late')),
      'ended by destroy()'
    ],
    [
      'by a destroy behind an update',
      (s) => (void s.update((d) => (d.n = 5)), void s.destroy(), (s.cart as string[]).push('late')),
      'ended by destroy()'
    ],
    [
      'its cookie, after regenerate',
      async (s) => (await s.regenerate(), (s.cookie.maxAge = 1e7)),
      'take what regenerate() resolves to'
    ],
    [
      'its cookie, at once',
      (s) => (void s.regenerate(), (s.cookie.maxAge = 1e7)),
      'take what regenerate() resolves to'
    ],
    [
      'its cookie, before regenerate begins',
      (s) => (void s.update((d) => (d.n = 5)), void s.regenerate(), (s.cookie.maxAge = 1e7)),
      'await regenerate()'
    ],
    [
      'the cookie of an update that has ended',
      async (s) => {
        let cookie!: Bag['cookie']
        await s.update((d) => void (cookie = d.cookie))
        cookie.maxAge = 1e7
      },
      'call update again'
    ],
    ['by a call', async (s) => (await s.regenerate(), s.save()), 'take what regenerate() resolves to'],
    ['by save after destroy', async (s) => (await s.destroy(), s.save()), 'assign an object to req.session'],
    [
      'by update after destroy',
      async (s) => (await s.destroy(), s.update((d) => (d.n = 2))),
      'assign an object to req.session'
    ]
  ])('%s', async (_name, handler, message) => {
    const { status, messages } = await tried((s, req) => handler(s, req))
    expect([status, messages]).toEqual([409, [expect.stringContaining(message)]])
  })

  test.each<[string, (s: Bag, req: express.Request) => unknown]>([
    ['by destroy', (s) => s.destroy()],
    ['by a destroy behind an update', (s) => (void s.update((d) => (d.n = 5)), void s.destroy())],
    ['by destroy, with a value that cannot be stored', (s) => ((s.big = 1n), s.destroy())],
    [
      'by destroy, and another begins with what it held',
      async (s, req) => {
        await s.destroy()
        req.session = { cart: [...(s.cart as string[])] } as never
        ;(req.session as Bag).n = 1
      }
    ],
    ['by regenerate behind an update', (s) => (void s.update((d) => (d.n = 5)), void s.regenerate())]
  ])('and one that has ended unchanged is not: %s', async (_name, handler) => {
    expect(await tried((s, req) => handler(s, req))).toMatchObject({ status: 200, messages: [] })
  })

  test.each<[string, (s: Bag, req: express.Request) => unknown]>([
    [
      'reload',
      async (s) => {
        const { cookie } = s
        await s.reload()
        cookie.maxAge = 1e7
      }
    ],
    [
      'an assignment',
      (s, req) => {
        const { cookie } = s
        req.session = { v: 1 } as never
        cookie.maxAge = 1e7
      }
    ],
    ['an update that sets it', (s) => s.update((d) => void (d.cookie.maxAge = 1e7))],
    [
      'regenerate, which keeps all',
      async (s) => {
        const { cookie } = s
        await s.regenerate({ keep: true })
        cookie.maxAge = 1e7
      }
    ]
  ])('the cookie is the same after %s', async (_name, handler) => {
    const { setCookie } = await tried((s, req) => handler(s, req))
    expect(setCookie).toContain('Expires=')
  })
})

test.each<[string, (s: Bag) => unknown]>([
  ['by an assignment', (s) => (s.cookie.maxAge = 1e7)],
  ['by an update', (s) => s.update((d) => void (d.cookie.maxAge = 1e7))]
])('a cookie that is changed after the headers have gone fails the response: %s', async (_name, change) => {
  const lost = dropped()
  const { visitor } = await returning()
  const visit = visitor.visit(async (s, _req, res) => {
    res.write('x')
    await Promise.resolve(change(s)).catch(() => undefined)
    res.end()
  })
  await visit.catch(() => undefined)
  await until(() => lost.length > 0)
  expect(lost[0]!.reason).toBe('headers sent')
})

describe('an object that was assigned to req.session', () => {
  test.each<[string, (o: Bag) => unknown]>([
    ['gets another key', (o) => (o.w = 2)],
    ['gets another value', (o) => (o.v = 2)],
    ['loses a key', (o) => delete o.v]
  ])('fails the response if it %s', async (_name, change) => {
    const { status, messages, stored } = await tried((_s, req) => {
      const source = { v: 1, cart: [] } as unknown as Bag
      req.session = source
      change(source)
    })
    expect([status, messages]).toEqual([500, [expect.stringContaining('change req.session itself')]])
    expect(stored).toMatchObject({ n: 1, cart: [] })
  })

  test.each<[string, (o: Bag, req: express.Request) => unknown, object]>([
    ['inside a nested value', (o) => (o.cart as string[]).push('a'), { v: 1, cart: ['a'] }],
    ['and is assigned again', (o, req) => ((o.v = 2), (req.session = o as never)), { v: 2, cart: [] }],
    ['and another is assigned', (o, req) => ((req.session = { v: 3 } as never), (o.v = 2)), { v: 3 }],
    ['and so does the session', (o, req) => ((o.v = 2), ((req.session as Bag).v = 2)), { v: 2, cart: [] }]
  ])('may change %s', async (_name, change, expected) => {
    const { status, stored } = await tried((_s, req) => {
      const source = { v: 1, cart: [] } as unknown as Bag
      req.session = source
      change(source, req)
    })
    expect(status).toBe(200)
    expect(stored).toMatchObject(expected)
  })
})

test('a changed copy that beforeSave returns is refused, the session itself is not', async () => {
  const { site, visitor } = await returning(
    { beforeSave: ((_req: unknown, s: Bag) => ({ ...s, z: 1 })) as never },
    {}
  )
  for (const handler of [(s: Bag) => void (s.n = 1), (s: Bag) => s.update((d) => void (d.n = 1))]) {
    expect((await visitor.visit((s) => handler(s))).status).toBe(500)
  }
  expect(site.errors.map(({ message }) => message)).toEqual(
    Array.from({ length: 2 }, () => expect.stringContaining('beforeSave returned a changed copy'))
  )
  const other = await returning({ beforeSave: (_req, s) => Object.assign(s, { z: 1 }) })
  expect(await other.visitor.ask((s) => s.z)).toBe(1)
})

test.each<[string, () => unknown, string]>([
  ['a list with properties', () => Object.assign([1], { total: 5 }), 'list with properties'],
  [
    'a key that is a symbol',
    () => ({ [Symbol('u')]: 1 }),
    'value[Symbol(u)], which is a value under a symbol'
  ],
  ['a symbol in a list', () => [Object.assign([1], { [Symbol('u')]: 1 })], 'value[0][Symbol(u)]'],
  ['a BigInt', () => ({ price: 1n }), 'value.price, which is a BigInt'],
  ['a Date of no time', () => new Date(NaN), 'invalid Date']
])('what JSON never sees is refused: %s', async (_name, make, message) => {
  const { site, visitor } = await returning()
  expect((await visitor.visit((s) => void (s.value = make()))).status).toBe(500)
  expect(site.errors[0]!.message).toContain(message)
})

test.each<[string, (s: Bag, req: express.Request) => unknown, string]>([
  [
    'a symbol as a key of the session',
    (s) => ((s as never)[Symbol('u') as never] = 1 as never),
    'keep Symbol(u)'
  ],
  ['one of what is assigned', (_s, req) => (req.session = { [Symbol('u')]: 1 } as never), 'keep Symbol(u)'],
  ['a cycle', (s) => (s.cart = [s]), 'cart[0], which is a cycle'],
  ['the session within itself', (s) => (s.self = s), 'self, which is a cycle'],
  [
    'a web that leads to itself in many ways',
    (s) => {
      const web = {}
      s.web = Object.assign(web, { one: web, two: web })
    },
    'web.one, which is a cycle'
  ],
  ['nothing in a list', (s) => (s.cart = [1, undefined]), 'cart[1], which is undefined:'],
  ...['id', 'save', 'update'].map((name): [string, (s: Bag) => unknown, string] => [
    `a definition of ${name}`,
    (s) => Object.defineProperty(s, name, { value: 1, enumerable: true }),
    `the name "${name}" belongs to the session itself`
  ])
])('%s is refused by its name', async (_name, write, message) => {
  const { site, visitor } = await returning({}, { user: 'ann' })
  expect((await visitor.visit((s, req) => void write(s, req))).status).toBe(500)
  expect(site.errors[0]!.message).toContain(message)
  expect(await visitor.ask((s) => s.user)).toBe('ann')
})

test('a method that is taken out of its session names the remedy', async () => {
  const { site, visitor } = await returning()
  await visitor.visit((s) => {
    const { save } = s
    return save()
  })
  expect(site.errors.map(({ message }) => message)).toEqual([expect.stringContaining('req.session.update(')])
})

test('regenerate takes null for no options', async () => {
  const { visitor } = await returning()
  expect(await visitor.ask(async (s) => (await s.regenerate(null as never)).n)).toBeNull()
})

test.each<[string, () => unknown, string]>([
  ['a promise', () => Promise.resolve({ a: 1 }), 'merge must not be asynchronous'],
  ['a Map', () => new Map(), 'merge must return'],
  ['a value that JSON loses', () => ({ when: NaN }), 'when, which is NaN'],
  ...['id', 'cookie', '@', '__proto__'].map((name): [string, () => unknown, string] => [
    `a value under the name ${name}`,
    () => JSON.parse(`{ "user": "ann", "${name}": { "x": 1 } }`) as unknown,
    `the name "${name}" belongs to the session itself`
  ])
])('what merge returns is refused: %s', async (_name, merge, message) => {
  const { site, visitor } = await returning({ merge: merge as never }, { user: 'ann' })
  const { status } = await visitor.visit(async (s) => {
    await visitor.clone().ask((other) => void (other.a = 1))
    s.b = 2
  })
  expect([status, site.errors[0]!.message]).toEqual([500, expect.stringContaining(message)])
  expect(await visitor.ask((s) => [s.user, s.a])).toEqual(['ann', 1])
})

test('something else in the place of a callback is refused, and ends neither the process nor the session', async () => {
  const { site, visitor } = await returning({}, { user: 'ann' })
  for (const method of ['save', 'touch', 'load', 'destroy'] as const) {
    const call = (s: Bag) => void (s[method] as (given: unknown) => unknown)({ others: true })
    expect((await visitor.visit(call)).status).toBe(500)
  }
  expect(site.errors.map(({ code }) => code)).toEqual(Array.from({ length: 4 }, () => 'ERR_SESSION_OPTIONS'))
  expect(await visitor.ask((s) => s.user)).toBe('ann')
})

test('a change that an update stores after the response is no loss', async () => {
  const lost = dropped()
  const { warnings, end } = hearWarnings()
  ended.push(end)
  const { visitor } = await returning()
  let updated!: Promise<unknown>
  await visitor.visit((s, _req, res) => {
    res.on('finish', () => (updated = s.update((d) => (d.n = 5))))
    s.n = 2
    res.end()
  })
  await until(() => updated !== undefined)
  await updated
  expect(await visitor.ask((s) => s.n)).toBe(5)
  expect([...lost, ...warnings.map(({ message }) => message)]).toEqual([])
})

test('a session that open gave for a request with one goes on under its new id', async () => {
  const sessions = session({ secret })
  const app = express()
  app.use(sessions)
  let opened: Bag | null = null
  app.get('/begin', (req, res) => {
    req.session.count = 1
    res.end()
  })
  app.get('/open', async (req, res) => {
    opened = (await sessions.open(req)) as Bag
    sessions.onDestroy(opened, () => undefined)
    res.end()
  })
  app.get('/move', async (req, res) => {
    await req.session.regenerate({ keep: true })
    res.end()
  })
  const visitor = (await Site.listen(app as never)).visitor()
  for (const path of ['/begin', '/open', '/move']) await visitor.send(path)
  await until(() => opened!.id === visitor.id)
  await opened!.update((s) => void (s.count = 2))
  expect(await (await sessions.open({ headers: visitor.cookies.headers }))?.reload()).toMatchObject({
    count: 2
  })
})

test('a request that names no session here says what is wrong with it', async () => {
  const sessions = session({ secret })
  const { cookie } = await sessions.create({ n: 1 } as never)
  await expect(sessions.open({ headers: { Cookie: cookie } })).rejects.toMatchObject({
    code: 'ERR_SESSION_OPTIONS',
    message: expect.stringContaining('{ headers: { "cookie": … } }')
  })
  expect(await sessions.open({ headers: { 'X-Other': 'x' } })).toBeNull()
  expect(() => sessions.of(undefined as never)).toThrow(
    'mount it before, and no other session() in front of it'
  )
  expect(() => express().use((sessions as unknown as () => never)())).toThrow(
    'app.use(sessions), and not app.use(sessions())'
  )
})

test('a read that timed out does not speak of a write', async () => {
  const { site, visitor } = await returning({ timeout: 100 })
  site.store.always(hangs, 'get')
  expect((await visitor.visit(() => null)).status).toBe(503)
  expect(site.errors.map(({ message }) => message)).toEqual([
    'the session store did not answer within 100 ms; the session could not be read'
  ])
})

test('a call that fails where no response is left to fail is told on the console', async () => {
  const { warnings, end } = hearWarnings()
  ended.push(end)
  const sessions = session({ secret })
  const { cookie } = await sessions.create({ n: 1 } as never)
  const opened = (await sessions.open({ headers: { cookie } }))!
  void opened.update((d) => void ((d as Bag).value = new Map()))
  await until(() => warnings.some(({ message }) => /update\(\) of a session.*value.*Map/s.test(message)))
})

describe.each(['save', 'update'] as const)(
  'a commit by %s, in whose beforeSave a method is called',
  (way) => {
    const calls: [string, (s: Bag, req: express.Request) => unknown][] = [
      ['update', (s) => s.update((draft) => void (draft.z = 1))],
      ['save', (s) => s.save()],
      ['reload', (s) => s.reload()],
      ['touch', (s) => s.touch()],
      ['regenerate', (s) => s.regenerate({ keep: true })],
      ['destroy', (s) => s.destroy()],
      [
        'update of req.session',
        (_s, { session }) => session.update((draft) => void Object.assign(draft, { z: 1 }))
      ],
      ['an end by null', (_s, req) => (req.session = null as never)]
    ]

    test.each(calls)('%s: is refused, stores nothing, and goes on without it', async (_, call) => {
      let isCalled = false
      const { site, visitor } = await returning({
        beforeSave: (req, s) => void (isCalled && call(s as Bag, req as express.Request))
      })
      isCalled = true
      const change = (s: Bag) => (way === 'save' ? void (s.n = 2) : s.update((draft) => void (draft.n = 2)))
      expect((await visitor.visit(change)).status).toBe(500)
      expect(site.errors).toEqual([
        expect.objectContaining({ code: 'ERR_SESSION_DATA', message: expect.stringContaining('beforeSave') })
      ])
      isCalled = false
      expect(await visitor.ask((s) => [s.n, s.z ?? null])).toEqual([1, null])
      expect((await visitor.visit(change)).status).toBe(200)
    })
  }
)
