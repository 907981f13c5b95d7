import fc from 'fast-check'
import {
  configuredCookie,
  isCopy,
  restoreCookie,
  SessionCookie,
  storedCookie,
  warnOfLife,
  type SettledCookieOptions
} from '../../lib/cookie/session-cookie'
import { setCookie } from '../../lib/cookie/set-cookie'
import type { SessionRequest } from '../../lib/request'
import { advance, stopClock } from '../support/clock'
import { hearWarnings } from '../support/hold-listeners'

const NOW = Date.UTC(2030, 0, 1)
const HOUR = 3_600_000

describe('SessionCookie', () => {
  it('can be made by assignments, as a bundler for older engines makes it, and takes no other name', () => {
    const made = new SessionCookie({}, NOW)
    const bundled = Object.assign(Object.create(SessionCookie.prototype) as object, made)
    expect({ ...bundled }).toEqual({ ...made })
    expect(() => Object.assign(bundled, { paht: '/' })).toThrow('has no paht')
  })

  it('has safe defaults and ends with the browser', () => {
    expect({ ...new SessionCookie({}, NOW) }).toEqual({
      path: '/',
      domain: undefined,
      httpOnly: true,
      secure: false,
      sameSite: 'lax',
      partitioned: false,
      priority: undefined,
      originalMaxAge: null,
      life: null,
      end: null
    })
    expect(new SessionCookie().maxAge).toBeNull()
    expect(new SessionCookie().expires).toBeNull()
  })

  it('takes what it is given, false too', () => {
    const options: SettledCookieOptions = {
      path: '/app',
      domain: 'example.com',
      httpOnly: false,
      secure: true,
      sameSite: false,
      partitioned: true,
      priority: 'high',
      maxAge: HOUR
    }
    const cookie = new SessionCookie(options, NOW)
    expect(cookie).toMatchObject({ ...options, maxAge: expect.any(Number) })
    expect(cookie.originalMaxAge).toBe(HOUR)
    expect(cookie.expires).toEqual(new Date(NOW + HOUR))
  })

  it('lets maxAge win over expires, and takes either', () => {
    const expires = new Date(NOW + 2 * HOUR)
    expect(new SessionCookie({ expires, maxAge: HOUR }, NOW).originalMaxAge).toBe(HOUR)
    expect(new SessionCookie({ expires, maxAge: null }, NOW)).toMatchObject({
      expires,
      originalMaxAge: 2 * HOUR
    })
    expect(new SessionCookie({ expires: null, maxAge: null }, NOW)).toMatchObject({
      expires: null,
      originalMaxAge: null
    })
  })

  it('sets originalMaxAge and expires with maxAge, which then counts down', () => {
    const cookie = new SessionCookie()
    const before = Date.now()
    cookie.maxAge = HOUR
    const after = Date.now()
    expect(cookie.originalMaxAge).toBe(HOUR)
    expect(cookie.expires?.getTime()).toBeGreaterThanOrEqual(before + HOUR)
    expect(cookie.expires?.getTime()).toBeLessThanOrEqual(after + HOUR)
    expect(cookie.maxAge).toBeLessThanOrEqual(HOUR)
    expect(cookie.maxAge).toBeGreaterThan(0)
  })

  it('sets originalMaxAge with expires', () => {
    const cookie = new SessionCookie()
    cookie.expires = new Date(Date.now() + HOUR)
    expect(cookie.originalMaxAge).toBeLessThanOrEqual(HOUR)
    expect(cookie.originalMaxAge).toBeGreaterThan(0)
  })

  it.each([null, undefined, false] as const)('ends with the browser after %s', (nothing) => {
    for (const key of ['maxAge', 'expires'] as const) {
      const cookie = new SessionCookie({ maxAge: HOUR })
      cookie[key] = nothing
      expect(cookie).toMatchObject({ maxAge: null, expires: null, originalMaxAge: null })
    }
  })

  it('floors fractions', () => {
    expect(new SessionCookie({ maxAge: 1000.9 }, NOW)).toMatchObject({
      originalMaxAge: 1000,
      expires: new Date(NOW + 1000)
    })
  })

  it('is over with no time left, or with a moment that has passed', () => {
    const cookie = new SessionCookie()
    cookie.maxAge = -5
    expect(cookie.originalMaxAge).toBe(0)
    expect(cookie.maxAge).toBeLessThanOrEqual(0)
    cookie.expires = new Date(0)
    expect(cookie.originalMaxAge).toBe(0)
    expect(cookie.maxAge).toBeLessThan(0)
  })

  it('refuses what is no time, and keeps what it had', () => {
    const cookie = new SessionCookie({ maxAge: HOUR }, NOW)
    const data = (key: string) =>
      expect.objectContaining({
        code: 'ERR_SESSION_DATA',
        message: expect.stringContaining(`cookie.${key} must`)
      })
    for (const value of [NaN, Infinity, 1e300, '1000', {}, true, new Date(NOW), 1n]) {
      expect(() => (cookie.maxAge = value as number)).toThrow(data('maxAge'))
    }
    for (const value of [new Date('never'), new Date(8.64e15), 1000, '2030-01-01', {}, true]) {
      expect(() => (cookie.expires = value as Date)).toThrow(data('expires'))
    }
    expect(() => new SessionCookie({ maxAge: '1' as unknown as number })).toThrow(data('maxAge'))
    expect(cookie).toMatchObject({ originalMaxAge: HOUR, expires: new Date(NOW + HOUR) })
  })

  it('starts its life over', () => {
    const cookie = new SessionCookie({ maxAge: HOUR }, NOW)
    cookie.resetMaxAge(NOW + 5)
    expect(cookie.expires).toEqual(new Date(NOW + 5 + HOUR))
    expect(cookie.originalMaxAge).toBe(HOUR)

    const forBrowser = new SessionCookie()
    forBrowser.resetMaxAge()
    expect(forBrowser.expires).toBeNull()
  })

  it('has in JSON the keys that express-session writes, in its order', () => {
    const cookie = new SessionCookie({ maxAge: HOUR, domain: 'example.com', priority: 'low' }, NOW)
    expect(JSON.stringify(cookie)).toBe(
      '{"originalMaxAge":3600000,"partitioned":false,"priority":"low","expires":"2030-01-01T01:00:00.000Z",' +
        '"secure":false,"httpOnly":true,"domain":"example.com","path":"/","sameSite":"lax"}'
    )
    expect(Object.keys(new SessionCookie().toJSON())).toEqual([
      'originalMaxAge',
      'partitioned',
      'priority',
      'expires',
      'secure',
      'httpOnly',
      'domain',
      'path',
      'sameSite'
    ])
  })
})

