import session, { MemoryStore, SessionError, type SessionOptions } from '../lib'
import { checkOptions } from '../lib/options'
import { CountingStore } from './support/counting-store'

const DAY = 86_400_000
const secret = 'what signs the cookies in the tests of options'

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
      secrets: [secret],
      name: 'sid',
      cookie: {},
      idleTimeout: DAY,
      lifetime: 30 * DAY,
      load: 'eager',
      rolling: false,
      renew: true,
      saveUninitialized: false,
      autoCommit: true,
      signed: true,
      timeout: 1000,
      onGone: 'error',
      onStoreError: 'fail',
      maxBytes: 2 ** 20,
      maxDepth: 100
    })
    for (const absent of [
      'proxy',
      'merge',
      'transport',
      'valid',
      'user',
      'beforeSave',
      'serialize',
      'deserialize'
    ]) {
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
    const { genid, store, ...rest } = checkOptions({ ...nothing, secret })
    expect(settings).toMatchObject(rest)
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

describe('what is taken', () => {
  it.each<Partial<SessionOptions>>([
    { secret: [secret, Buffer.from(secret)] },
    { secret: Buffer.alloc(32, 'x') },
    { store: new CountingStore() },
    { lifetime: Infinity },
    { lifetime: DAY, cookie: { maxAge: DAY } },
    { lifetime: Infinity, cookie: { maxAge: 100 * DAY } },
    { load: 'lazy' },
    { load: () => 'lazy' },
    { timeout: 0.5 },
    { rolling: true, saveUninitialized: true, renew: false, proxy: false },
    { genid: () => 'x', merge: (base) => base },
    { onGone: 'drop', onStoreError: 'anonymous' },
    { maxBytes: 10, maxDepth: 1 },
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
    [{ secret: [secret, undefined] }, /^secret must/],
    [{ secret: [secret, ''] }, /^secret must/],
    [{ secret, secrets: [secret] }, /^secrets is no option; there are .*secret, /],
    [{ secret, resave: false }, /^resave is no option/],
    [{ secret, name: '' }, /^name must/],
    [{ secret, name: 'a b' }, /^name must/],
    [{ secret, name: 7 }, /^name must/],
    [{ secret, cookie: 7 }, /^cookie must/],
    [{ secret, cookie: null }, /^cookie must/],
    [{ secret, cookie: { path: 'x' } }, /^cookie\.path must/],
    [{ secret, cookie: { maxage: 1 } }, /^cookie\.maxage is no option/],
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
    ...[0, -1, NaN, Infinity, '1'].map((maxBytes): [unknown, RegExp] => [
      { secret, maxBytes },
      /^maxBytes must/
    ]),
    ...[0, -1, NaN, Infinity, '1'].map((maxDepth): [unknown, RegExp] => [
      { secret, maxDepth },
      /^maxDepth must/
    ]),
    ...['rolling', 'renew', 'saveUninitialized', 'proxy'].map((name): [unknown, RegExp] => [
      { secret, [name]: 'yes' },
      new RegExp(`^${name} must be true or false`)
    ]),
    [{ secret, load: 'never' }, /^load must/],
    [{ secret, load: true }, /^load must/],
    [{ secret, load: 'lazy', rolling: true }, /^rolling needs load: 'eager'/],
    [{ secret, load: () => 'eager', rolling: true }, /^rolling needs load: 'eager'/],
    [{ secret, load: 'lazy', saveUninitialized: true }, /^saveUninitialized needs load: 'eager'/],
    [{ secret, onGone: 'ignore' }, /^onGone must/],
    [{ secret, onStoreError: 'ignore' }, /^onStoreError must/],
    [{ secret, genid: 'x' }, /^genid must/],
    [{ secret, merge: {} }, /^merge must/],
    [{ secret, store: {} }, /^store must have contract: 1/],
    [{ secret, store: null }, /^store must have contract: 1/],
    [{ secret, store: MemoryStore }, /^store must have contract: 1/],
    [{ secret, store: { contract: 2, get: Date, set: Date, touch: Date } }, /^store must have contract: 1/],
    [{ secret, store: { get: Date, set: Date } }, /^store must have contract: 1/],
    [{ secret, transport: { read: Date } }, /^transport must have the functions read, write and clear/],
    [{ secret, valid: true }, /^valid must be a function/],
    [{ secret, user: 'userinfo' }, /^user must be a function/],
    [{ secret, serialize: String }, /^serialize and deserialize must be given together/],
    [{ secret, autoCommit: 'no' }, /^autoCommit must be true or false/]
  ])('%j', (options, message) => {
    const error = refusal(options)
    expect(error.code).toBe('ERR_SESSION_OPTIONS')
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain(secret)
  })
})
