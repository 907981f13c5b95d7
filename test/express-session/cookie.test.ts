import { createHmac } from 'node:crypto'
import ours from '../../lib/express-session'
import { stopClock } from '../support/clock'
import { both, cookieOf, end, Site, type CookieLike } from './support/both'

type Options = Record<string, unknown>
interface Made extends CookieLike {
  serialize(name: string, value: string): string
  data: Options
  toJSON(): Options
}

describe.each(both)('%s', (_, session) => {
  const make = (options?: unknown) => new session.Cookie(options as never) as unknown as Made

  test('the defaults', () => {
    for (const cookie of [make(), make(null), make({})]) {
      const { path, httpOnly, maxAge, expires, originalMaxAge } = cookie
      expect([path, httpOnly, maxAge, expires, originalMaxAge]).toEqual(['/', true, null, null, null])
      expect([cookie.secure, cookie.domain, cookie.sameSite]).toEqual([undefined, undefined, undefined])
    }
  })

  test('the last of expires and maxAge wins, and data is ignored', () => {
    const expires = new Date(Date.now() + 60_000)
    expect(make({ maxAge: 5, expires }).expires).toBe(expires)
    expect(make({ expires, maxAge: 600_000 }).maxAge).toBeGreaterThan(500_000)
    expect(make({ data: { path: '/x' } }).path).toBe('/')
    const all = {
      path: '/x',
      httpOnly: false,
      secure: true,
      domain: 'a.b',
      sameSite: 'lax',
      priority: 'low',
      own: 1
    }
    expect(make(all)).toMatchObject(all)
  })

  test.each([['x'], [true], [42]])('22: %j is no options', (options) => {
    expect(() => make(options)).toThrow(new TypeError('argument options must be a object'))
  })

  test('expires and maxAge set originalMaxAge, and maxAge is what is left', () => {
    stopClock()
    const cookie = make()
    cookie.maxAge = 5000
    expect([cookie.originalMaxAge, cookie.maxAge]).toEqual([5000, 5000])
    cookie.expires = new Date(Date.now() + 90_000)
    expect(cookie.originalMaxAge).toBe(90_000)
    cookie.expires = new Date(0)
    expect(cookie.maxAge).toBeLessThan(0)
    for (const none of [null, undefined]) {
      cookie.maxAge = none
      expect([cookie.maxAge, cookie.expires, cookie.originalMaxAge]).toEqual([none, none, none])
    }
  })

  test('maxAge may be a Date, and nothing else', () => {
    const cookie = make()
    const end = new Date(Date.now() + 5000)
    Object.assign(cookie, { maxAge: end })
    expect(cookie.expires).toBe(end)
    for (const wrong of ['5000', {}, true]) {
      expect(() => Object.assign(cookie, { maxAge: wrong })).toThrow(
        new TypeError('maxAge must be a number or Date')
      )
    }
  })

  test('data and toJSON have all settings, and _expires is there', () => {
    const cookie = make({ maxAge: 5000 })
    const keys = 'originalMaxAge partitioned priority expires secure httpOnly domain path sameSite'
    expect(Object.keys(cookie.data)).toEqual(keys.split(' '))
    expect(cookie.toJSON()).toEqual(cookie.data)
    expect(cookie._expires).toBe(cookie.expires)
    expect(cookie.data.expires).toBe(cookie.expires)
  })

  test('the order of what is sent, never Max-Age', () => {
    const expires = new Date(Date.UTC(2030, 0))
    const cookie = make({
      ...{ domain: 'a.b', path: '/x', expires, secure: true, partitioned: true, priority: 'high' },
      sameSite: 'strict'
    })
    expect(cookie.serialize('n', 'a b')).toBe(
      'n=a%20b; Domain=a.b; Path=/x; Expires=Tue, 01 Jan 2030 00:00:00 GMT; HttpOnly; Secure; Partitioned; ' +
        'Priority=High; SameSite=Strict'
    )
    expect(make({ maxAge: 5000 }).serialize('n', 'v')).toMatch(/^n=v; Path=\/; Expires=[^;]+; HttpOnly$/)
  })

  test.each([
    ['expires', new Date(NaN)],
    ['domain', 'a;b'],
    ['path', '/;'],
    ['sameSite', 'x'],
    ['priority', 'x']
  ])('option %s is invalid', (key, value) => {
    expect(() => make({ [key]: value }).serialize('n', 'v')).toThrow(
      new TypeError(`option ${key} is invalid`)
    )
  })

  test.each([
    [{ secure: 'auto' }, 'https', true, 'Path=/; HttpOnly; Secure'],
    [{ secure: 'auto' }, 'https,http', true, 'Path=/; HttpOnly; Secure'],
    [{ secure: 'auto' }, 'http,https', true, 'Path=/; HttpOnly'],
    [{ secure: 'auto' }, 'https', false, 'Path=/; HttpOnly'],
    [{ secure: 'auto' }, 'https', undefined, 'Path=/; HttpOnly'],
    [{ secure: 'auto', sameSite: 'auto' }, 'https', true, 'Path=/; HttpOnly; Secure; SameSite=None'],
    [{ sameSite: 'auto' }, undefined, true, 'Path=/; HttpOnly; SameSite=Lax']
  ])('%j over %s with proxy %s', async (cookie, proto, proxy, attributes) => {
    const site = await Site.of(session, { cookie, proxy, saveUninitialized: true }, end)
    const headers: Record<string, string> = proto === undefined ? {} : { 'x-forwarded-proto': proto }
    expect(cookieOf(await site.get('/', headers))?.replace(/^[^;]*; /, '')).toBe(attributes)
  })

  test('where proxy is undefined, req.secure counts', async () => {
    for (const secure of [true, false]) {
      const options = { cookie: { secure: 'auto' }, saveUninitialized: true }
      const before = (req: Record<string, unknown>) => void (req.secure = secure)
      const site = await Site.of(session, { ...options, before }, end)
      expect(cookieOf(await site.get())?.includes('Secure')).toBe(secure)
      const always = (req: Record<string, unknown>) => void (req.secure = true)
      const never = await Site.of(session, { ...options, proxy: false, before: always }, end)
      expect(cookieOf(await never.get())).not.toContain('Secure')
    }
  })

  test('an encrypted socket is secure', async () => {
    const before = (req: { socket: object }) => Object.assign(req.socket, { encrypted: true })
    const options = { before, cookie: { secure: true }, proxy: false, saveUninitialized: true }
    const site = await Site.of(session, options, end)
    expect(cookieOf(await site.get())).toContain('; Secure')
  })
})

describe('holdfast', () => {
  test("'auto' is settled also where cookie is a function", async () => {
    const cookie = () => ({ secure: 'auto', sameSite: 'auto' })
    const site = await Site.of(ours, { cookie, proxy: true, saveUninitialized: true }, end)
    const answer = await site.get('/', { 'x-forwarded-proto': 'https' })
    expect(cookieOf(answer)).toContain('; Secure; SameSite=None')
  })

  test('a session that is touched often does not get shorter', () => {
    const cookie = new ours.Cookie({ maxAge: 5000 })
    for (let i = 0; i < 10_000; i++) cookie.maxAge = cookie.originalMaxAge!
    expect(cookie.originalMaxAge).toBe(5000)
  })

  test('an error does not tell the value', () => {
    const signed = createHmac('sha256', 'x').digest('hex')
    const cookie = new ours.Cookie() as unknown as { serialize(name: string, value: string): string }
    expect(() => cookie.serialize('no name', signed)).toThrow(new TypeError('argument name is invalid'))
  })
})
