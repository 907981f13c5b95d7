import { RedisStore as ConnectRedis } from 'connect-redis'
import Redis from 'ioredis'
import ours from '../../lib/express-session'
import { RedisStore } from '../../lib/redis'
import { openRedis } from '../support/redis'
import { asked, both, cookieOf, kept, logIn, Site, type Bag, type StoreLike } from './support/both'

const [, real] = both[0]!
const redis = openRedis({ nodeRedis: true })

/** A process of its own has a store of its own. */
const open = (handler: Parameters<typeof Site.of>[2], options = {}) =>
  Site.of(ours, { store: new RedisStore(redis.client, { prefix: 'sess:' }), ...options }, handler)

async function recordOf(id: string): Promise<Record<string, unknown>> {
  return JSON.parse((await redis.client.get(`sess:${id}`)) ?? 'null') as Record<string, unknown>
}

test('our RedisStore: req.sessionStore has the methods of express-session', async () => {
  const site = await open(async (req, res) => {
    req.session.user = 'bob'
    await asked((done) => void req.session.save(done))
    const stored = await kept(req.sessionStore, req.sessionID)
    const loaded = await asked<Bag>((done) => req.sessionStore.load(req.sessionID, done))
    res.end(`${stored?.user as string} ${loaded?.user as string} ${typeof req.sessionStore.generate}`)
  })
  expect((await site.get()).text).toBe('bob bob function')
})

test('our RedisStore: a record always has a cookie, and lives as long as it', async () => {
  const site = await open(logIn, { cookie: { maxAge: 60_000 } })
  await site.get()
  expect(await recordOf(site.id)).toMatchObject({
    user: 'bob',
    cookie: { originalMaxAge: 60_000, path: '/' }
  })
  expect(await redis.client.pttl(`sess:${site.id}`)).toBeLessThanOrEqual(60_000)
  await redis.client.pexpire(`sess:${site.id}`, 30_000)
  await site.get()
  expect(await redis.client.pttl(`sess:${site.id}`)).toBeGreaterThan(30_000)
  const forDay = await open(logIn)
  await forDay.get()
  const life = await redis.client.pttl(`sess:${forDay.id}`)
  expect(life).toBeGreaterThan(86_000_000)
  expect(life).toBeLessThanOrEqual(86_400_000)
})

test('our RedisStore: processes that change different keys at once lose nothing', async () => {
  const handler: Parameters<typeof open>[0] = async (req, res) => {
    if (req.url !== '/') {
      if (++arrived === sites.length) all()
      await together
    }
    req.session[req.url!] = true
    res.end()
  }
  let arrived = 0
  let all!: () => void
  const together = new Promise<void>((resolve) => (all = resolve))
  const sites = await Promise.all(Array.from({ length: 8 }, () => open(handler)))
  await sites[0]!.get()
  for (const site of sites) site.cookie = sites[0]!.cookie
  await Promise.all(sites.map((site, i) => site.get(`/${i}`)))
  const { cookie: _cookie, '@': _meta, ...data } = await recordOf(sites[0]!.id)
  expect(Object.keys(data).sort()).toEqual(['/', ...sites.map((_, i) => `/${i}`)].sort())
})

test('our RedisStore: a logout in one process is not undone by another', async () => {
  const handler: Parameters<typeof open>[0] = async (req, res) => {
    if (req.url === '/logout') await asked((done) => void req.session.destroy(done))
    else if (req.url === '/slow') {
      await other.get('/logout')
      req.session.slow = true
    } else req.session.user = 'bob'
    res.end()
  }
  const [site, other] = [await open(handler), await open(handler)]
  await site.get()
  const { id } = site
  other.cookie = site.cookie
  const answer = await site.get('/slow')
  expect([answer.status, answer.setCookies]).toEqual([409, []])
  expect(await recordOf(id)).toBeNull()
})

test('our RedisStore: who writes in its place is not overwritten, and goes on', async () => {
  const handler: Parameters<typeof open>[0] = (req, res) => {
    req.session[req.url!] = ((req.session[req.url!] as number | undefined) ?? 0) + 1
    const { cookie: _cookie, '@': _meta, ...data } = req.session
    res.end(JSON.stringify(data))
  }
  const site = await open(handler)
  const theirs = await Site.of(real, { store: new ConnectRedis({ client: redis.nodeRedis }) }, handler)
  await site.get('/ours')
  theirs.cookie = site.cookie
  expect(JSON.parse((await theirs.get('/theirs')).text)).toEqual({ '/ours': 1, '/theirs': 1 })
  const answer = await site.get('/ours')
  expect(JSON.parse(answer.text)).toEqual({ '/ours': 2, '/theirs': 1 })
  expect(cookieOf(answer)).toBeUndefined()
  expect(JSON.parse((await theirs.get('/theirs')).text)).toEqual({ '/ours': 2, '/theirs': 2 })
})

test('our RedisStore: while it is down the answer is 503', async () => {
  const down = new Redis(redis.url, { lazyConnect: true, enableOfflineQueue: false })
  down.disconnect()
  const site = await Site.of(ours, { store: new RedisStore(down, { prefix: 'sess:' }) }, logIn)
  const written = await site.get()
  expect([written.status, written.setCookies]).toEqual([503, []])
  const other = await open(logIn)
  await other.get()
  site.cookie = other.cookie
  expect((await site.get()).status).toBe(503)
})

test('connect-redis: its methods are asked as express-session asks them', async () => {
  const store = new ConnectRedis({ client: redis.nodeRedis, prefix: 'theirs:' })
  const site = await Site.of(ours, { store }, logIn)
  await site.get()
  const stored = await kept(store as unknown as StoreLike, site.id)
  expect(stored).toMatchObject({ user: 'bob', cookie: { path: '/' } })
  expect(stored).not.toHaveProperty('@')
})
