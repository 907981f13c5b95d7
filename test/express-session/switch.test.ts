import { RedisStore as ConnectRedis } from 'connect-redis'
import express, { type Express } from 'express'
import session from 'express-session'
import holdfast from '../../lib'
import ours from '../../lib/express-session'
import { RedisStore } from '../../lib/redis'
import { endOf } from '../support/cookies'
import { openRedis } from '../support/redis'
import { Browser } from '../support/browser'
import { addPages, type AnyStore, sessionOf, type SessionModule } from './support/implementations'

const secret = 'the secret of before and after'
const user = {
  name: 'Änne 安',
  roles: ['admin', 'author'],
  since: '2020-02-20T20:20:20.000Z',
  id: 0,
  boss: null
}

/** Options that applications have, besides the secret. */
const kinds = {
  'the usual options': { resave: false, saveUninitialized: false },
  'the options of long ago': { resave: true, saveUninitialized: true },
  'a life for the cookie': { resave: false, saveUninitialized: false, cookie: { maxAge: 60_000 } },
  'a rolling cookie': { resave: false, saveUninitialized: false, rolling: true, cookie: { maxAge: 60_000 } },
  'rotated secrets': { resave: false, saveUninitialized: false, secret: [secret, 'the one before'] }
}

const redis = openRedis({ nodeRedis: true })

interface Side {
  readonly name: string
  readonly session: SessionModule
  store(): AnyStore
}

const theirStore = () => new ConnectRedis({ client: redis.nodeRedis })
const ourStore = () => new RedisStore(redis.nodeRedis, { prefix: 'sess:' })
const before: Side = { name: 'express-session with connect-redis', session, store: theirStore }
const after: readonly Side[] = [
  { name: 'holdfast/express-session with connect-redis', session: ours, store: theirStore },
  { name: 'holdfast/express-session with our RedisStore', session: ours, store: ourStore }
]
const ways = after.flatMap((one) => [
  { way: `from ${before.name} to ${one.name}`, from: before, to: one },
  { way: `from ${one.name} to ${before.name}`, from: one, to: before }
])

describe.each(ways)('$way', ({ from, to }) => {
  test.each(Object.entries(kinds))('people stay logged in, with %s', async (_, options) => {
    const [old, fresh] = await both(from, to, options)
    await old.post('/login')
    const { cookie } = old
    fresh.cookie = old.cookie
    expect(await fresh.json('/me')).toEqual(user)
    expect(fresh.cookie).toBe(cookie)
    expect(await fresh.json('/count')).toBe(1)
    expect(await fresh.json('/count')).toBe(2)
    expect(fresh.id).toBe(old.id)
  })

  test.each(Object.entries(kinds))('while both are running, with %s', async (_, options) => {
    const [old, fresh] = await both(from, to, options)
    await old.post('/login')
    fresh.cookie = old.cookie
    for (const n of [1, 3, 5]) {
      expect(await fresh.json('/count')).toBe(n)
      old.cookie = fresh.cookie
      expect(await old.json('/count')).toBe(n + 1)
      fresh.cookie = old.cookie
    }
    expect(await old.json('/keys')).toEqual(keysSeenBy(from, to))
    expect(await fresh.json('/keys')).toEqual(keysSeenBy(to, from))
  })

  test('a logout is one for both', async () => {
    const [old, fresh] = await both(from, to)
    await old.post('/login')
    fresh.cookie = old.cookie
    await fresh.post('/logout')
    expect(await old.json('/me')).toBeNull()
    expect(await fresh.json('/me')).toBeNull()
  })

  test('a new login is one for both, and the id before it is worth nothing', async () => {
    const [old, fresh] = await both(from, to)
    await old.post('/login')
    fresh.cookie = old.cookie
    await fresh.post('/regenerate')
    expect(fresh.id).not.toBe(old.id)
    expect(await old.json('/me')).toBeNull()
    old.cookie = fresh.cookie
    expect(await old.json('/me')).toEqual(user)
  })

  test('a session with a life of its own keeps it', async () => {
    const [old, fresh] = await both(from, to, { cookie: { maxAge: 60_000 } })
    await old.post('/remember')
    fresh.cookie = old.cookie
    expect(await fresh.json('/life')).toBeGreaterThan(3_500_000)
    expect(await redis.nodeRedis.pTTL(`sess:${fresh.id}`)).toBeGreaterThan(3_500_000)
    const { setCookies } = await fresh.get('/count')
    expect(endOf(setCookies)).toBeGreaterThan(3_500_000)
  })

  test('a session that was long in use is taken over, although the date in its text has passed', async () => {
    const [old, fresh] = await both(from, to, { cookie: { maxAge: 60_000 } })
    await old.post('/login')
    const key = `sess:${old.id}`
    const stored = JSON.parse((await redis.nodeRedis.get(key))!) as { cookie: { expires: string } }
    stored.cookie.expires = new Date(Date.now() - 1000).toISOString()
    await redis.nodeRedis.set(key, JSON.stringify(stored), { expiration: { type: 'EX', value: 60 } })
    fresh.cookie = old.cookie
    expect(await fresh.json('/me')).toEqual(user)
  })

  test('a cookie that another secret signed is worth nothing', async () => {
    const [old, fresh] = await both(from, to)
    await old.post('/login')
    fresh.cookie = old.cookie.replace(/.{6}$/, 'AAAAAA')
    expect(await fresh.json('/me')).toBeNull()
  })
})

