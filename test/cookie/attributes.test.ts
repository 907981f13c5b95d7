import { checkCookie, looksLikeSeconds, type CookieOptions } from '../../lib/cookie/attributes'
import { SessionError } from '../../lib/errors'
import { leastCpuTime } from '../support/cpu-time'

const BYTES = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Options as a user without TypeScript may pass them. */
const untyped = (options: Record<string, unknown>) => options as CookieOptions

function refusal(name: string, options: CookieOptions, code?: 'ERR_SESSION_DATA'): SessionError | undefined {
  try {
    checkCookie(name, options, code)
    return undefined
  } catch (error) {
    if (error instanceof SessionError) return error
    throw error
  }
}

/** The bytes that pass at the beginning, in the middle and at the end of a text. */
function accepted(passes: (text: string) => boolean, before: string, after: string): string[] {
  const places = [
    (byte: string) => byte + before + after,
    (byte: string) => before + byte + after,
    (byte: string) => before + after + byte
  ]
  return places.map((place) => BYTES.filter((byte) => passes(place(byte))).join(''))
}

describe('checkCookie', () => {
  it.each<[string, CookieOptions]>([
    ['sid', {}],
    [
      'connect.sid',
      { path: '/', httpOnly: true, secure: 'auto', sameSite: 'lax', maxAge: null, expires: null }
    ],
    [
      'sid',
      { path: '/a b/%C3%A4,"', domain: 'example.com', httpOnly: false, secure: false, sameSite: 'strict' }
    ],
    ['sid', { path: `/${'x'.repeat(1023)}`, domain: '.a-1.example.com', secure: true, sameSite: true }],
    ['sid', { domain: 'localhost', sameSite: false, priority: 'low', partitioned: false }],
    ['sid', { domain: '127.0.0.1', priority: 'medium', maxAge: 0, expires: new Date() }],
    ['sid', { domain: `${'a'.repeat(63)}.example`, priority: 'high', maxAge: 0.5, expires: new Date(0) }],
    ['sid', { secure: true, sameSite: 'none', partitioned: true }],
    ['sid', { secure: 'auto', sameSite: 'auto' }],
    ['sid', { sameSite: 'auto' }],
    ['sid', { secure: true, sameSite: 'auto' }],
    ['sid', { maxAge: 400 * 86_400_000 }],
    ['sid', { path: undefined, domain: undefined, secure: undefined }],
    ['__Host-sid', { secure: true }],
    ['__Host-sid', { secure: true, path: '/', sameSite: 'none', partitioned: true }],
    ['__secure-sid', { secure: true, path: '/app', domain: 'example.com' }],
    ['__Hostsid', { path: '/app' }],
    ['x__Host-', {}]
  ])('accepts %s with %j', (name, options) => {
    expect(refusal(name, options)).toBeUndefined()
  })

  it.each<[string, string, Record<string, unknown>, RegExp]>([
    ['__Host- without Secure', '__Host-sid', { secure: false }, /name.*__Host-.*cookie\.secure to true/],
    [
      '__Host- with Secure uncertain',
      '__Host-sid',
      { secure: 'auto' },
      /name.*__Host-.*cookie\.secure to true/
    ],
    ['__Host- with Secure left out', '__HOST-sid', {}, /name.*__HOST-.*cookie\.secure to true/],
    ['__Host- below a path', '__host-sid', { secure: true, path: '/app' }, /cookie\.path must be \//],
    [
      '__Host- with a domain',
      '__hOST-sid',
      { secure: true, domain: 'a.example' },
      /cookie\.domain.*leave one out/
    ],
    [
      '__Secure- without Secure',
      '__Secure-sid',
      { secure: false },
      /name.*__Secure-.*cookie\.secure to true/
    ],
    ['__Secure- with Secure uncertain', '__sEcUrE-sid', {}, /name.*__sEcUrE-.*cookie\.secure to true/],
    [
      'None without Secure',
      'sid',
      { sameSite: 'none', secure: false },
      /cookie\.sameSite.*cookie\.secure to true/
    ],
    ['None with Secure uncertain', 'sid', { sameSite: 'none' }, /cookie\.sameSite.*cookie\.secure to true/],
    [
      'None on some connections without Secure',
      'sid',
      { sameSite: 'auto', secure: false },
      /cookie\.sameSite.*secure/
    ],
    [
      'Partitioned without Secure',
      'sid',
      { partitioned: true, secure: false },
      /cookie\.partitioned.*secure to true/
    ],
    [
      'Partitioned with Secure uncertain',
      'sid',
      { partitioned: true },
      /cookie\.partitioned.*secure to true/
    ],
    ['an empty name', '', {}, /^name must/],
    ['an empty path', 'sid', { path: '' }, /cookie\.path must begin with \//],
    ['a relative path', 'sid', { path: 'app' }, /cookie\.path must begin with \//],
    [
      'a path that browsers ignore for its length',
      'sid',
      { path: `/${'x'.repeat(1024)}` },
      /cookie\.path.*1024/
    ],
    ['a path of null', 'sid', { path: null }, /cookie\.path/],
    ['an empty domain', 'sid', { domain: '' }, /cookie\.domain.*leave it out/],
    ['a domain with a port', 'sid', { domain: 'example.com:80' }, /cookie\.domain/],
    ['a domain with an empty label', 'sid', { domain: 'a..b' }, /cookie\.domain/],
    ['a domain with a dot at its end', 'sid', { domain: 'example.com.' }, /cookie\.domain/],
    ['a label of 64 characters', 'sid', { domain: `${'a'.repeat(64)}.example` }, /cookie\.domain/],
    ['a domain of 256 characters', 'sid', { domain: 'a.'.repeat(127) + 'ab' }, /cookie\.domain/],
    ['a domain that only looks like ASCII', 'sid', { domain: 'ſite.\u212aom' }, /cookie\.domain/],
    ['httpOnly as a text', 'sid', { httpOnly: 'false' }, /cookie\.httpOnly must be one of true, false/],
    ['secure as a number', 'sid', { secure: 1 }, /cookie\.secure must be one of true, false, "auto"/],
    [
      'sameSite in other case',
      'sid',
      { sameSite: 'None', secure: true },
      /cookie\.sameSite must be one of "lax"/
    ],
    ['sameSite as something else', 'sid', { sameSite: ['none'] }, /cookie\.sameSite must be one of "lax"/],
    ['partitioned as a text', 'sid', { partitioned: 'yes' }, /cookie\.partitioned must be one of/],
    ['priority in other case', 'sid', { priority: 'High' }, /cookie\.priority must be one of "low"/],
    ['a negative maxAge', 'sid', { maxAge: -1 }, /cookie\.maxAge must be a number of milliseconds/],
    ['maxAge as a text', 'sid', { maxAge: '60000' }, /cookie\.maxAge must be a number of milliseconds/],
    ['maxAge as a Date', 'sid', { maxAge: new Date() }, /cookie\.maxAge/],
    ['maxAge without end', 'sid', { maxAge: Infinity }, /cookie\.maxAge/],
    ['maxAge NaN', 'sid', { maxAge: NaN }, /cookie\.maxAge/],
    [
      'maxAge beyond what a cookie can say',
      'sid',
      { maxAge: 8000 * 366 * 86_400_000 },
      /cookie\.maxAge.*10000/
    ],
    ['expires as a number', 'sid', { expires: Date.now() }, /cookie\.expires must be a valid Date/],
    ['expires as a text', 'sid', { expires: '2030-01-01' }, /cookie\.expires must be a valid Date/],
    ['an invalid Date', 'sid', { expires: new Date('never') }, /cookie\.expires must be a valid Date/],
    ['a year of five digits', 'sid', { expires: new Date(Date.UTC(10_000, 0)) }, /cookie\.expires/],
    ['a year before 1601', 'sid', { expires: new Date(Date.UTC(1600, 0)) }, /cookie\.expires/],
    [
      'a misspelled option',
      'sid',
      { samesite: 'none' },
      /cookie has no option samesite, did you mean sameSite\?/
    ],
    ['an option with a name that all objects have', 'sid', { toString: 1 }, /cookie has no option toString/]
  ])('refuses %s', (_, name, options, message) => {
    expect(refusal(name, untyped(options))).toMatchObject({
      code: 'ERR_SESSION_OPTIONS',
      message: expect.stringMatching(message)
    })
  })

  it.each<[unknown]>([[undefined], [null], [5], [['sid']]])('refuses the name %j', (name) => {
    expect(refusal(name as string, {})).toMatchObject({ message: expect.stringMatching(/^name must/) })
  })

  describe('at run time', () => {
    const data = (options: Record<string, unknown>, name = 'sid') =>
      refusal(name, untyped(options), 'ERR_SESSION_DATA')

    it('gives the other code', () => {
      expect(data({ path: '/;' })).toMatchObject({ code: 'ERR_SESSION_DATA' })
      expect(data({}, 'a b')).toMatchObject({ code: 'ERR_SESSION_DATA' })
      expect(data({ secure: false }, '__Host-sid')).toMatchObject({ code: 'ERR_SESSION_DATA' })
      expect(data({ secure: false, sameSite: 'none' })).toMatchObject({ code: 'ERR_SESSION_DATA' })
      expect(data({ secure: true, sameSite: 'none' })).toBeUndefined()
    })

    it("refuses 'auto', which has to be settled by then", () => {
      expect(data({ secure: 'auto' })?.message).toMatch(/cookie\.secure must.*settled/)
      expect(data({ secure: true, sameSite: 'auto' })?.message).toMatch(/cookie\.sameSite must.*settled/)
    })

    it('lets a session be over, and have members of its own', () => {
      expect(data({ maxAge: -1, expires: new Date(Date.now() - 1), originalMaxAge: 5 })).toBeUndefined()
    })
  })

  describe('lets of all 256 bytes, at the beginning, in the middle and at the end, through', () => {
    const passes = (key: string) => (value: string) =>
      !refusal('sid', untyped({ secure: true, [key]: value }))

    it('in a name only those of a token', () => {
      const token = [...`!#$%&'*+-.^_\`|~${ALPHANUMERIC}`].sort().join('')
      expect(accepted((name) => !refusal(name, {}), 'si', 'd')).toEqual([token, token, token])
    })

    it('in a path those of ASCII without controls, semicolon and <', () => {
      const path = BYTES.slice(0x20, 0x7f)
        .filter((byte) => !';<'.includes(byte))
        .join('')
      expect(accepted(passes('path'), '/a', 'b')).toEqual(['/', path, path])
    })

    it('in a domain those of a host name', () => {
      const [start, middle, end] = accepted(passes('domain'), 'a', 'b.example')
      const expected = [`.${ALPHANUMERIC}`, `-.${ALPHANUMERIC}`, ALPHANUMERIC]
      expect([start, middle, end]).toEqual(expected)
    })

    it.each(['sameSite', 'priority', 'secure', 'httpOnly', 'partitioned', 'expires', 'maxAge'])(
      'in %s none',
      (key) => {
        for (const text of ['lax', 'high', 'true', '1000', '2030-01-01']) {
          const whole = ['sameSite lax', 'priority high'].includes(`${key} ${text}`)
          expect(passes(key)(text)).toBe(whole)
          expect(accepted(passes(key), text.slice(0, 2), text.slice(2))).toEqual(['', '', ''])
        }
      }
    )
  })

  it('takes linear time for a domain made to be slow', () => {
    for (const domain of ['a'.repeat(1e6), 'a.'.repeat(5e5), 'a-'.repeat(5e5), `${'a-'.repeat(120)}!`]) {
      expect(leastCpuTime(() => expect(refusal('sid', { domain })).toBeDefined(), 1000)).toBeLessThan(1000)
    }
  })
})

test.each<[number, boolean]>([
  [-1, false],
  [0, false],
  [1, true],
  [9_999, true],
  [10_000, false],
  [20_000, false],
  [86_400, true],
  [86_401, false],
  [7 * 86_400, true],
  [60_000, false],
  [86_400_000, false],
  [86_400 * 25, false]
])('a life of %d ms looks like seconds: %s', (life, expected) => {
  expect(looksLikeSeconds(life)).toBe(expected)
})
