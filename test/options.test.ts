import session, { CookieStore, MemoryStore, SessionError, type SessionOptions } from '../lib'
import { checkOptions } from '../lib/options'
import dropIn from '../lib/express-session'
import { RedisStore } from '../lib/redis'
import { CountingStore } from './support/counting-store'
import { hearWarnings } from './support/hold-listeners'
import { atEnd } from './support/serve'
import { plain } from './testing/broken'

const DAY = 86_400_000
const secret = 'what signs the cookies in the tests of options'

/** A store of the contract, but for these members. */
const plainStore = (members: object) => ({ ...plain(new MemoryStore()), ...members })

/** The error that these options are refused with. */
function refusal(options: unknown): SessionError {
  try {
    session(options as SessionOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(SessionError)
    return error as SessionError
  }
  throw new Error('these options were taken')
}

describe('the defaults', () => {
  const settings = checkOptions({ secret })

  it('are those that the docstrings name', () => {
    expect(settings).toMatchObject({
      name: 'sid',
      cookie: {},
      idleTimeout: DAY,
      lifetime: 30 * DAY,
      load: 'eager',
      renew: 'half',
      saveUninitialized: false,
      autoCommit: true,
      signed: true,
      timeout: 1000,
      whenGone: 'throw',
      whenUnreadable: 'throw',
      limits: { bytes: 2 ** 20, depth: 100 }
    })
    expect(settings.secrets).toEqual([secret])
    for (const absent of ['proxy', 'merge', 'transport', 'valid', 'user', 'beforeSave', 'codec']) {
      expect(settings).not.toHaveProperty(absent)
    }
    expect(settings.store).toBeInstanceOf(MemoryStore)
  })

  it('make ids of 256 random bits', () => {
    const [one, other] = [settings.genid({} as never), settings.genid({} as never)]
    expect(Buffer.from(one, 'base64url')).toHaveLength(32)
    expect(one).toMatch(/^[\w-]{43}$/)
    expect(other).not.toBe(one)
  })

  it('give each middleware a store of its own', () => {
    expect(checkOptions({ secret }).store).not.toBe(settings.store)
  })

  it('hold for options that are undefined', () => {
    const nothing = Object.fromEntries(Object.keys(settings).map((key) => [key, undefined]))
    delete nothing.secrets
    const { genid, store, secrets, ...rest } = checkOptions({ ...nothing, secret })
    expect(settings).toMatchObject(rest)
    expect(secrets).toEqual([secret])
    expect(typeof genid).toBe('function')
    expect(store).toBeInstanceOf(MemoryStore)
  })
})

describe('the idle timeout', () => {
  it.each<[string, Partial<SessionOptions>, number]>([
    ['cookie.maxAge sets it', { cookie: { maxAge: 5000 } }, 5000],
    ['its own option goes first', { cookie: { maxAge: 5000 }, idleTimeout: 7000 }, 7000],
    ['a cookie that ends with the browser leaves it', { cookie: { maxAge: null } }, DAY]
  ])('%s', (_what, options, idleTimeout) => {
    expect(checkOptions({ secret, ...options })).toMatchObject({ idleTimeout })
  })
})

test.each<[string, Partial<SessionOptions>, number]>([
  ['30 days', {}, 30 * DAY],
  ['no longer than the session may live', { lifetime: 7 * DAY }, 7 * DAY],
  [
    'no shorter than the cookie lives without it',
    { lifetime: 365 * DAY, cookie: { maxAge: 180 * DAY } },
    180 * DAY
  ]
])('remember: true lasts %s', (_what, options, rememberFor) => {
  expect(checkOptions({ secret, ...options })).toMatchObject({ rememberFor })
})

describe('what is taken', () => {
  it.each<Partial<SessionOptions>>([
    { secret: [secret, Buffer.from(secret)] },
    { secret: () => [secret] },
    { secret: () => secret },
    { secret: Buffer.alloc(32, 'x') },
    { store: new CountingStore() },
    { lifetime: Infinity },
    { lifetime: DAY, cookie: { maxAge: DAY } },
    { lifetime: Infinity, cookie: { maxAge: 100 * DAY } },
    { load: 'lazy' },
    { load: () => 'lazy' },
    { timeout: 0.5 },
    { saveUninitialized: true, renew: 'always', proxy: false },
    { renew: 'never', load: 'lazy' },
    { genid: () => 'x', merge: (base) => base },
    { whenGone: 'drop', whenUnreadable: 'anonymous' },
    { limits: { bytes: 10, depth: 1 } },
    { limits: { depth: 5 } },
    { name: '__Host-sid', cookie: { secure: true } }
  ])('%j', (options) => {
    expect(checkOptions({ secret, ...options })).toHaveProperty('secrets')
  })
})

describe('what is refused at start, with the name of the option and the remedy', () => {
  it.each<[unknown, RegExp]>([
    [undefined, /session\(\{ secret \}\)/],
    [null, /session\(\{ secret \}\)/],
    [secret, /session\(\{ secret \}\)/],
    [{}, /^secret must/],
    [{ secret: '' }, /^secret must/],
    [{ secret: Buffer.alloc(0) }, /^secret must/],
    [{ secret: 7 }, /^secret must/],
    [{ secret: [] }, /^secret must have at least one/],
    [{ secret: [secret, undefined] }, /^secret\[1\] must/],
    [{ secret: () => [] }, /^secret must have at least one/],
    [{ secret: () => Promise.resolve(secret) }, /^secret must/],
    [{ secret: [secret, ''] }, /^secret\[1\] must/],
    [{ secret, Unset: 'destroy' }, /no option Unset: it belongs to express-session/],
    [{ secret, secrets: [secret] }, /no option secrets, did you mean secret\?/],
    [{ Secret: secret }, /no option Secret, did you mean secret\?/],
    [{ secret, idleTimout: 1 }, /no option idleTimout, did you mean idleTimeout\?/],
    [{ secret, somethingElse: 1 }, /no option somethingElse$/],
    [{ secret, ttl: 60 }, /no option ttl: it is idleTimeout/],
    [{ secret, maxAge: 60 }, /no option maxAge: it is cookie: \{ maxAge \}/],
    [{ secret, maxage: 60 }, /no option maxage: it is cookie: \{ maxAge \}/],
    [{ secret, httponly: true }, /no option httponly: it is cookie: \{ httpOnly \}/],
    [{ secret, TTL: 60 }, /no option TTL: it is idleTimeout/],
    [{ secret, rolling: false }, /'always' for true, and no option for false/],
    [{ password: secret }, /no option password: it is secret/],
    [{ secret, cookieName: 'sid' }, /no option cookieName: it is name/],
    [{ secret, cookieOptions: {} }, /no option cookieOptions: it is cookie/],
    [{ secret, trustProxy: true }, /no option trustProxy: it is Express's setting trust proxy/],
    [{ secret, toString: 1 }, /no option toString$/],
    [{ secret, key: 'sid' }, /no option key: it is name/],
    [{ secret, secure: true }, /no option secure: it is cookie: \{ secure \}/],
    [{ secret, resave: false }, /no option resave: it belongs to express-session/],
    [{ secret, name: '' }, /^name must/],
    [{ secret, name: 'a b' }, /^name must/],
    [{ secret, name: 7 }, /^name must/],
    [{ secret, cookie: 7 }, /^cookie must/],
    [{ secret, cookie: null }, /^cookie must/],
    [{ secret, cookie: { path: 'x' } }, /^cookie\.path must/],
    [{ secret, cookie: { maxage: 1 } }, /^cookie has no option maxage, did you mean maxAge\?/],
    [{ secret, cookie: { maxAge: 0 } }, /^cookie\.maxAge must be more than 0/],
    [{ secret, cookie: { maxAge: -1 } }, /^cookie\.maxAge must/],
    [{ secret, cookie: { maxAge: '1d' } }, /^cookie\.maxAge must/],
    [{ secret, cookie: { maxAge: 31 * DAY } }, /^cookie\.maxAge must not be above lifetime/],
    [{ secret, cookie: { maxAge: 2000 }, lifetime: 1000 }, /^cookie\.maxAge must not be above lifetime/],
    ...[0, -1, NaN, '1000', '30d', null, 10n, {}, true].map((lifetime): [unknown, RegExp] => [
      { secret, lifetime },
      /^lifetime must be milliseconds/
    ]),
    ...[0, -1, NaN, Infinity, '1000', null, 1e300].map((idleTimeout): [unknown, RegExp] => [
      { secret, idleTimeout },
      /^idleTimeout must be milliseconds/
    ]),
    ...[0, -1, NaN, Infinity, '1000', null, 2 ** 31].map((timeout): [unknown, RegExp] => [
      { secret, timeout },
      /^timeout must be milliseconds/
    ]),
    ...[0, -1, NaN, Infinity, '1', null].flatMap((value): [unknown, RegExp][] => [
      [{ secret, limits: { bytes: value } }, /^limits\.bytes must/],
      [{ secret, limits: { depth: value } }, /^limits\.depth must/]
    ]),
    [{ secret, limits: 7 }, /^limits must/],
    [{ secret, limits: { byte: 7 } }, /^limits has no option byte, did you mean bytes\?/],
    [{ secret, limits: { maxBytes: 7 } }, /^limits has no option maxBytes: it is bytes$/],
    ...['saveUninitialized', 'proxy', 'signed'].map((name): [unknown, RegExp] => [
      { secret, [name]: 'yes' },
      new RegExp(`^${name} must be true or false`)
    ]),
    [{ secret, load: 'never' }, /^load must/],
    [{ secret, load: true }, /^load must/],
    [{ secret, renew: true }, /^renew must .*: for true, write 'half'/],
    [{ secret, renew: false }, /^renew must .*: for false, write 'never'/],
    [{ secret, load: 'lazy', renew: 'always' }, /^renew: 'always' needs load: 'eager'/],
    [{ secret, load: () => 'eager', renew: 'always' }, /^renew: 'always' needs load: 'eager'/],
    [{ secret, load: 'lazy', saveUninitialized: true }, /^saveUninitialized needs load: 'eager'/],
    [{ secret, whenGone: 'ignore' }, /^whenGone must/],
    [{ secret, whenUnreadable: 'ignore' }, /^whenUnreadable must/],
    [{ secret, genid: 'x' }, /^genid must/],
    [{ secret, merge: {} }, /^merge must/],
    [{ secret, store: {} }, /^store must have contract: 1/],
    [{ secret, store: null }, /^store must have contract: 1/],
    [{ secret, store: MemoryStore }, /^store is the class itself: .*new MemoryStore\(/],
    [{ secret, store: 'redis://127.0.0.1' }, /^store must not be an address: .*RedisStore\.connect\(url\)/],
    [
      { secret, store: { get: Date, set: Date, destroy: Date, sendCommand: Date } },
      /new RedisStore\(client\)/
    ],
    [[], /^session\(\) takes an object/],
    [new MemoryStore(), /takes the store as an option: session\(\{ secret, store \}\)/],
    [{ headers: {}, method: 'GET' }, /call it, app\.use\(session\(\{ secret \}\)\)/],
    [{ secret, store: { contract: 2, get: Date, set: Date, touch: Date } }, /^store must have contract: 1/],
    [{ secret, store: { get: Date, set: Date } }, /^store must have contract: 1/],
    [{ secret, store: plainStore({ contract: undefined }) }, /^store must have contract: 1/],
    [
      { secret, store: plainStore({ conditional: 'no' }) },
      /^conditional and stateless of a store must be true or/
    ],
    [
      { secret, store: plainStore({ stateless: 1 }) },
      /^conditional and stateless of a store must be true or/
    ],
    [{ secret, store: plainStore({ stateless: true }) }, /^store\.stateless needs conditional: false/],
    [
      { secret, store: plainStore({ index: { add: Date } }) },
      /^store\.index must have add, list, end, ended, renew/
    ],
    ...['keys', 'life', 'watch', 'notify', 'nodeOf'].map((name): [object, RegExp] => [
      { secret, store: plainStore({ [name]: 'x' }) },
      new RegExp(`^store\\.${name} must be a function`)
    ]),
    [{ secret, transport: { read: Date } }, /^transport must have the functions read, write and clear/],
    [{ secret, valid: true }, /^valid must be a function/],
    [{ secret, user: 'userinfo' }, /^user must be a function/],
    [{ secret, codec: { encode: String } }, /^codec must have the functions encode and decode/],
    [{ secret, autoCommit: 'no' }, /^autoCommit must be true or false/]
  ])('%j', (options, message) => {
    const error = refusal(options)
    expect(error.code).toBe('ERR_SESSION_OPTIONS')
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain(secret)
  })
})

describe('a store of the contract that does not say so is refused, and not taken for one of express-session', () => {
  const { contract: _contract, ...unsaid } = plain(new MemoryStore())
  const { get, touch, destroy } = unsaid
  const rest = (...args: Parameters<typeof unsaid.set>) => unsaid.set(...args)
  test.each<[string, object]>([
    [
      'its set takes the expected text',
      { ...unsaid, set: async (id: string, _t: string, _ttl: number, _e: string) => ({ id }) }
    ],
    ['it says whether it compares', { get, set: rest, touch, destroy, conditional: false }]
  ])('%s', (_how, store) => {
    expect(refusal({ secret, store }).message).toMatch(/^store lacks contract: 1/)
    const start = () => dropIn({ secret, store: store as never, resave: false, saveUninitialized: false })
    expect(start).toThrow(/^store lacks contract: 1/)
  })
})

test.each([{ genid: () => 'x' }, { merge: (_base: object, mine: object) => mine }, { signed: false }])(
  '%o is warned of beside a CookieStore, which does nothing with it',
  (options) => {
    const warn = atEnd(jest.spyOn(process, 'emitWarning').mockReturnValue(), (it) => it.mockRestore())
    jest.isolateModules(() => {
      // oxlint-disable-next-line typescript/no-require-imports -- each copy warns once
      const fresh = require('../lib') as typeof session
      fresh({ secret, store: new fresh.CookieStore(), ...options })
    })
    const told = warn.mock.calls.map(([message]) => String(message))
    expect(told).toEqual([expect.stringMatching(/have no effect with a CookieStore/)])
  }
)

test.each([
  ...['http://127.0.0.1:6379', 'HTTPS://127.0.0.1', 'amqp://127.0.0.1', '', undefined, null],
  ...[
    'localhost',
    '127.0.0.1:6379',
    'redis:/127.0.0.1:6379',
    'redis://',
    ' redis://127.0.0.1',
    '/tmp/redis.sock'
  ]
])(
  'RedisStore.connect(%j), which is no address of a Redis, is refused before anything is connected',
  (target) => {
    const connect = () => RedisStore.connect(target as string)
    expect(connect).toThrow(expect.objectContaining({ code: 'ERR_SESSION_OPTIONS' }))
    expect(connect).toThrow(/begins with redis:\/\/ or rediss:\/\/, such as redis:\/\/localhost:6379/)
  }
)

test('RedisStore.connect without an address asks whether the environment variable is set', () => {
  expect(() => RedisStore.connect(undefined as never)).toThrow(/is the environment variable set\?$/)
  expect(() => RedisStore.connect('localhost')).toThrow(/or options of ioredis$/)
})

describe('an option of connect-redis or memorystore is refused with what there is in its place', () => {
  const connectRedis = (options: object) => () => new RedisStore(options as never)
  test.each<[string, () => unknown, RegExp]>([
    [
      'the client among the options',
      connectRedis({ client: {}, prefix: 'x' }),
      /client first and the options second/
    ],
    [
      'client',
      () => new RedisStore({} as never, { client: {} } as never),
      /new RedisStore\(client, \{ prefix \}\)/
    ],
    ['ttl', () => new RedisStore({} as never, { ttl: 60 } as never), /ttl: it is idleTimeout of session\(\)/],
    [
      'serializer',
      () => new RedisStore({} as never, { serializer: JSON } as never),
      /serializer: it is codec/
    ],
    ['max', () => new MemoryStore({ max: 10 } as never), /no option max: it is maxBytes/],
    ['ttl in memory', () => new MemoryStore({ ttl: 60 } as never), /ttl: it is idleTimeout of session\(\)/],
    [
      'the prefix as it is',
      () => new RedisStore({} as never, 'sess:' as never),
      /takes an object, \{ prefix \}/
    ],
    ['null', () => new RedisStore({} as never, null as never), /takes an object, \{ prefix \}/],
    ['null for the cookies', () => new CookieStore(null as never), /takes an object, \{ notBefore \}/],
    ['checkPeriod', () => new MemoryStore({ checkPeriod: 60 } as never), /checkPeriod: leave it out/]
  ])('%s', (_what, make, message) => {
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_SESSION_OPTIONS' }))
    expect(make).toThrow(message)
  })
})

describe('an option under a name that it had before is refused with the name that it has now', () => {
  test.each<[string, unknown, RegExp]>([
    ['onGone', 'drop', /whenGone: 'throw' or 'drop'/],
    ['onStoreError', 'anonymous', /whenUnreadable: 'throw' or 'anonymous'/],
    ['rolling', true, /renew: 'always'/],
    ['serialize', String, /codec: \{ encode, decode \}/],
    ['deserialize', String, /codec: \{ encode, decode \}/],
    ['maxBytes', 1, /limits: \{ bytes \}/],
    ['maxDepth', 1, /limits: \{ depth \}/]
  ])('%s', (name, value, now) => {
    const { code, message } = refusal({ secret, [name]: value })
    expect([code, message]).toEqual(['ERR_SESSION_OPTIONS', expect.stringMatching(now)])
  })
})

describe('a weak secret in production', () => {
  const before = process.env.NODE_ENV
  beforeEach(() => void (process.env.NODE_ENV = 'production'))
  afterEach(() => void (process.env.NODE_ENV = before))

  test('is refused where it signs', () => {
    expect(refusal({ secret: 'keyboard cat' }).message).toMatch(/^secret is a placeholder or shorter/)
    expect(refusal({ secret: ['keyboard cat', secret] }).message).toMatch(/^secret\[0\] is a placeholder/)
    expect(refusal({ secret: 'short' }).message).toMatch(/put the new one in front, \[new, old\]/)
  })

  test('is warned of, with its place, where it only verifies', async () => {
    await new Promise(setImmediate)
    const { warnings, end } = hearWarnings()
    session({ secret: [secret, 'keyboard cat'], store: new CountingStore() })
    await new Promise(setImmediate)
    end()
    const told = warnings.map(({ message }) => message).filter((message) => message.startsWith('secret'))
    expect(told).toEqual([expect.stringMatching(/^secret\[1\] is a placeholder/)])
  })
})

test('sessions.load, the former name, says the name that it has now', () => {
  const { load } = session({ secret }) as unknown as { load(): unknown }
  expect(load).toThrow(/sessions\.open/)
})
