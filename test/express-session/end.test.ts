import type { ServerResponse } from 'node:http'
import ours from '../../lib/express-session'
import { advance } from '../support/clock'
import { TestServer } from '../support/hold-http'
import { hang } from './support/hang'
import { listen } from '../support/events'
import { both, cookieOf, count, end, kept, lengthOf, logIn, secret, Site, storeOf } from './support/both'
import type { Bag, Handler } from './support/both'

const drop = (req: object) => void ((req as { session: unknown }).session = null)
const dropped: Handler = (req, res) => {
  drop(req)
  res.end()
}

describe.each(both)('%s', (_, session) => {
  test.each([
    ['destroy', 0],
    ['keep', 1]
  ])('unset %s, where req.session is null or deleted', async (unset, left) => {
    for (const gone of [drop, (req: object) => Reflect.deleteProperty(req, 'session')]) {
      const site = await Site.of(session, { unset }, (req, res) => {
        if (req.url === '/') req.session.hit = true
        else gone(req)
        res.end()
      })
      await site.get()
      expect(await lengthOf(site.store)).toBe(1)
      await site.get('/end')
      expect(await lengthOf(site.store)).toBe(left)
    }
  })

  test('a new session that is dropped is destroyed, too, and not announced', async () => {
    const site = await Site.of(session, { unset: 'destroy', saveUninitialized: true }, dropped)
    const destroy = count(site.store, 'destroy')
    expect((await site.get()).setCookies).toEqual([])
    expect(destroy.calls).toHaveLength(1)
  })

  test('without a session nothing is stored', async () => {
    const site = await Site.of(session, { saveUninitialized: true, resave: true }, dropped)
    const counted = ['set', 'touch', 'destroy'].map((name) => count(site.store, name))
    expect((await site.get()).status).toBe(200)
    expect(counted.map(({ calls }) => calls.length)).toEqual([0, 0, 0])
  })

  test('what is not saved is touched, where the store can', async () => {
    const store = storeOf(session)
    const [set, touch] = [count(store, 'set'), count(store, 'touch')]
    const site = await Site.of(session, { store, cookie: { maxAge: 60_000 } }, logIn)
    await site.get()
    const first = await kept(store, site.id)
    expect([set.calls.length, touch.calls.length]).toEqual([1, 0])
    advance(1000)
    await site.get()
    expect([set.calls.length, touch.calls.length]).toEqual([1, 1])
    const second = await kept(store, site.id)
    expect(second!.cookie.expires).not.toBe(first!.cookie.expires)
    Object.assign(store, { touch: undefined })
    const without = await Site.of(session, { store, cookie: { maxAge: 60_000 } }, end)
    without.cookie = site.cookie
    expect((await without.get()).status).toBe(200)
  })

  test('a new session that is not saved is not touched', async () => {
    const site = await Site.of(session, { cookie: { maxAge: 60_000 } }, end)
    const touch = count(site.store, 'touch')
    await site.get()
    expect(touch.calls).toEqual([])
  })

  test('a touch that fails is an error for next, and the response goes', async () => {
    const site = await Site.of(session, {}, (req, res) => {
      req.session.hit = true
      res.end('all of it')
    })
    await site.get()
    site.store.touch = (_id, _session, done) => done?.(new Error('boom!'))
    const answer = await site.get()
    expect([answer.status, answer.text]).toEqual([200, 'all of it'])
    await new Promise((resolve) => setImmediate(resolve))
    expect(site.errors).toEqual([new Error('boom!')])
  })

  test.each([
    [{ saveUninitialized: true }, end, 1],
    [{ saveUninitialized: false }, end, 0],
    [{ saveUninitialized: false }, logIn, 1],
    [{ saveUninitialized: false, resave: true }, end, 0]
  ])('a session never saved before, %j, %p: %i times', async (options, handler, times) => {
    const site = await Site.of(session, options, handler)
    const set = count(site.store, 'set')
    await site.get()
    expect(set.calls).toHaveLength(times)
  })

  test.each<[Record<string, unknown>, (s: Bag) => unknown, number]>([
    [{ resave: true }, () => undefined, 1],
    [{ resave: false }, () => undefined, 0],
    [{ resave: false }, (s) => void (s.n = 2), 1],
    [{ resave: false }, (s) => void (s.n = 1), 0],
    [{ resave: false }, (s) => void ((s.deep as Bag).inner = { a: [2] }), 1],
    [{ resave: false }, (s) => void ((s.deep as Record<string, unknown>).cookie = 'changed'), 1],
    [{ resave: false }, (s) => void (s.deep = { cookie: 1, inner: { a: [1] } }), 1],
    [{ resave: false }, (s) => Reflect.deleteProperty(s, 'n'), 1]
  ])('a known session, %j, case %#: %i times', async (options, change, times) => {
    const site = await Site.of(session, options, (req, res) => {
      if (req.url === '/') Object.assign(req.session, { n: 1, deep: { inner: { a: [1] }, cookie: 1 } })
      else change(req.session)
      res.end()
    })
    await site.get()
    const set = count(site.store, 'set')
    await site.get('/again')
    expect(set.calls).toHaveLength(times)
  })

  test('a store that answers synchronously leads to one native end', async () => {
    const texts = new Map<string, string>()
    class Sync extends (session.Store as unknown as new () => object) {
      get(id: string, done: (error: unknown, session?: unknown) => void) {
        done(null, JSON.parse(texts.get(id)!))
      }
      set(id: string, data: object, done: () => void) {
        texts.set(id, JSON.stringify(data))
        done()
      }
      destroy(id: string, done: () => void) {
        texts.delete(id)
        done()
      }
    }
    let ends = 0
    const before = (_req: unknown, res: ServerResponse) => {
      const native = res.end.bind(res) as (...args: unknown[]) => ServerResponse
      res.end = (...args: unknown[]) => {
        ends++
        return native(...args)
      }
    }
    const site = await Site.of(session, { before, store: new Sync(), unset: 'destroy' }, (req, res) => {
      const n = (req.session.n = ((req.session.n as number | undefined) ?? 0) + 1)
      if (n > 1) {
        drop(req)
        res.write('destroyed ')
      }
      res.end(`hits: ${n}`)
    })
    expect((await site.get()).text).toBe('hits: 1')
    expect((await site.get()).text).toBe('destroyed hits: 2')
    expect(ends).toBe(2)
    expect(texts.size).toBe(0)
  })

  test.each<[string, Handler, string]>([
    ['at once', (_req, res) => res.end('hello, world'), 'hello, world'],
    ['in pieces', (_req, res) => void (res.write('hello, '), res.end('world')), 'hello, world'],
    ['with a length', (_req, res) => res.setHeader('Content-Length', '5').end('hello'), 'hello'],
    [
      'in pieces with a length',
      (_req, res) => void (res.setHeader('Content-Length', '12').write('hello, '), res.end('world')),
      'hello, world'
    ],
    ['empty', (_req, res) => res.setHeader('Content-Length', '0').end(), ''],
    ['null', (_req, res) => res.end(null), ''],
    ['twice', (_req, res) => void (res.end('once'), res.end()), 'once']
  ])('a response %s is whole, and its session saved once', async (_name, handler, text) => {
    const site = await Site.of(session, {}, (req, res) => {
      req.session.hit = true
      return handler(req, res)
    })
    const set = count(site.store, 'set')
    const answer = await site.get()
    expect([answer.status, answer.text, set.calls.length]).toEqual([200, text, 1])
    expect(await lengthOf(site.store)).toBe(1)
  })

  test('after the end, a response is as it is without sessions', async () => {
    const seen: unknown[] = []
    const twice = (res: ServerResponse) => {
      res.end('once')
      try {
        res.setHeader('Content-Length', '3')
        res.end('foo')
      } catch (error) {
        seen.push((error as Error).message)
      }
    }
    const before = (req: { url?: string; session?: unknown }, res: ServerResponse) => {
      if (req.url !== '/native') return
      req.session = {}
      twice(res)
    }
    const site = await Site.of(session, { before }, (req, res) => {
      if (req.url === '/native') return
      req.session.hit = true
      twice(res)
    })
    expect((await site.get('/native')).text).toBe('once')
    expect((await site.get()).text).toBe('once')
    expect(seen.length).toBeGreaterThanOrEqual(2)
    expect(new Set(seen).size).toBe(1)
  })

  test('a response patched before and after works', async () => {
    const patch = (res: ServerResponse) => {
      const { write, end: native } = res
      res.write = function (this: ServerResponse, ...args: unknown[]) {
        return (write as (...args: unknown[]) => boolean).apply(this, args)
      } as never
      res.end = function (this: ServerResponse, ...args: unknown[]) {
        return (native as (...args: unknown[]) => ServerResponse).apply(this, args)
      } as never
    }
    const site = await Site.of(session, { before: (_req, res) => patch(res) }, (req, res) => {
      req.session.hit = true
      patch(res)
      res.write('hello, ')
      res.end('world')
    })
    expect((await site.get()).text).toBe('hello, world')
  })
})

