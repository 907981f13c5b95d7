import { RedisStore as ConnectRedis } from 'connect-redis'
import ours from '../../lib/express-session'
import { RedisStore } from '../../lib/redis'
import { Site, type Handler } from '../express-session/support/both'
import { openRedis } from '../support/redis'
import { rounds } from './support/stops'
import { isLong } from '../support/long'

/** Pairs of requests; `npm run test:long` asks for a thousand. */
const PAIRS = isLong ? 1000 : 20
const AT_ONCE = 10

const redis = openRedis({ nodeRedis: true })

/** How often of so many times a session was there again after its end was answered with 200, although nobody made it anew. */
async function undone(path: string, writers: number, latency: number): Promise<number> {
  const store = new ConnectRedis({ client: redis.nodeRedis })
  const get = store.get.bind(store)
  if (latency > 0)
    store.get = (id, done) => get(id, (...answer) => setTimeout(() => done?.(...answer), latency))
  let writes = 0
  const site = await Site.of(ours, { store }, (req, res) => {
    if (req.url === '/write') req.session.n = ++writes
    else if (req.url === '/login') req.session.user = 'ann'
    else {
      return void req.session[req.url!.slice(1) as 'destroy']((error) => {
        res.statusCode = error ? 500 : 200
        res.end()
      })
    }
    res.end()
  })
  let count = 0
  for (let round = 0; round < rounds(10); round++) {
    site.cookies.clear()
    await site.get('/login')
    const { id } = site
    // An answer may take the cookie away while others are not sent yet.
    const { headers } = site.cookies
    const written = Array.from({ length: writers }, () => site.get('/write', headers))
    const [end] = await Promise.all([site.get(path, headers), ...written])
    expect(end.status).toBe(200)
    if (await redis.nodeRedis.exists(`sess:${id}`)) count++
  }
  return count
}

describe.each(['/destroy', '/regenerate'])(
  '%s that is sent together with writes, over connect-redis',
  (path) => {
    test.each([
      [1, 0],
      [4, 0],
      [1, 5],
      [4, 5]
    ])('is never undone, %i writing, reads that take %i ms longer', async (writers, latency) => {
      expect(await undone(path, writers, latency)).toBe(0)
    })
  }
)

const others: Record<string, Handler> = {
  '/regenerate': ({ session }, res) => session.regenerate(() => res.end()),
  '/write': ({ session }, res) => {
    session.n = 1
    res.end()
  },
  '/save': async ({ session }, res) => {
    session.n = 1
    await session.save()
    res.end()
  }
}

describe.each<[string, () => object]>([
  ['connect-redis', () => new ConnectRedis({ client: redis.nodeRedis })],
  ['our RedisStore', () => new RedisStore(redis.nodeRedis)]
])('on %s', (_store, open) => {
  test.each(Object.keys(others))('no logout is undone by %s at the same time', async (path) => {
    const site = await Site.of(ours, { store: open() }, async (req, res) => {
      const { url, session } = req
      if (others[url!]) return others[url!]!(req, res)
      if (url === '/logout') await session.destroy()
      else if (url === '/login') session.user = 'ann'
      res.end(JSON.stringify(session.user ?? null))
    })
    const visit = async (url: string, cookie?: string) => {
      const answer = await site.get(url, { cookie: cookie ?? '' })
      return { ...answer, cookie: answer.setCookies[0]?.split(';')[0] }
    }
    for (let round = 0; round < PAIRS / AT_ONCE; round++) {
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          const { cookie } = await visit('/login')
          // Each comes first as often as the other.
          const urls = round % 2 === 0 ? ['/logout', path] : [path, '/logout']
          const answers = await Promise.all(urls.map((url) => visit(url, cookie)))
          const [logout, other] = round % 2 === 0 ? answers : answers.reverse()
          expect(logout!.status).toBe(200)
          expect([200, 409]).toContain(other!.status)
          for (const left of [cookie, other!.cookie]) expect((await visit('/who', left)).text).toBe('null')
        })
      )
    }
  })
})

test('a session that the application ends by the store itself, while a write is on its way, stays ended', async () => {
  const store = new ConnectRedis({ client: redis.nodeRedis })
  const get = store.get.bind(store)
  let asked: (() => void) | undefined
  store.get = (id, done) =>
    get(id, (...answer) => {
      // Between the read of a commit and its write.
      asked?.()
      setTimeout(() => done?.(...answer), 2)
    })
  const site = await Site.of(ours, { store }, (req, res) => {
    req.session.n = req.url
    res.end()
  })
  let ends = 0
  for (let round = 0; round < 20; round++) {
    site.cookies.clear()
    await site.get('/login')
    const { id } = site
    let reads = 0
    const ended = new Promise<void>((resolve) => {
      // The first read is of the request, the second of its commit.
      asked = () => {
        if (++reads !== 2) return
        ends++
        resolve(store.destroy(id))
      }
    })
    await Promise.all([site.get('/write'), ended])
    asked = undefined
    expect(await redis.nodeRedis.exists(`sess:${id}`)).toBe(0)
  }
  expect(ends).toBe(20)
})
