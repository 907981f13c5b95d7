import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import express, { type Express } from 'express'
import express4 from 'express4'
import session, { type SessionOptions } from '../../lib'
import { CountingStore, fails } from '../support/counting-store'
import { send } from '../support/send'
import { returning, secret, Site, type Bag, type Handler } from '../support/site'

const MINUTE = 60_000

describe('the calls of the store', () => {
  /** What the store is asked by one request of somebody who was there before. */
  async function asked(options: Partial<SessionOptions>, handler: Handler): Promise<string> {
    const { site, visitor } = await returning(options)
    expect((await visitor.visit(handler)).status).toBe(200)
    return site.store.log
  }

  it.each<[string, Parameters<typeof asked>[1], string]>([
    ['nobody asks', () => 'done', ''],
    ['somebody looks at the handle only', (s) => typeof s.load, ''],
    ['read', async (s) => (await s.load()).n, 'get'],
    ['read twice', async (s) => [await s.load(), await s.load()].length, 'get'],
    ['read twice at once', async (s) => (await Promise.all([s.load(), s.load()])).length, 'get'],
    ['changed', async (s) => void ((await s.load()).n = 2), 'get set'],
    ['changed to the same', async (s) => void ((await s.load()).n = 1), 'get'],
    ['changed and changed back', async (s) => void Object.assign(await s.load(), { n: 2 }, { n: 1 }), 'get'],
    ['updated', (s) => s.update((draft) => void (draft.n = 2)), 'get set'],
    ['updated without a change', (s) => s.update((draft) => draft.n), 'get'],
    [
      'changed and saved',
      async (s) => (Object.assign(await s.load(), { n: 2 }), s.load().then((l) => l.save())),
      'get set'
    ],
    ['destroyed', (s) => s.destroy(), 'get destroy'],
    ['regenerated', (s) => s.regenerate().then(() => null), 'set get destroy'],
    ['regenerated, keeping all', (s) => s.regenerate({ keep: true }).then(() => null), 'get set set']
  ])('lazy, %s', async (_what, handler, log) => {
    expect(await asked({ load: 'lazy' }, handler)).toBe(log)
  })

  it.each<[string, Parameters<typeof asked>[0], Parameters<typeof asked>[1], string]>([
    ['nobody looks', {}, () => 'done', 'get'],
    ['read', {}, (s) => s.n, 'get'],
    ['a deep read', {}, (s) => JSON.stringify(s), 'get'],
    ['changed', {}, (s) => void (s.n = 2), 'get set'],
    ['changed deep inside', {}, (s) => void (s.o = { a: [1] }), 'get set'],
    ['updated', {}, (s) => s.update((draft) => void (draft.n = 2)), 'get set'],
    ['saved, nothing changed', {}, (s) => s.save(), 'get'],
    ['read, rolling', { renew: 'always' }, (s) => s.n, 'get get'],
    ['nobody looks, rolling', { renew: 'always' }, () => 'done', 'get get'],
    ['changed, rolling', { renew: 'always' }, (s) => void (s.n = 2), 'get set'],
    ['read, saveUninitialized', { saveUninitialized: true }, (s) => s.n, 'get'],
    ['destroyed', {}, (s) => s.destroy(), 'get destroy'],
    ['assigned null', {}, (_s, req) => void (req.session = null as never), 'get destroy'],
    ['regenerated', {}, (s) => s.regenerate().then(() => null), 'get set destroy'],
    ['touched', {}, (s) => s.touch(), 'get get touch']
  ])('eager, %s', async (_what, options, handler, log) => {
    expect(await asked(options, handler)).toBe(log)
  })

  it('of a session with a life of its own, which its cookie says: a read', async () => {
    const site = await Site.open({ idleTimeout: 10 * MINUTE })
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.cookie.maxAge = 30 * MINUTE))
    site.store.forget()
    await visitor.ask((s) => s.n)
    expect(site.store.calls).toMatchObject([{ operation: 'get', ttl: 30 * MINUTE }])
  })

  const anonymous: [string, string | undefined][] = [
    ['no cookie', undefined],
    ['another cookie', 'other=1'],
    ['an empty cookie', 'sid='],
    ['an unsigned id', 'sid=abc'],
    ['a forged signature', `sid=s%3Aabc.${'A'.repeat(43)}`],
    ['half a cookie', 'sid=s%3Aabc.'],
    ['no percent-encoding', `sid=s:abc.${'/'.repeat(43)}`],
    ['broken percent-encoding', 'sid=s%3Aabc.%ZZ%'],
    ['j: as express writes JSON', 'sid=j%3A%7B%7D'],
    ['an id that is too long', `sid=s%3A${'a'.repeat(129)}.${'A'.repeat(43)}`],
    ['bytes', 'sid=\u00ff\u0080']
  ]

  it.each(
    anonymous.flatMap(([what, cookie]) => (['eager', 'lazy'] as const).map((load) => [what, load, cookie]))
  )('none with %s, %s', async (_what, load, cookie) => {
    const site = await Site.open({ load: load as 'eager' })
    const headers = cookie === undefined ? {} : { cookie }
    const { status, setCookies } = await site
      .visitor()
      .visit(async (s) => [Object.keys(await s.load()), s.isNew], { headers })
    expect([status, setCookies, site.store.log]).toEqual([200, [], ''])
  })

  it('of a session that nobody put anything into: none, and no cookie', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    await visitor.ask((s) => {
      s.n = 1
      delete s.n
    })
    expect([site.store.log, visitor.hasCookie]).toEqual(['', false])
  })

  it('with saveUninitialized: one write, and a cookie, even where no handler looks', async () => {
    const site = await Site.open({ saveUninitialized: true }, (app) =>
      app.get('/untouched', (_req, res) => res.end())
    )
    const visitor = site.visitor()
    await visitor.send('/untouched')
    expect(site.store.log).toBe('set')
    expect(await site.stored(visitor.id)).toHaveProperty('@')
    await visitor.send('/untouched')
    expect(site.store.log).toBe('set get')
  })
})