describe('storedCookie', () => {
  const defaults = new SessionCookie(
    { maxAge: HOUR, domain: 'example.com', priority: 'high', secure: true },
    NOW
  )

  it('keeps nothing of a cookie that is as configured, however long ago it was made', () => {
    expect(storedCookie(restoreCookie(undefined, defaults), defaults)).toBeUndefined()
    expect(storedCookie(restoreCookie(undefined, defaults, NOW - 9 * HOUR), defaults)).toBeUndefined()
    expect(storedCookie(new SessionCookie(), new SessionCookie())).toBeUndefined()
  })

  it('keeps what differs, life as a duration, an attribute that is gone as null', () => {
    const cookie = restoreCookie(undefined, defaults)
    cookie.path = '/app'
    cookie.domain = undefined
    cookie.maxAge = 2 * HOUR
    expect(JSON.stringify(storedCookie(cookie, defaults))).toBe(
      '{"originalMaxAge":7200000,"domain":null,"path":"/app"}'
    )
    cookie.maxAge = null
    expect(storedCookie(cookie, defaults)).toEqual({ originalMaxAge: null, domain: null, path: '/app' })
  })

  it('takes null for an attribute that is not there', () => {
    const plain = new SessionCookie()
    expect(
      storedCookie(Object.assign(new SessionCookie(), { domain: null, priority: null }), plain)
    ).toBeUndefined()
  })

  it('has one key order, in whichever order the attributes were set', () => {
    const cookie = restoreCookie(undefined, defaults)
    Object.assign(cookie, { sameSite: 'strict', path: '/a', httpOnly: false, secure: false, priority: 'low' })
    Object.assign(cookie, { partitioned: true, maxAge: 5, domain: 'a.example' })
    const keys = [
      'originalMaxAge',
      'partitioned',
      'priority',
      'secure',
      'httpOnly',
      'domain',
      'path',
      'sameSite'
    ]
    expect(Object.keys(storedCookie(cookie, defaults) ?? {})).toEqual(keys)
  })
})

