import { EventEmitter, once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import ours from '../../lib/express-session'
import { both, done, kept, logIn, secret, Site, storeOf } from './support/both'
import type { Bag, Module, Req, StoreLike } from './support/both'

/** A middleware called with whatever a library has for a request and a response. */
function run(session: Module, store: StoreLike, req: object, res: object, options = {}): Promise<Req> {
  const all = { secret, resave: false, saveUninitialized: false, store, ...options }
  const middleware = session(all as never) as unknown as (...args: unknown[]) => void
  return new Promise((resolve, reject) => {
    middleware(req, res, (error?: Error) => (error ? reject(error) : resolve(req as Req)))
  })
}

const incoming = (cookie?: string) => ({
  method: 'GET',
  url: '/',
  headers: cookie ? { cookie } : {},
  socket: {}
})

describe.each(both)('%s', (_, session) => {
  async function visitor(store: StoreLike): Promise<string> {
    const site = await Site.of(session, { store }, logIn)
    await site.get()
    return site.cookies.header
  }

  test('ws: with {} for a response, save and reload work long after', async () => {
    const store = storeOf(session)
    const cookie = await visitor(store)
    const open = () => run(session, store, incoming(cookie), {})
    const [req, other] = [await open(), await open()]
    expect(req.session.user).toBe('bob')
    req.session.n = 2
    await done((end) => req.session.save(end))
    await done((end) => other.session.reload(end))
    expect(other.session.n).toBe(2)
    other.session.n = 3
    await done((end) => other.session.save(end))
    await done((end) => req.session.reload(end))
    expect(req.session.n).toBe(3)
  })

  test('express-socket.io-session: a response with nothing but end', async () => {
    const store = storeOf(session)
    const cookie = await visitor(store)
    const ended = new EventEmitter()
    const res = { end: (...args: unknown[]) => void ended.emit('end', ...args) }
    const req = await run(session, store, incoming(cookie), res)
    expect(req.session.user).toBe('bob')
    req.session.n = 2
    await done((end) => req.session.save(end))
    const [again] = [await run(session, store, incoming(cookie), { end: () => undefined })]
    expect(again.session.n).toBe(2)
  })

  test('socket.io: a response of six methods, and writeHead without arguments', async () => {
    const store = storeOf(session)
    const headers: Record<string, unknown> = {}
    const ended = new EventEmitter()
    const res = {
      setHeader: (name: string, value: unknown) => void (headers[name.toLowerCase()] = value),
      getHeader: (name: string) => headers[name.toLowerCase()],
      removeHeader: (name: string) => Reflect.deleteProperty(headers, name.toLowerCase()),
      write: () => undefined,
      writeHead: () => void ended.emit('head'),
      end: () => undefined
    }
    const req = await run(session, store, incoming(), res, { saveUninitialized: true })
    req.session.n = 1
    const head = once(ended, 'head')
    res.writeHead()
    await head
    expect(String(headers['set-cookie'])).toContain('connect.sid=')
    req.session.n = 2
    await done((end) => req.session.save(end))
    expect((await kept(store, req.sessionID))?.n).toBe(2)
  })

  test('passport: what it copies from the old session, cookie included, is in the new one', async () => {
    const store = storeOf(session)
    const site = await Site.of(session, { store, cookie: { maxAge: 60_000 } }, async (req, res) => {
      if (req.url === '/') {
        Object.assign(req.session, { cart: ['a'], messages: [] })
        return res.end()
      }
      const before = req.session
      ;(before.messages as string[]).push('failed')
      await done((end) => req.session.regenerate(end))
      for (const key in before) if (!(key in req.session) || key === 'cookie') req.session[key] = before[key]
      req.session.passport = { user: 'bob' }
      await done((end) => req.session.save(end))
      res.end()
    })
    await site.get()
    const { id } = site
    await site.get('/login')
    expect(await kept(store, id)).toBeUndefined()
    const stored = await kept(store, site.id)
    expect(stored).toMatchObject({ cart: ['a'], messages: ['failed'], passport: { user: 'bob' } })
    expect(Math.abs(stored!.cookie.originalMaxAge! - 60_000)).toBeLessThan(30_000)
  })

  test('grant: the arity of save is found by the prototype', async () => {
    const req = await run(session, storeOf(session), incoming(), {})
    expect((Object.getPrototypeOf(req.session) as Bag).save).toHaveLength(1)
  })

  test('connect-flash: properties are set, read and deleted', async () => {
    const site = await Site.of(session, {}, (req, res) => {
      if (req.url === '/') req.session.flash = { info: ['one'] }
      const seen = JSON.stringify(req.session.flash ?? null)
      if (req.url === '/read') delete (req.session.flash as Record<string, unknown>).info
      res.end(seen)
    })
    await site.get()
    expect((await site.get('/read')).text).toBe('{"info":["one"]}')
    expect((await site.get('/read')).text).toBe('{}')
  })

  test('an application that puts its own save on the session is asked to save by it', async () => {
    let saves = 0
    const site = await Site.of(session, {}, (req, res) => {
      const save = req.session.save as (done: () => void) => unknown
      if (req.url === '/') {
        req.session.n = 1
        Object.defineProperty(req.session, 'save', {
          value(this: Bag, end: () => void) {
            saves++
            return save.call(this, end)
          }
        })
      }
      res.end(String(req.session.n))
    })
    await site.get()
    expect((await site.get('/read')).text).toBe('1')
    expect(saves).toBe(1)
  })
})

describe('holdfast', () => {
  test('an application that puts a function around store.generate is asked to make sessions by it', async () => {
    const store = storeOf(ours)
    const all = { secret, resave: false, saveUninitialized: true, store: store as never }
    const middleware = ours(all) as unknown as (...args: unknown[]) => void
    const { generate } = store
    store.generate = (req) => {
      generate(req)
      ;(req as Req).session.from = 'the application'
    }
    const req = incoming() as unknown as Req & IncomingMessage
    await new Promise((resolve) => middleware(req, {}, resolve))
    expect(req.session.from).toBe('the application')
  })
})
