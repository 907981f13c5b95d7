import { inherits } from 'node:util'
import { EventEmitter } from 'node:events'
import { both, cookieOf, count, end, lengthOf, logIn, secret, Site, storeOf, visits } from './support/both'
import type { Handler, StoreLike } from './support/both'
import ours from '../../lib/express-session'
import { atEnd } from '../support/serve'

/** Answers with the user before this request. */
const who: Handler = (req, res) => {
  const was = String(req.session.user)
  req.session.user = 'bob'
  res.end(was)
}

describe.each(both)('%s', (_, session) => {
  test('a function, with Store, Cookie, Session and MemoryStore on it', () => {
    expect(typeof session).toBe('function')
    for (const name of ['Store', 'Cookie', 'Session', 'MemoryStore'] as const) {
      expect(typeof session[name]).toBe('function')
    }
    expect(new session.MemoryStore()).toBeInstanceOf(session.Store)
  })

  test('libraries of the old style derive from Store and Cookie by a call, and find their names', () => {
    const { Cookie, Store } = session as unknown as Record<
      'Cookie' | 'Store',
      (this: object, options?: object) => void
    >
    function Own(this: object) {
      Cookie.call(this, { maxAge: 5000, path: '/own' })
    }
    inherits(Own, Cookie)
    const cookie = new (Own as unknown as new () => { originalMaxAge: number; path: string; data: object })()
    expect([cookie.originalMaxAge, cookie.path]).toEqual([5000, '/own'])
    expect(cookie.data).toMatchObject({ originalMaxAge: 5000, httpOnly: true })
    expect([Cookie.name, Store.name]).toEqual(['Cookie', 'Store'])
  })

  test.each([
    [{}, 'connect.sid'],
    [{ key: 'k' }, 'k'],
    [{ name: 'n', key: 'k' }, 'n']
  ])('the cookie of %j is called %s, and without a store sessions are in memory', async (options, name) => {
    const site = await Site.of(session, { ...options, store: undefined }, visits)
    expect(cookieOf(await site.get(), name)).toBeDefined()
    expect((await site.get()).text).toBe('2')
  })

  test('3, 10: disconnect and connect of the store switch it off and on, and it brings generate', async () => {
    const site = await Site.of(session, { saveUninitialized: true }, (req, res) => {
      res.end(typeof req.session)
    })
    expect(typeof site.store.generate).toBe('function')
    site.store.emit('disconnect')
    const off = await site.get()
    expect([off.text, off.setCookies]).toEqual(['undefined', []])
    site.store.emit('connect')
    expect((await site.get()).text).toBe('object')
  })

  test('rolling is off, unset keeps', async () => {
    const site = await Site.of(session, {}, (req, res) => {
      if (req.url === '/end') (req as { session: unknown }).session = null
      else req.session.user = 'bob'
      res.end()
    })
    expect(cookieOf(await site.get())).toBeDefined()
    expect(cookieOf(await site.get())).toBeUndefined()
    await site.get('/end')
    expect(await lengthOf(site.store)).toBe(1)
  })

  test('resave and saveUninitialized count as true', async () => {
    const site = await Site.of(session, { resave: undefined, saveUninitialized: undefined }, end)
    const sets = count(site.store, 'set')
    expect(cookieOf(await site.get())).toBeDefined()
    await site.get()
    expect(sets.calls).toHaveLength(2)
  })

  test.each([
    [{ genid: 'x' }, 'genid option must be a function'],
    [{ unset: 'x' }, 'unset option must be "destroy" or "keep"'],
    [{ secret: [] }, 'secret option array must contain one or more strings']
  ])('%j is a TypeError', (options, message) => {
    expect(() => session({ secret, resave: false, saveUninitialized: false, ...options } as never)).toThrow(
      new TypeError(message)
    )
  })

  test.each([
    ['a string', secret],
    ['a Buffer', Buffer.from(secret)],
    ['several', [secret, 'another secret that is as long as needed']]
  ])('%s signs and verifies', async (_name, given) => {
    const site = await Site.of(session, { secret: given }, who)
    await site.get()
    expect((await site.get()).text).toBe('bob')
  })

  test('the first of several secrets signs, each verifies', async () => {
    const store = storeOf(session)
    const open = (given: unknown) => Site.of(session, { secret: given, store }, who)
    const [old, both] = [await open(secret), await open([`new ${secret}`, secret])]
    const fresh = await open(`new ${secret}`)
    await old.get()
    both.cookie = old.cookie
    expect((await both.get()).text).toBe('bob')
    const first = await open([`new ${secret}`, secret])
    await first.get()
    fresh.cookie = first.cookie
    expect((await fresh.get()).text).toBe('bob')
    old.cookie = first.cookie
    expect((await old.get()).text).toBe('undefined')
  })

  test('without a secret, that of the request, else an error for each request', async () => {
    const none = await Site.of(session, { secret: undefined }, end)
    const answer = await none.get()
    expect([answer.status, answer.text]).toEqual([500, 'secret option required for sessions'])
    const before = (req: Record<string, unknown>) => void (req.secret = secret)
    const theirs = await Site.of(session, { before, secret: undefined, saveUninitialized: true }, end)
    expect(cookieOf(await theirs.get())).toBeDefined()
  })

  test('an id is 24 random bytes, URL-safe', async () => {
    const ids = new Set<string>()
    const site = await Site.of(session, { saveUninitialized: true }, (req, res) => {
      ids.add(req.sessionID)
      res.end()
    })
    for (let i = 0; i < 20; i++) {
      site.cookies.clear()
      await site.get()
    }
    expect(ids.size).toBe(20)
    for (const id of ids) expect(id).toMatch(/^[\w-]{32}$/)
  })

  test.each([
    ['apple', /^connect.sid=s%3Aapple\.[^;]{43,}; Path/],
    ['%', /^connect.sid=s%3A%25\./],
    ['a.b', /^connect.sid=s%3Aa\.b\./]
  ])('genid may give %s, and gets the request', async (id, line) => {
    const genid = (req: { url: string }) => req.url.slice(1)
    const site = await Site.of(session, { genid, saveUninitialized: true }, (req, res) => {
      res.end(req.sessionID)
    })
    const answer = await site.get(`/${id}`)
    expect(answer.text).toBe(id)
    expect(cookieOf(answer)).toMatch(line)
    expect((await site.get('/other')).text).toBe(id)
  })

  test('a store may be a class, or inherit as functions do', () => {
    function Old(this: EventEmitter) {
      ;(session.Store as unknown as () => void).call(this)
    }
    inherits(Old, session.Store)
    const old = Reflect.construct(Old, []) as StoreLike & EventEmitter
    const young = new (class extends (session.Store as unknown as new () => StoreLike & EventEmitter) {})()
    for (const store of [old, young]) {
      expect(store).toBeInstanceOf(session.Store)
      expect(store).toBeInstanceOf(EventEmitter)
      expect(typeof store.createSession).toBe('function')
      store.on('x', () => undefined)
      expect(store.listenerCount('x')).toBe(1)
    }
  })
})

