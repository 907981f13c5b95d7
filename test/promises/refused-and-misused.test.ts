import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import express from 'express'
import real from 'express-session'
import Redis from 'ioredis'
import dropIn from '../../lib/express-session'
import session, { MemoryStore, type Session, type SessionOptions, type Sessions } from '../../lib'
import { RedisStore } from '../../lib/redis'
import { CountingStore, fails } from '../support/counting-store'
import { gate } from '../support/gate'
import { openRedis } from '../support/redis'
import { startProxy } from '../support/proxy'
import { atEnd, serve } from '../support/serve'
import { portOf } from '../support/server'
import { codeOf } from '../support/outcome'
import { send } from '../support/send'
import { type Bag, type Handler, returning, secret, Site } from '../support/site'

/** A request on its way through `valid`. */
type Asking = Parameters<Sessions['open']>[0] & { session: Session }

const NAMES = Array.from({ length: 12 }, (_, i) => `key${i}`)

describe.each(['valid', 'schema'])('a session that %s refuses for now', (by) => {
  let isFine = true
  beforeEach(() => (isFine = true))
  const validate = (value: unknown) =>
    isFine ? { value } : { issues: [{ message: 'not today', path: ['n'] }] }
  const refusing = (by === 'valid'
    ? { valid: () => isFine }
    : { schema: { '~standard': { version: 1, vendor: 'test', validate } } }) as unknown as SessionOptions
  const endings: [string, Handler][] = [
    ['a logout', (s) => s.destroy().then(() => null)],
    ['an assignment of null', (_s, req) => void (req.session = null as never)],
    ['a login over it', (s) => s.regenerate().then((fresh) => void (fresh.user = 'somebody else'))]
  ]

  test.each(endings)('is ended by %s', async (_name, end) => {
    const { visitor } = await returning(refusing)
    const { cookie } = visitor
    const before = visitor.clone()
    isFine = false
    expect((await visitor.visit(end)).status).toBe(200)
    isFine = true
    expect(visitor.hasCookie && visitor.cookie).not.toBe(cookie)
    expect(await before.ask((s) => s.n ?? null)).toBeNull()
  })

  test('stays as it is if the request only reads', async () => {
    const { visitor } = await returning(refusing)
    isFine = false
    expect(await visitor.ask((s) => s.n ?? null)).toBeNull()
    isFine = true
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })
})

describe('valid that asks for the session of its request, which waits for it, fails at once', () => {
  const asks: [string, 'lazy' | 'eager', (req: Asking, sessions: Sessions) => unknown][] = [
    ['load()', 'lazy', (req) => req.session.load()],
    ['update()', 'lazy', (req) => req.session.update(() => null)],
    ['destroy()', 'lazy', (req) => req.session.destroy()],
    ['sessions.of(req).load()', 'lazy', (req, sessions) => sessions.of(req).load()],
    ['sessions.open(req)', 'lazy', (req, sessions) => sessions.open(req)],
    ['sessions.open(req)', 'eager', (req, sessions) => sessions.open(req)],
    ['sessions.of(req)', 'eager', (req, sessions) => sessions.of(req)]
  ]
  const handlers: [string, Handler][] = [
    ['load', (s) => s.load().then((loaded) => loaded.n)],
    ['update', (s) => s.update((draft) => draft.n)]
  ]
  const cases = asks.flatMap((ask) => handlers.map((handler) => [...ask, ...handler] as const))

  test.each(cases)('%s, %s: %#', async (_what, load, ask, _by, handler) => {
    let isAsking = false
    let said: unknown
    const valid = async (req: object) => {
      if (isAsking)
        await Promise.resolve()
          .then(() => ask(req as Asking, sessions))
          .catch((error: unknown) => (said = error))
      return true
    }
    const store = new CountingStore()
    const sessions = session({ secret, store, load, valid })
    const site = await Site.listen(
      express().use(sessions, (req, res, next) => {
        Promise.resolve(handlerOf(req.session as Bag)).then((answer) => res.json(answer ?? null), next)
      }),
      store
    )
    let handlerOf: (s: Bag) => unknown = (s) => s.update((draft) => void (draft.n = 1))
    const visitor = site.visitor()
    await visitor.send('/')
    handlerOf = (s) => handler(s, undefined as never, undefined as never)
    isAsking = true
    await visitor.send('/')
    expect(said).toMatchObject({
      message: expect.stringMatching(/inside valid|valid gets the session as its second/)
    })
    isAsking = false
    expect((await visitor.send('/')).text).toBe('1')
  })

  test('sessions.open of the same cookie in another request', async () => {
    const store = new CountingStore()
    let said: unknown
    const valid = async (req: { headers: { cookie?: string | undefined } }) => {
      await sessions
        .open({ headers: { cookie: req.headers.cookie } })
        .catch((error: unknown) => (said = error))
      return true
    }
    const sessions = session({ secret, store, valid })
    const { cookie } = await sessions.create({ n: 1 } as never)
    const opened = await sessions.open({ headers: { cookie } })
    expect((opened as Bag | null)?.n).toBe(1)
    expect(said).toMatchObject({ message: expect.stringContaining('inside valid') })
  })

  test('and what it has begun and left may call it afterwards', async () => {
    const answer = gate()
    let left: Promise<unknown> | undefined
    const valid = (req: object) => {
      left ??= answer.opened.then(() => (req as Asking).session.update((s) => Object.assign(s, { n: 2 }).n))
      return true
    }
    const { visitor } = await returning({ load: 'lazy', valid })
    const seen = await visitor.ask(async (s) => {
      await s.load()
      answer.open()
      return left
    })
    expect(seen).toBe(2)
  })
})