describe('what goes in front of the handler', () => {
  it('req.session, req.sessionID and req.sessionStore', async () => {
    const site = await Site.open()
    const seen = await site
      .visitor()
      .ask((s, req) => [
        Object.keys(req).filter((key) => key.startsWith('session')),
        s === req.session,
        req.sessionID === s.id,
        req.sessionStore === site.store
      ])
    expect(seen).toEqual([['session', 'sessionID', 'sessionStore'], true, true, true])
  })

  it('a second session middleware finds the first, and does nothing', async () => {
    const second = new CountingStore()
    const site = await Site.open({}, (app) => app.use(session({ secret, store: second, name: 'other' })))
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.n = 1))
    await visitor.ask((s) => s.destroy())
    const { setCookies } = await visitor.visit(async (_s, req) => {
      await req.session.destroy()
      return req.session === undefined
    })
    expect(second.log).toBe('')
    expect([...visitor.cookies.keys(), ...setCookies]).toEqual([])
  })

  it('leaves a session of another library alone', async () => {
    const store = new CountingStore()
    const app = express()
    app.use((req, _res, next) => {
      Object.assign(req, { session: { theirs: true } })
      next()
    })
    app.use(session({ secret, store, saveUninitialized: true }))
    app.use((req, res) => void res.json(req.session))
    const site = await Site.listen(app)
    expect((await send(site.port, '/')).text).toBe('{"theirs":true}')
    expect(store.log).toBe('')
  })

  it.each([
    ['/admin', true],
    ['/admin/users?x=/', true],
    ['/administrator', false],
    ['/', false],
    ['/Admin', false],
    ['/%61dmin', false]
  ])('is at work under its cookie’s path: %s, %s', async (path, atWork) => {
    const site = await Site.open({ cookie: { path: '/admin' } })
    const { text } = await site
      .visitor()
      .visit((_s, req, res) => res.json(req.session !== undefined), { path })
    expect(text).toBe(String(atWork))
  })

  it('goes by the original URL where it is mounted below a path', async () => {
    const app = express()
    const under = express.Router()
    under.use(session({ secret, cookie: { path: '/admin' } }))
    under.use((req, res) => void res.json([req.url, req.session !== undefined]))
    app.use('/admin', under)
    const site = await Site.listen(app)
    expect((await send(site.port, '/admin/x')).text).toBe('["/x",true]')
  })
})

describe('everywhere that Node serves', () => {
  it('node:http, with a function in the place of next', async () => {
    const store = new CountingStore()
    const middleware = session({ secret, store })
    const errors: unknown[] = []
    const site = await Site.listen((req, res) => {
      middleware(req, res, (error) => {
        if (error) {
          errors.push(error)
          res.statusCode = (error as { status: number }).status
          return void res.end('failed')
        }
        const bag = (req as unknown as { session: Bag }).session
        bag.n = Number(bag.n ?? 0) + 1
        res.end(String(bag.n))
      })
    }, store)
    const visitor = site.visitor()
    expect([(await visitor.send('/')).text, (await visitor.send('/')).text]).toEqual(['1', '2'])
    store.next('set', fails)
    expect(await visitor.send('/')).toMatchObject({ status: 503, text: 'failed', setCookies: [] })
    store.next('get', fails)
    expect(await visitor.send('/')).toMatchObject({ status: 503, text: 'failed', setCookies: [] })
    expect(errors).toMatchObject([{ code: 'ERR_SESSION_STORE' }, { code: 'ERR_SESSION_STORE' }])
    expect((await visitor.send('/')).text).toBe('3')
  })

  it.each([
    ['Express 5', express],
    ['Express 4', express4]
  ])('%s', async (_name, make) => {
    const site = await Site.open({ load: 'lazy' }, undefined, make() as Express)
    const visitor = site.visitor()
    const count = () => visitor.ask((s) => s.update((draft) => (draft.n = Number(draft.n ?? 0) + 1)))
    expect([await count(), await count()]).toEqual([1, 2])
    site.store.next('set', fails)
    expect((await visitor.visit(async (s) => void ((await s.load()).n = 9))).status).toBe(503)
    expect(await count()).toBe(3)
    await visitor.ask((s) => s.destroy())
    expect(visitor.hasCookie).toBe(false)
  })

  it('a request and a response without a connection', async () => {
    const store = new CountingStore()
    const middleware = session({ secret, store })
    const req = new IncomingMessage(undefined as unknown as Socket)
    const res = new ServerResponse(req)
    await new Promise<void>((resolve) => middleware(req, res, () => resolve()))
    const bag = (req as unknown as { session: Bag }).session
    bag.n = 1
    await bag.save()
    expect(store.log).toBe('set')
  })

  it('a response that is next to nothing, as WebSocket libraries pass it', async () => {
    const store = new CountingStore()
    const middleware = session({ secret, store })
    const req = { headers: {} }
    await new Promise<void>((resolve) => middleware(req as never, {}, () => resolve()))
    const bag = (req as unknown as { session: Bag }).session
    bag.n = 1
    await bag.save()
    expect(store.log).toBe('set')
  })
})
