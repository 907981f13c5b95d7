import { RedisStore as ConnectRedis } from 'connect-redis'
import { createClient } from 'redis'
import { both, Site, type Module } from '../express-session/support/both'
import { type RedisServer, startRedis } from '../support/redis-server'
import { rounds } from './support/stops'

let server: RedisServer
let client: ReturnType<typeof createClient>

beforeAll(async () => {
  server = await startRedis()
  client = createClient({ url: server.url })
  await client.connect()
})
afterAll(async () => {
  client.destroy()
  await server.stop()
})

/** How often of so many times a session was there again after its end was answered with 200, although nobody made it anew. */
async function undone(
  implementation: Module,
  path: string,
  writers: number,
  latency: number
): Promise<number> {
  const store = new ConnectRedis({ client })
  const get = store.get.bind(store)
  if (latency > 0)
    store.get = (id, done) => get(id, (...answer) => setTimeout(() => done?.(...answer), latency))
  let writes = 0
  const site = await Site.open(implementation, { store }, (req, res) => {
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
  for (let round = 0; round < rounds(30); round++) {
    site.cookie = undefined
    await site.get('/login')
    const { id, cookie } = site
    // An answer may take the cookie away while others are not sent yet.
    const headers = { cookie: cookie! }
    const written = Array.from({ length: writers }, () => site.get('/write', { headers }))
    const [end] = await Promise.all([site.get(path, { headers }), ...written])
    expect(end.status).toBe(200)
    if (await client.exists(`sess:${id}`)) count++
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
    ])(
      'is undone no more often than with express-session, %i writing, reads that take %i ms longer',
      async (writers, latency) => {
        const counts: Record<string, number> = {}
        for (const [name, implementation] of both)
          counts[name] = await undone(implementation, path, writers, latency)
        const { 'express-session': theirs, 'holdfast/express-session': ours } = counts
        expect(ours).toBe(0)
        expect(ours).toBeLessThanOrEqual(theirs!)
      }
    )
  }
)