describe('restoreCookie', () => {
  const defaults = new SessionCookie({ maxAge: HOUR, domain: 'example.com', priority: 'high' }, NOW)
  const asConfigured = { ...defaults, end: new Date(NOW + 7 + HOUR) }

  it('gives the defaults, living from now, where nothing is stored', () => {
    const cookie = restoreCookie(undefined, defaults, NOW + 7)
    expect(cookie).toBeInstanceOf(SessionCookie)
    expect({ ...cookie }).toEqual(asConfigured)
    expect(cookie).not.toBe(defaults)
    expect(defaults.expires).toEqual(new Date(NOW + HOUR))
  })

  it('is the inverse of storedCookie, and reading changes no text', () => {
    const sameSite = fc.constantFrom('lax' as const, 'strict' as const, 'none' as const, true, false)
    const options: fc.Arbitrary<SettledCookieOptions> = fc.record({
      path: fc.constantFrom('/', '/a', '/a b'),
      domain: fc.constantFrom(undefined, 'example.com', 'a.example'),
      httpOnly: fc.boolean(),
      secure: fc.boolean(),
      sameSite,
      partitioned: fc.boolean(),
      priority: fc.constantFrom(undefined, 'low' as const, 'high' as const),
      maxAge: fc.oneof(fc.constant(null), fc.nat({ max: 1e11 }))
    })
    fc.assert(
      fc.property(options, options, fc.nat(), (own, configured, later) => {
        const cookie = new SessionCookie(own, NOW)
        const defaults = new SessionCookie(configured, NOW)
        const text = JSON.stringify(storedCookie(cookie, defaults))
        const restored = restoreCookie(
          text === undefined ? undefined : JSON.parse(text),
          defaults,
          NOW + later
        )

        expect({ ...restored }).toEqual({ ...new SessionCookie(own, NOW + later) })
        expect(JSON.stringify(storedCookie(restored, defaults))).toBe(text)
      })
    )
  })

  it("reads express-session's form, whose moment of expiry counts for nothing", () => {
    const stored = JSON.parse(
      '{"originalMaxAge":60000,"expires":"2001-01-01T00:00:00.000Z","secure":true,"httpOnly":false,"path":"/app","sameSite":"strict"}'
    )
    expect({ ...restoreCookie(stored, defaults, NOW) }).toEqual({
      ...defaults,
      originalMaxAge: 60_000,
      life: 60_000,
      end: new Date(NOW + 60_000),
      secure: true,
      httpOnly: false,
      path: '/app',
      sameSite: 'strict'
    })
    expect(
      restoreCookie({ originalMaxAge: null, expires: null, httpOnly: true, path: '/' }, defaults)
    ).toMatchObject({
      originalMaxAge: null,
      expires: null
    })
    expect(restoreCookie({ originalMaxAge: false, expires: false }, defaults).originalMaxAge).toBeNull()
  })

  it.each([
    ['null'],
    ['5'],
    ['"text"'],
    ['true'],
    ['[]'],
    ['[{"path":"/x"}]'],
    ['{"originalMaxAge":"5"}'],
    ['{"originalMaxAge":-5}'],
    ['{"originalMaxAge":1e300}'],
    ['{"originalMaxAge":{}}'],
    ['{"maxAge":5,"expires":"2040-01-01T00:00:00.000Z","_expires":1}'],
    ['{"path":5}'],
    ['{"path":null}'],
    ['{"path":"app"}'],
    ['{"path":"/\\r\\nx"}'],
    ['{"path":"/;Domain=x"}'],
    ['{"domain":""}'],
    ['{"domain":"a;b"}'],
    ['{"domain":["a"]}'],
    ['{"secure":"auto"}'],
    ['{"secure":1,"httpOnly":0,"partitioned":"yes"}'],
    ['{"sameSite":"auto"}'],
    ['{"sameSite":"Lax"}'],
    ['{"sameSite":null}'],
    ['{"priority":"top"}'],
    ['{"toJSON":1,"resetMaxAge":2,"unknown":3}'],
    ['{"__proto__":{"path":"/polluted","secure":true}}'],
    ['{"constructor":{"prototype":{"path":"/polluted"}}}']
  ])('counts %s as nothing', (text) => {
    const cookie = restoreCookie(JSON.parse(text), defaults, NOW + 7)
    expect({ ...cookie }).toEqual(asConfigured)
    expect(Object.getPrototypeOf(cookie)).toBe(SessionCookie.prototype)
    expect({}).not.toHaveProperty('path')
  })

  it('reads own keys only, and whole milliseconds', () => {
    expect(restoreCookie(Object.create({ path: '/x', originalMaxAge: 5 }), defaults).toJSON()).toMatchObject({
      path: '/',
      originalMaxAge: HOUR
    })
    expect(restoreCookie({ originalMaxAge: 1000.9 }, defaults).originalMaxAge).toBe(1000)
  })

  it('takes an attribute away where null is stored', () => {
    expect(restoreCookie({ domain: null, priority: null }, defaults)).toMatchObject({
      domain: undefined,
      priority: undefined
    })
  })

  it('never throws for JSON, and what it makes can be sent unless the flags contradict each other', () => {
    const keys = fc.constantFrom(
      'originalMaxAge',
      'expires',
      'path',
      'domain',
      'httpOnly',
      'priority',
      '__proto__'
    )
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.jsonValue())), (stored) => {
        expect(setCookie('sid', 'x', restoreCookie(stored, defaults))).toMatch(/^sid=x; /)
      })
    )
  })
})