test.each<[string, (store: real.Store) => unknown]>([
  ['two middlewares', (store) => session({ secret, store })],
  [
    'a middleware and the drop-in',
    (store) => dropIn({ secret, store, name: 'sid', resave: false, saveUninitialized: false })
  ]
])('%s that share a store written for express-session lose nothing of each other', async (_name, second) => {
  const store = new real.MemoryStore()
  for (const name of ['get', 'set'] as const) {
    const methods = store as unknown as Record<string, (...args: unknown[]) => void>
    const method = methods[name]!.bind(store)
    methods[name] = (...args) => void setTimeout(method, 5, ...args)
  }
  const app = express()
  const [even, odd] = [session({ secret, store }), second(store)] as express.Handler[]
  app.use((req, res, next) => (/[02468]$/.test(req.url) ? even : odd)!(req, res, next))
  app.use((req, res) => {
    const s = req.session as unknown as Bag
    if (req.url === '/read') return void res.json(Object.keys(s))
    s[req.url.slice(1)] = true
    res.end()
  })
  const port = portOf(await serve(app))
  const cookie = (await send(port, '/begin')).setCookies[0]!.split(';')[0]!
  const asked = { headers: { cookie } }
  const answers = await Promise.all(NAMES.map((name) => send(port, `/${name}`, asked)))
  expect(answers.map(({ status }) => status)).toEqual(NAMES.map(() => 200))
  const kept = JSON.parse((await send(port, '/read', asked)).text) as string[]
  expect(kept).toEqual(expect.arrayContaining(NAMES))
})

test.each<[string, (s: Bag) => unknown]>([
  ['frozen', (s) => Object.freeze(s)],
  ['given a key that cannot change', (s) => Object.defineProperty(s, 'fixed', { value: 1, enumerable: true })]
])('a session that was %s hurts nobody when its response has ended', async (_name, misuse) => {
  const { visitor, site } = await returning()
  expect((await visitor.visit((s) => void misuse(s))).status).toBe(200)
  expect(await visitor.ask((s) => s.n)).toBe(1)
  expect(site.errors).toEqual([])
})

test('a callback given to destroy of a store is refused, and nothing is removed', async () => {
  const store = new MemoryStore()
  const { visitor } = await returning({ store })
  expect(await codeOf(store.destroy(visitor.id, (() => undefined) as never))).toBe('ERR_SESSION_OPTIONS')
  expect(await visitor.ask((s) => s.n)).toBe(1)
})

test('a life that another request gave the session is the one that a socket renews', async () => {
  const store = new MemoryStore()
  const { visitor } = await returning({ store })
  const sockets = session({ secret, store })
  const own = await sockets.open({ headers: { cookie: `sid=${visitor.cookie}` } })
  for (const life of [60_000, 14 * 86_400_000]) {
    await visitor.ask((s) => void (s.cookie.maxAge = life))
    await own!.touch()
    const left = (await store.life(visitor.id))!
    expect(left).toBeLessThanOrEqual(life)
    expect(left).toBeGreaterThan(life / 2)
  }
})

test.each<[string, () => unknown]>([
  ['undefined in a list', () => [1, undefined]],
  ['a hole in a list', () => [1, , 2]], // oxlint-disable-line no-sparse-arrays
  ['URLSearchParams', () => new URLSearchParams('a=1')],
  ['Headers', () => new Headers({ a: '1' })],
  ['ArrayBuffer', () => new ArrayBuffer(8)],
  ['FormData', () => new FormData()]
])('%s, which JSON would lose, is refused by name', async (_name, make) => {
  const { visitor, site } = await returning()
  expect((await visitor.visit((s) => void (s.value = make()))).status).toBe(500)
  expect(site.errors[0]).toMatchObject({ code: 'ERR_SESSION_DATA' })
  expect(site.errors[0]!.message).toContain('value')
})

test('update that is given an object instead of a function says the right form', async () => {
  const { site, visitor } = await returning()
  const { status } = await visitor.visit((s) => void s.update({ n: 5 } as never))
  expect([status, site.errors]).toEqual([
    500,
    [
      expect.objectContaining({
        code: 'ERR_SESSION_DATA',
        message: expect.stringMatching(/takes a function.*update\(\(s\) => \{ s\.count = 1 \}\)/)
      })
    ]
  ])
  expect(await visitor.ask((s) => s.n)).toBe(1)
})