describe('holdfast', () => {
  test('what was dropped clears its cookie', async () => {
    const site = await Site.of(ours, { unset: 'destroy' }, (req, res) => {
      if (req.url === '/') req.session.hit = true
      else drop(req)
      res.end()
    })
    await site.get()
    expect((await site.get('/end')).setCookies[0]).toContain('connect.sid=; Path=/; Expires=Thu, 01 Jan 1970')
  })

  test('nothing leaves before the store has answered', async () => {
    const site = await Site.of(ours, {}, (req, res) => {
      req.session.hit = true
      res.writeHead(302, { Location: '/next', 'Content-Length': '4' })
      res.end('next')
    })
    const held = hang(site.store, 'set')
    let isThere = false
    const answer = site.send('/').finally(() => (isThere = true))
    await held.reached
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isThere).toBe(false)
    held.go()
    expect((await answer).status).toBe(302)
    expect(await lengthOf(site.store)).toBe(1)
  })

  test.each<[string, Handler]>([
    ['at once', logIn],
    ['in pieces', (req, res) => void ((req.session.hit = true), res.write('a'), res.end('b'))]
  ])('a save that fails, of a response %s, is no 200, and sends no cookie', async (_name, handler) => {
    const site = await Site.of(ours, {}, handler)
    site.store.set = (_id, _session, done) => done?.(new Error('boom!'))
    const answer = await site.get()
    expect([answer.status, answer.setCookies]).toEqual([500, []])
  })

  test('a destroy that fails is no 200', async () => {
    const site = await Site.of(ours, { unset: 'destroy' }, (req, res) => {
      drop(req)
      res.end('destroyed')
    })
    site.store.destroy = (_id, done) => done?.(new Error('boom!'))
    const answer = await site.get()
    expect([answer.status, answer.text]).toEqual([500, 'boom!'])
  })

  test('end returns the response, and its callback is called', async () => {
    const called: string[] = []
    const site = await Site.of(ours, {}, (req, res) => {
      req.session[req.url!] = true
      if (req.url === '/1') return expect(res.end(() => called.push('1'))).toBe(res)
      expect(res.end('data', 'utf8', () => called.push('2'))).toBe(res)
    })
    await site.get('/1')
    expect((await site.get('/2')).text).toBe('data')
    expect(called).toEqual(['1', '2'])
  })

  test('HTTP/2', async () => {
    const middleware = ours({ secret, resave: false, saveUninitialized: false })
    const server = await TestServer.open('HTTP/2', (req, res) => {
      middleware(req as never, res as never, () => {
        ;(req as unknown as { session: Bag }).session.hit = true
        res.end('h2')
      })
    })
    const { status, body, headers } = await server.get()
    expect([status, body]).toEqual([200, 'h2'])
    expect(String(headers['set-cookie'])).toContain('connect.sid=')
  })

  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  test.each([
    ['a BigInt', 1n],
    ['a cycle', cycle]
  ])('%s is an error, and no request that hangs', async (_name, value) => {
    const site = await Site.of(ours, { saveUninitialized: true, resave: true }, (req, res) => {
      req.session.value = value
      res.end()
    })
    const answer = await site.get()
    expect([answer.status, answer.setCookies]).toEqual([500, []])
  })

  test('an object in the place of the session replaces its data', async () => {
    const site = await Site.of(ours, {}, (req, res) => {
      const { user, old } = req.session
      if (req.url === '/') req.session.old = true
      if (req.url === '/replace') Object.assign(req, { session: { user: 'bob' } })
      if (req.url === '/spread') Object.assign(req, { session: { ...req.session, user: 'eve' } })
      res.end(JSON.stringify([user, old]))
    })
    await site.get()
    const { id } = site
    expect((await site.get('/replace')).status).toBe(200)
    expect((await site.get('/spread')).text).toBe('["bob",null]')
    expect((await site.get('/spread')).text).toBe('["eve",null]')
    expect(site.id).toBe(id)
  })

  test('something else in the place of the session is an error', async () => {
    const site = await Site.of(ours, {}, (req, res) => {
      Object.assign(req, { session: 'bob' })
      res.end()
    })
    expect((await site.get()).status).toBe(500)
  })

  test('a session made after the headers have gone is not stored: the page arrives, and the channel reports it', async () => {
    const heard = listen()
    const site = await Site.of(ours, {}, async (req, res) => {
      res.write('begun')
      await new Promise((resolve) => setImmediate(resolve))
      req.session.hit = true
      if (req.url === '/unawaited') void req.session.save()
      res.end(', and ended')
    })
    for (const path of ['/', '/unawaited']) expect((await site.get(path)).text).toBe('begun, and ended')
    expect(heard['holdfast:dropped']).toEqual(Array(2).fill({ handle: '', reason: 'headers sent' }))
    expect(await lengthOf(site.store)).toBe(0)
  })

  test('its save rejects', async () => {
    const site = await Site.of(ours, {}, async (req, res) => {
      res.write('begun')
      await new Promise((resolve) => setImmediate(resolve))
      req.session.hit = true
      const error = await req.session.save().catch((error: unknown) => error)
      delete req.session.hit
      res.end((error as { code: string }).code)
    })
    expect((await site.get()).text).toBe('begunERR_SESSION_HEADERS_SENT')
    expect(await lengthOf(site.store)).toBe(0)
  })

  test('what a known session changes after the headers have gone is stored before the end', async () => {
    const site = await Site.of(ours, {}, async (req, res) => {
      req.session.n ??= 1
      res.write('begun')
      await new Promise((resolve) => setImmediate(resolve))
      if (req.url === '/late') req.session.n = 2
      res.end()
    })
    expect(cookieOf(await site.get())).toBeDefined()
    await site.get('/late')
    expect((await kept(site.store, site.id))?.n).toBe(2)
  })
})
