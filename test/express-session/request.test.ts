import { createHmac } from 'node:crypto'
import ours from '../../lib/express-session'
import { asked, both, cookieOf, count, end, Site, storeOf, visits, type Handler } from './support/both'

/** Answers with the type of its session. */
const type: Handler = (req, res) => res.end(typeof req.session)

describe.each(both)('%s', (_, session) => {
  test('where req.session is set already nothing else happens', async () => {
    const mine = { mine: true }
    const before = (req: Record<string, unknown>) => void (req.session = mine)
    const site = await Site.of(session, { before, saveUninitialized: true }, (req, res) => {
      res.end(String((req.session as object) === mine && !('sessionStore' in req)))
    })
    const answer = await site.get()
    expect([answer.text, answer.setCookies]).toEqual(['true', []])
  })

  test('a second middleware is inert', async () => {
    const second = session({ secret: 'another', name: 'second', resave: false, saveUninitialized: true })
    const site = await Site.of(session, {}, (req, res) => {
      const first = req.session
      ;(second as (...args: unknown[]) => void)(req, res, () => {
        first.user = 'bob'
        res.end(String(req.session === first))
      })
    })
    const answer = await site.get()
    expect(answer.text).toBe('true')
    expect(answer.setCookies).toHaveLength(1)
    expect(site.hasCookie).toBe(true)
  })

  test.each([
    ['/', 'undefined'],
    ['/foo', 'undefined'],
    ['/foo/bar', 'object'],
    ['/foo/bar?a=b', 'object'],
    ['/foo/bar/baz', 'object']
  ])('with the path /foo/bar, %s finds session %s', async (path, found) => {
    const site = await Site.of(session, { cookie: { path: '/foo/bar' } }, type)
    expect((await site.get(path)).text).toBe(found)
  })

  test('the original URL counts, also an empty one', async () => {
    const before = (req: Record<string, unknown>) => Object.assign(req, { originalUrl: req.url, url: '/bar' })
    const mounted = await Site.of(session, { before, cookie: { path: '/foo/bar' } }, type)
    expect((await mounted.get('/foo/bar')).text).toBe('object')
    expect((await mounted.get('/bar')).text).toBe('undefined')
    const empty = await Site.of(session, { before: (req) => void (req.url = '') }, type)
    expect((await empty.get()).text).toBe('object')
  })

  test('cookie may be a function of the request', async () => {
    const cookie = (req: { url: string }) => ({ path: req.url.startsWith('/a') ? '/a' : '/b' })
    const site = await Site.of(session, { cookie, saveUninitialized: true }, end)
    expect(cookieOf(await site.get('/a'))).toContain('Path=/a')
    site.cookies.clear()
    expect(cookieOf(await site.get('/b'))).toContain('Path=/b')
    expect((await site.get('/c')).setCookies).toEqual([])
  })

  test('the request knows the store, and the id that it brought', async () => {
    const site = await Site.of(session, {}, (req, res) => {
      req.session.user = 'bob'
      res.end(String(req.sessionStore === site.store && req.sessionID === req.session.id))
    })
    expect((await site.get()).text).toBe('true')
    const { id } = site
    expect((await site.get()).text).toBe('true')
    expect(site.id).toBe(id)
  })

  test('without an id next is called synchronously', async () => {
    let during = false
    const before = () => {
      during = true
      queueMicrotask(() => (during = false))
    }
    const site = await Site.of(session, { before }, (_req, res) => res.end(String(during)))
    expect((await site.get()).text).toBe('true')
  })

  test('an error of get reaches next as the store made it', async () => {
    const site = await Site.of(session, {}, visits)
    await site.get()
    site.store.get = (_id, done) => done(new Error('boom!'))
    const answer = await site.get()
    expect([answer.status, answer.text, answer.setCookies]).toEqual([500, 'boom!', []])
  })

  test('ENOENT counts as nothing found', async () => {
    const site = await Site.of(session, {}, visits)
    await site.get()
    const { id } = site
    site.store.get = (_id, done) => done(Object.assign(new Error('boom!'), { code: 'ENOENT' }))
    expect((await site.get()).text).toBe('1')
    expect(site.id).not.toBe(id)
  })

  test('what is not found gets a new id', async () => {
    const site = await Site.of(session, {}, visits)
    await site.get()
    const { id } = site
    await asked((done) => site.store.clear(done))
    expect((await site.get()).text).toBe('1')
    expect(site.id).not.toBe(id)
  })

  test('a stored session without a cookie is an error', async () => {
    const site = await Site.of(session, {}, visits)
    await site.get()
    await asked((done) => site.store.set(site.id, { foo: 'bar' }, done))
    const answer = await site.get()
    expect(answer.status).toBe(500)
    expect(answer.text).toMatch(/Cannot read prop/)
  })

  test.each([
    ['not signed', (cookie: string) => cookie.replace(/s%3A([^.]+).*/, '$1')],
    ['cut off', (cookie: string) => cookie.slice(0, -1)],
    ['of another id', (cookie: string) => cookie.replace(/...\./, '.')],
    ['without s:', (cookie: string) => cookie.replace('s%3A', '')]
  ])('a cookie that is %s makes a new session, and the store is not asked', async (_name, forge) => {
    const site = await Site.of(session, {}, visits)
    await site.get()
    const { id } = site
    const { calls } = count(site.store, 'get')
    site.cookie = forge(site.cookie)
    expect((await site.get()).text).toBe('1')
    expect(site.id).not.toBe(id)
    expect(calls).toEqual([])
  })

  test('the signature is HMAC-SHA-256 in base64 without padding, after the last dot', async () => {
    const options = { secret: 'keyboard cat', genid: () => 'an.id', saveUninitialized: true }
    const site = await Site.of(session, options, end)
    await site.get()
    const signature = createHmac('sha256', 'keyboard cat').update('an.id').digest('base64').replace(/=+$/, '')
    expect(decodeURIComponent(site.cookie)).toBe(`s:an.id.${signature}`)
  })

  test('what cookie-parser found counts where the header has nothing', async () => {
    let found: Record<string, unknown> = {}
    const before = (req: object) => Object.assign(req, { headers: { cookie: 'foo=bar' }, ...found })
    const site = await Site.of(session, { before }, visits)
    await site.get()
    const value = decodeURIComponent(site.cookie)
    found = { cookies: { 'connect.sid': value } }
    expect((await site.get()).text).toBe('2')
    found = { signedCookies: { 'connect.sid': site.id } }
    expect((await site.get()).text).toBe('3')
    found = { cookies: { 'connect.sid': site.id } }
    expect((await site.get()).text).toBe('1')
    found = { cookies: { 'connect.sid': value.slice(0, -1) } }
    expect((await site.get()).text).toBe('1')
  })
})