describe('a session that a handler still holds after destroy says that it was destroyed', () => {
  const writes: [string, Handler][] = [
    ['once it has ended', async (s) => void ((await s.destroy(), s).n = 2)],
    ['while nobody waits for the end', (s) => void ((void s.destroy(), s).n = 2)],
    ['with a new key', (s) => void ((void s.destroy(), s).user = 'ann')]
  ]
  test.each(writes)('when it is changed %s', async (_name, write) => {
    const { site, visitor } = await returning()
    const { cookie } = visitor
    expect((await visitor.visit(write)).status).toBe(409)
    expect(site.errors).toMatchObject([
      { code: 'ERR_SESSION_GONE', message: expect.stringContaining('ended by destroy()') }
    ])
    expect(await site.visitor(cookie).ask((s) => s.n ?? 'ended')).toBe('ended')
  })

  test.each<[string, Handler]>([
    ['that it loaded', async (s) => void (await s.load(), await s.destroy(), (s.n = 2))],
    ['that it never loaded', async (s) => void (await s.destroy(), (s.n = 2))],
    ['that it reads', async (s) => (await s.load(), await s.destroy(), s.n)]
  ])('when it is a lazy one %s', async (_name, use) => {
    const { site, visitor } = await returning({ load: 'lazy' })
    expect((await visitor.visit(use)).status).toBe(409)
    expect(site.errors).toMatchObject([
      { code: 'ERR_SESSION_GONE', message: expect.stringContaining('ended by destroy()') }
    ])
  })

  test('but not if it could not be destroyed: it goes on', async () => {
    const { site, visitor } = await returning()
    site.store.next('destroy', fails)
    const code = await visitor.ask(async (s) => {
      const code = await codeOf(s.destroy())
      s.n = 2
      await s.save()
      return code
    })
    expect([code, await visitor.ask((s) => s.n)]).toEqual(['ERR_SESSION_STORE', 2])
  })
})

describe('an error of the store says whether something was written', () => {
  const opened = openRedis()

  /** The error of a site on this store, after its connection was lost at the moment that `lose` chooses. */
  async function failure(lose: (store: RedisStore<Redis>) => unknown, handler: Handler): Promise<Error> {
    const store = atEnd(RedisStore.connect(opened.server.url), (it) => it.close())
    const { site, visitor } = await returning({ store })
    const { status } = await visitor.visit((s, req, res) => {
      lose(store)
      return handler(s, req, res)
    })
    expect([status, site.errors.length]).toEqual([503, 1])
    return site.errors[0]!
  }

  test('nothing, if the connection was lost before', async () => {
    const error = await failure(
      (store) => store.client.disconnect(),
      (s) => void (s.n = 2)
    )
    expect(error.message).toMatch(/could not be asked; .* nothing was written$/)
    expect((error.cause as Error).message).toMatch(/nothing was sent/)
  })

  test('a part, if it was lost between the two writes of a new id', async () => {
    const error = await failure(
      (store) => {
        const cut = () => {
          unsubscribe('holdfast:commit', cut)
          store.client.disconnect()
        }
        subscribe('holdfast:commit', cut)
      },
      (s) => s.regenerate().then(() => null)
    )
    expect(error.message).toMatch(/could not be asked any more; .* a part may have been applied before$/)
    expect((error.cause as Error).message).toMatch(/nothing was sent/)
  })

  test('nobody knows, if the answer was lost', async () => {
    const proxy = atEnd(await startProxy(opened.server.port), (it) => it.stop())
    const store = atEnd(RedisStore.connect(proxy.url), (it) => it.close())
    const { site, visitor } = await returning({ store })
    const { status } = await visitor.visit((s) => {
      proxy.loseAnswerTo('"n":2')
      s.n = 2
    })
    expect([status, site.errors.map(({ message }) => message)]).toEqual([
      503,
      [expect.stringMatching(/failed; .* nobody knows whether it was applied$/)]
    ])
    expect((site.errors[0]!.cause as Error).message).toMatch(/got no answer/)
  })
})

test('the main entry refuses at start the MemoryStore of the drop-in, and names the one to take', () => {
  expect(() => session({ secret, store: new dropIn.MemoryStore() })).toThrow(
    /take the MemoryStore of holdfast here/
  )
})

describe('the drop-in', () => {
  const options = { secret, resave: false, saveUninitialized: false }

  test('that is given to the application without a call says how to call it', async () => {
    const app = express()
    app.use(dropIn as never)
    app.use(((error: Error, _req, res, _next) => void res.end(error.message)) as express.ErrorRequestHandler)
    expect((await send(portOf(await serve(app)), '/')).text).toMatch(/call it, app\.use\(session\(\{ secret/)
  })

  test.each<[string, unknown, RegExp]>([
    ['a client of Redis', new Redis({ lazyConnect: true }), /new RedisStore\(client\)/],
    ['the class', MemoryStore, /new MemoryStore\(…\)/],
    ['an address', 'redis://127.0.0.1', /RedisStore\.connect\(url\)/]
  ])('that is given %s for a store says what to give', (_name, store, message) => {
    expect(() => dropIn({ ...options, store: store as real.Store })).toThrow(message)
  })
})
