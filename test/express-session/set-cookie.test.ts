import ours from '../../lib/express-session'
import { atEnd } from '../support/serve'
import { both, cookieOf, end, kept, lengthOf, Site, storeOf, visits, type Handler } from './support/both'

describe.each(both)('%s', (_, session) => {
  test.each([
    [{ saveUninitialized: true }, end, true],
    [{ saveUninitialized: false }, end, false],
    [{ saveUninitialized: false }, visits, true],
    [{ saveUninitialized: false, rolling: true }, end, false],
    [{ saveUninitialized: true, rolling: true }, end, true]
  ])('a new id, %j: %p', async (options, handler, isSent) => {
    const site = await Site.of(session, options, handler)
    expect(cookieOf(await site.get()) !== undefined).toBe(isSent)
  })

  test.each([
    [{}, {}, visits, false],
    [{ rolling: true }, {}, end, true],
    [{}, { maxAge: 60_000 }, visits, true],
    [{}, { maxAge: 60_000 }, end, false],
    [{ resave: true }, { maxAge: 60_000 }, end, false],
    [{ rolling: true }, { maxAge: 60_000 }, end, true]
  ])('a known id, %j with %j: %p', async (options, cookie, handler, isSent) => {
    let now = visits
    const site = await Site.of(session, { ...options, cookie }, (req, res) => now(req, res))
    await site.get()
    now = handler
    expect(cookieOf(await site.get()) !== undefined).toBe(isSent)
  })

  test('a cookie of the application’s own, a plain object, is sent without an age', async () => {
    const options = { rolling: true, cookie: { maxAge: 60_000 } }
    const site = await Site.of(session, options, (req, res) => {
      req.session.cookie = { ...req.session.cookie }
      return visits(req, res)
    })
    await site.get()
    expect(cookieOf(await site.get())).not.toMatch(/Max-Age|Expires/)
  })

  test('expires set to null makes it a cookie of the browser session, sent once', async () => {
    const site = await Site.of(session, { cookie: { maxAge: 60_000 } }, (req, res) => {
      req.session.cookie.expires = null
      return visits(req, res)
    })
    expect(cookieOf(await site.get())).not.toContain('Expires')
    expect((await site.get()).setCookies).toEqual([])
  })

  test('an end in the past is sent, and nothing is kept', async () => {
    const site = await Site.of(session, {}, (req, res) => {
      req.session.cookie.expires = new Date(0)
      return visits(req, res)
    })
    const answer = await site.get()
    expect(answer.status).toBe(200)
    expect(cookieOf(answer)).toContain('Expires=Thu, 01 Jan 1970 00:00:00 GMT')
    expect(await lengthOf(site.store)).toBe(0)
  })

  test('the end is relative to maxAge, and a changed one counts', async () => {
    const site = await Site.of(session, { cookie: { maxAge: 2000 } }, (req, res) => {
      if (req.url !== '/') req.session.cookie.maxAge = Number(req.url!.slice(1))
      return visits(req, res)
    })
    const lifeOf = async (path: string) => {
      const before = Date.now()
      const { setCookies } = await site.get(path)
      const expires = Date.parse(/Expires=([^;]+)/.exec(setCookies[0]!)![1]!)
      return { expires, from: before - 1000, to: Date.now() }
    }
    for (const [path, life] of [
      ['/', 2000],
      ['/5000', 5000],
      ['/3000000000', 3_000_000_000]
    ] as const) {
      const { expires, from, to } = await lifeOf(path)
      expect(expires).toBeGreaterThanOrEqual(from + life)
      expect(expires).toBeLessThanOrEqual(to + life)
    }
  })

  test('what is stored and what is sent end at the same time', async () => {
    const site = await Site.of(session, { cookie: { maxAge: 60_000 } }, visits)
    const line = cookieOf(await site.get())!
    const stored = await kept(site.store, site.id)
    expect(new Date(stored!.cookie.expires!).toUTCString()).toBe(/Expires=([^;]+)/.exec(line)![1])
  })

  test('a Secure cookie is not sent over a connection that is not', async () => {
    atEnd(jest.spyOn(process, 'emitWarning').mockImplementation(), (it) => it.mockRestore())
    const site = await Site.of(session, { cookie: { secure: true } }, visits)
    const answer = await site.get()
    expect([answer.status, answer.setCookies]).toEqual([200, []])
  })

  const other = 'previous=value; Path=/'
  test.each<[string, Handler]>([
    ['set before', (_req, res) => res.setHeader('Set-Cookie', other).end()],
    ['as a list', (_req, res) => res.setHeader('Set-Cookie', [other, 'more=1']).end()],
    ['in writeHead, as an object', (_req, res) => res.writeHead(200, { 'Set-Cookie': other }).end()],
    ['in writeHead, as a list', (_req, res) => res.writeHead(200, ['Set-Cookie', other]).end()],
    ['with a message', (_req, res) => res.writeHead(200, 'Fine', { 'Set-Cookie': [other] }).end()]
  ])('another Set-Cookie %s survives, in front', async (_name, handler) => {
    const site = await Site.of(session, { saveUninitialized: true }, handler)
    const { setCookies } = await site.get()
    expect(setCookies[0]).toBe(other)
    expect(setCookies.at(-1)).toContain('connect.sid=')
  })

  test('a cookie that cannot be sent is an error for next, and the response goes', async () => {
    const cookie = { expires: new Date(NaN) }
    const site = await Site.of(session, { cookie, saveUninitialized: true }, (_req, res) => res.end('sent'))
    const answer = await site.get()
    expect([answer.status, answer.text, answer.setCookies]).toEqual([200, 'sent', []])
    await new Promise((resolve) => setImmediate(resolve))
    expect(site.errors).toEqual([new TypeError('option expires is invalid')])
  })

  test('an id that the handler made something else than a text stores nothing, and sends nothing', async () => {
    const site = await Site.of(session, { saveUninitialized: true, resave: true }, (req, res) => {
      Object.assign(req, { sessionID: () => undefined })
      return visits(req, res)
    })
    const answer = await site.get()
    expect([answer.status, answer.setCookies]).toEqual([200, []])
    expect(await lengthOf(site.store)).toBe(0)
  })
})

describe('holdfast', () => {
  test('changing only cookie.maxAge is a change', async () => {
    const site = await Site.of(ours, {}, (req, res) => {
      if (req.url === '/remember') req.session.cookie.maxAge = 60_000
      else req.session.user = 'bob'
      res.end(String(req.session.cookie.originalMaxAge))
    })
    expect(cookieOf(await site.get())).not.toContain('Expires')
    expect(cookieOf(await site.get('/remember'))).toContain('Expires')
    expect((await site.get()).text).toBe('60000')
  })

  test('two middlewares on one store each keep their path', async () => {
    const store = storeOf(ours)
    const open = (path: string) =>
      Site.of(ours, { store, cookie: { path } }, async (req, res) => {
        if (req.url!.endsWith('/new')) await req.session.regenerate()
        return visits(req, res)
      })
    const [a, b] = [await open('/a'), await open('/b')]
    expect(cookieOf(await a.get('/a'))).toContain('Path=/a;')
    expect(cookieOf(await b.get('/b'))).toContain('Path=/b;')
    expect(cookieOf(await a.get('/a/new'))).toContain('Path=/a;')
  })
})