describe('the configured cookie', () => {
  const overHttp = { headers: {} } as SessionRequest
  const overTls = { headers: {}, socket: { encrypted: true } } as unknown as SessionRequest
  const overProxy = { headers: { 'x-forwarded-proto': 'https' } } as unknown as SessionRequest

  it.each([
    [{}, [true, 'lax'], [false, 'lax']],
    [{ secure: true }, [true, 'lax'], [true, 'lax']],
    [{ secure: false }, [false, 'lax'], [false, 'lax']],
    [{ sameSite: 'auto' }, [true, 'none'], [false, 'lax']],
    [{ sameSite: 'strict' }, [true, 'strict'], [false, 'strict']]
  ] as const)('%j is as the connection is', (options, secured, open) => {
    const cookie = configuredCookie(options, undefined)
    const of = (req: SessionRequest) => [cookie(req).secure, cookie(req).sameSite]
    expect([of(overTls), of(overHttp)]).toEqual([secured, open])
  })

  it('is shared by all requests, and cannot be changed', () => {
    const cookie = configuredCookie({ maxAge: HOUR }, undefined)
    expect(cookie(overTls)).toBe(cookie(overTls))
    expect(() => (cookie(overHttp).path = '/elsewhere')).toThrow(TypeError)
  })

  it('ends at its moment, for those who come later too', () => {
    stopClock()
    const cookie = configuredCookie({ expires: new Date(Date.now() + HOUR) }, undefined)
    advance(HOUR / 4)
    expect(cookie(overHttp).originalMaxAge).toBe((3 * HOUR) / 4)
    advance(HOUR / 4)
    expect(cookie(overTls).originalMaxAge).toBe(HOUR / 2)
    expect(cookie(overTls).secure).toBe(true)
  })

  it('has a life of its own from maxAge, which wins over the moment', () => {
    stopClock()
    const cookie = configuredCookie({ maxAge: HOUR, expires: new Date(Date.now() + 1000) }, undefined)
    advance(HOUR / 4)
    expect(cookie(overHttp).originalMaxAge).toBe(HOUR)
  })

  it('warns of a proxy only where the proxy could make it Secure, and nobody said what to believe', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    configuredCookie({}, false)(overProxy)
    configuredCookie({}, true)(overProxy)
    configuredCookie({ secure: true }, undefined)(overProxy)
    configuredCookie({ secure: false }, undefined)(overProxy)
    configuredCookie({}, undefined)(overHttp)
    expect(warn).not.toHaveBeenCalled()
    configuredCookie({}, undefined)(overProxy)
    expect(warn).toHaveBeenCalledTimes(1)
    warn.mockRestore()
  })
})

test('a copy has the settings of a cookie, as its JSON has; what has no life is no cookie', () => {
  const defaults = new SessionCookie({ path: '/app' })
  const cookie = new SessionCookie({ path: '/app', maxAge: 60_000 })
  const json = JSON.parse(JSON.stringify(cookie)) as object
  expect([cookie.copy(), json].map((value) => isCopy(value, cookie, defaults))).toEqual([true, true])
  const others = [defaults, { ...json, path: '/' }, { path: '/app' }, {}]
  expect(others.map((value) => isCopy(value, cookie, defaults))).toEqual([false, false, false, false])
})

test.each<[number | null, RegExp[]]>([
  [null, []],
  [5_000, [/was set to few milliseconds/]],
  [60_000, []],
  [120_000, []],
  [120_001, [/was set above lifetime/]],
  // As the options have it, which were checked.
  [7_000, []]
])('warns of a life of %s ms that the application has assigned: %j', async (life, expected) => {
  const { warnings, end } = hearWarnings()
  warnOfLife(life, 120_000, [7_000])
  await new Promise(setImmediate)
  end()
  expect(warnings).toMatchObject(
    expected.map((message) => ({ code: 'HOLDFAST_TIMES', message: expect.stringMatching(message) }))
  )
})