describe('holdfast', () => {
  test('a store that many middlewares share has one pair of listeners', () => {
    const store = storeOf(ours)
    for (let i = 0; i < 20; i++)
      ours({ secret, resave: false, saveUninitialized: false, store: store as never })
    expect([store.listenerCount('connect'), store.listenerCount('disconnect')]).toEqual([1, 1])
  })

  test.each([[{}], [() => undefined], [7]])('the store %p is refused', (store) => {
    const start = () => ours({ secret, resave: false, saveUninitialized: false, store: store as never })
    expect(start).toThrow(TypeError)
  })

  test.each([[['']], [[null]], [[secret, 7]], [Buffer.alloc(0)]])('6: the secret %j is refused', (given) => {
    expect(() => ours({ secret: given as never, resave: false, saveUninitialized: false })).toThrow(TypeError)
  })

  test.each([[undefined], [42], [Promise.resolve('x')], ['']])(
    'an id of %p is an error, not a session that is lost',
    async (id) => {
      const site = await Site.of(ours, { genid: () => id }, logIn)
      const answer = await site.get()
      expect(answer.status).toBe(500)
      expect(answer.text).toContain('genid')
    }
  )

  test('4, 8: what express-session warns of is warned of', () => {
    const { NODE_ENV, NO_DEPRECATION } = process.env
    const warn = atEnd(jest.spyOn(process, 'emitWarning').mockImplementation(), (it) => it.mockRestore())
    atEnd(process.env, (it) => Object.assign(it, { NODE_ENV, NO_DEPRECATION }))
    process.env.NODE_ENV = 'production'
    process.env.NO_DEPRECATION = ''
    ours({} as never)
    const said = warn.mock.calls.map(([message]) => String(message)).join('\n')
    for (const what of ['undefined resave', 'undefined saveUninitialized', 'req.secret', 'MemoryStore']) {
      expect(said).toContain(what)
    }
  })
})