describe('holdfast', () => {
  test.each([
    ['/admin', 'object'],
    ['/admin/users', 'object'],
    ['/admin?x', 'object'],
    ['/administrator', 'undefined']
  ])('with the path /admin, %s finds session %s (RFC 6265)', async (path, found) => {
    const site = await Site.of(ours, { cookie: { path: '/admin' } }, type)
    expect((await site.get(path)).text).toBe(found)
  })

  test('a forged cookie in front of the real one logs nobody out', async () => {
    const site = await Site.of(ours, {}, visits)
    await site.get()
    const { header } = site.cookies
    for (const forged of ['x', 's:x.y', encodeURIComponent('s:planted.signature')]) {
      const answer = await site.get('/', { cookie: `connect.sid=${forged}; `.repeat(50) + header })
      expect(Number(answer.text)).toBeGreaterThan(1)
    }
  })

  test('a signed cookie of a session that has ended, in front of the real one, neither', async () => {
    const store = storeOf(ours)
    const [one, two] = [await Site.of(ours, { store }, visits), await Site.of(ours, { store }, visits)]
    await one.get()
    await two.get()
    await asked((done) => store.destroy(one.id, done))
    const answer = await two.get('/', { cookie: `${one.cookies.header}; ${two.cookies.header}` })
    expect([answer.text, answer.setCookies]).toEqual(['2', []])
  })
})