function both(from: Side, to: Side, options: object = {}): Promise<[Browser, Browser]> {
  const open = (side: Side): Promise<Browser> => Browser.open(application(side, options))
  return Promise.all([open(from), open(to)])
}

/** To express-session, what our RedisStore notes beside the data is a key as any other. */
function keysSeenBy(side: Side, other: Side): string[] {
  return [...(side === before && other.name.endsWith('RedisStore') ? ['@'] : []), 'count', 'user']
}

function application({ session, store }: Side, options: object): Express {
  const app = express()
  app.use(session({ secret, resave: false, saveUninitialized: false, ...options, store: store() }))
  addPages(app, user)
  app.post('/remember', (req, res) => {
    sessionOf(req).cookie.maxAge = 3_600_000
    sessionOf(req).user = user
    res.end()
  })
  app.post('/regenerate', (req, res) => {
    sessionOf(req).regenerate(() => {
      sessionOf(req).user = user
      res.end()
    })
  })
  app.get('/me', (req, res) => void res.json(sessionOf(req).user ?? null))
  app.get('/life', (req, res) => void res.json(sessionOf(req).cookie.originalMaxAge))
  app.get('/keys', (req, res) => {
    const keys = Object.keys(sessionOf(req)).filter((key) => key !== 'cookie')
    res.json(keys.sort())
  })
  return app
}

describe.each([before, ...after])('from $name to the main entry', (from) => {
  const strong = 'the secret of step two, of 32 bytes or more'
  const main = (): Express => {
    const store = new RedisStore(redis.nodeRedis, { prefix: 'sess:' })
    const app = express()
    app.use(holdfast({ name: 'connect.sid', secret: [strong, secret], store }))
    app.get('/me', (req, res) => void res.json(sessionOf(req as never).user ?? null))
    app.get('/change', (req, res) => void res.json((sessionOf(req as never).changed = true)))
    return app
  }

  test('people stay logged in, and the way back is for those alone whose session was not changed', async () => {
    const options = { resave: false, saveUninitialized: false, secret: [strong, secret] }
    const old = await Browser.open(application(from, options))
    const fresh = await Browser.open(main())
    await old.post('/login')
    const { cookie, id } = old
    const reader = old.stranger()
    await reader.post('/login')
    fresh.cookie = old.cookie
    expect(await fresh.json('/me')).toEqual(user)
    expect(fresh.cookie).toBe(cookie)
    await fresh.json('/change')
    expect([fresh.id, fresh.cookie === cookie]).toEqual([id, false])
    expect(await fresh.json('/me')).toEqual(user)

    old.cookie = fresh.cookie
    expect(await old.json('/me')).toBeNull()
    expect(await redis.nodeRedis.exists(`sess:${id}`)).toBe(1)

    const fromReader = fresh.stranger()
    fromReader.cookie = reader.cookie
    expect(await fromReader.json('/me')).toEqual(user)
    reader.cookie = fromReader.cookie
    expect(await reader.json('/me')).toEqual(user)
  })
})