describe('version: 2', () => {
  test('nothing is stored that did not change, and nothing is warned of', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockReturnValue()
    const store = storeOf(ours)
    const sets = count(store, 'set')
    const options = { store, version: 2, resave: undefined, saveUninitialized: undefined }
    const site = await Site.of(ours, options, (req, res) => {
      if (req.url === '/login') req.session.user = 'bob'
      res.end()
    })
    for (const path of ['/', '/login', '/']) await site.get(path)
    expect([sets.calls.length, warn.mock.calls]).toEqual([1, []])
    warn.mockRestore()
  })

  test('a secret is required, and what cookie-parser found does not count', async () => {
    const start = ours as (options: object) => unknown
    expect(() => start({ version: 2 })).toThrow('secret option required for sessions')
    expect(() => start({ version: 3, secret })).toThrow(TypeError)
    const before = (req: Record<string, unknown>) => void (req.signedCookies = { 'connect.sid': 'parsed' })
    const site = await Site.of(ours, { version: 2, before }, (req, res) => {
      req.session.n = 1
      res.end(req.sessionID)
    })
    expect((await site.get()).text).not.toBe('parsed')
  })
})

test.each([0, -1, NaN, Infinity, 2 ** 31, '5', null])('timeout: %p is refused at start', (timeout) => {
  expect(() => ours({ secret, timeout: timeout as number })).toThrow(TypeError)
})

test('an option of the main entry is named in a warning, and one that nobody knows is passed over', () => {
  const warn = atEnd(jest.spyOn(process, 'emitWarning').mockReturnValue(), (it) => it.mockRestore())
  const start = () =>
    ours({
      ...{
        secret,
        resave: false,
        saveUninitialized: false,
        store: storeOf(ours),
        rolling: true,
        timeout: 5000
      },
      ...{ idleTimeout: 60_000, valid: () => true, load: undefined, whatever: 1 }
    } as never)
  start()
  start()
  const said = warn.mock.calls.map(([message, options]) => [options, message])
  const told = (name: string) => [
    { code: 'HOLDFAST_OPTIONS' },
    expect.stringMatching(`^the option ${name} has no effect in the drop-in.*require\\('holdfast'\\)`)
  ]
  expect(said).toEqual([told('idleTimeout'), told('valid')])
})

test('null counts as no options, as in express-session', () => {
  for (const [, session] of both) expect(() => session(null as never)).not.toThrow()
})

test('a store of the contract has to be one of its present version', () => {
  const store = { contract: 2, get: Date, set: Date, touch: Date, destroy: Date }
  expect(() => ours({ secret, resave: false, saveUninitialized: false, store: store as never })).toThrow(
    /^store must have contract: 1/
  )
})
