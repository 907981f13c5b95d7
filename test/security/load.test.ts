import { Agent } from 'node:http'
import session, { MemoryStore } from '../../lib'
import { RedisStore } from '../../lib/redis'
import { CountingStore } from '../support/counting-store'
import { openRedis } from '../support/redis'
import { send } from '../support/send'
import { atEnd, serve } from '../support/serve'
import { portOf } from '../support/server'
import { secret, Site, type Bag } from '../support/site'
import { isLong } from '../support/long'

/** `npm run test:long` sends ten times as many. */
const REQUESTS = isLong ? 10_000 : 1000

const redis = openRedis()

describe('load', () => {
  it(`anonymous traffic stores nothing: of ${REQUESTS} requests without a cookie or with forged ones Redis sees none`, async () => {
    const { client } = redis
    const agent = atEnd(new Agent({ keepAlive: true, maxSockets: 20 }), (it) => it.destroy())
    const eager = session({ secret, store: new RedisStore(client) })
    const lazy = session({ secret, store: new RedisStore(client), load: 'lazy' })
    const server = await serve((req, res) => {
      const middleware = req.url === '/lazy' ? lazy : eager
      middleware(req, res, (error) => {
        const { session: s } = req as unknown as { session: Bag }
        s.load().then(
          (loaded) => res.end(error ? 'error' : String(loaded.isNew)),
          () => res.end('error')
        )
      })
    })
    const processed = async () =>
      Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))![1])
    const before = await processed()

    const forged = [
      undefined,
      'sid=x',
      `sid=s%3Aabc.${'A'.repeat(43)}`,
      'sid=',
      `sid=s%3A${'a'.repeat(43)}.short`
    ]
    let anonymous = 0
    const one = async (i: number) => {
      const cookie = forged[i % forged.length]
      const headers = cookie ? { cookie } : {}
      const { text, setCookies } = await send(portOf(server), i % 2 ? '/lazy' : '/', { agent, headers })
      if (text === 'true' && setCookies.length === 0) anonymous++
    }
    let next = 0
    const worker = async () => {
      while (next < REQUESTS) await one(next++)
    }
    await Promise.all(Array.from({ length: 20 }, worker))

    expect(anonymous).toBe(REQUESTS)
    // Only what asks for the number is counted.
    expect((await processed()) - before).toBe(1)
    expect(await client.dbsize()).toBe(0)
  })

  it('a session has limits in size and in depth, when it is written and when it is read', async () => {
    const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown
    const site = await Site.open()
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.text = 'x'.repeat(2 ** 20 - 200)))
    expect((await visitor.visit((s) => void (s.more = 'x'.repeat(200)))).status).toBe(500)
    expect((await visitor.visit((s) => void (s.text = '汉'.repeat(2 ** 20 / 3)))).status).toBe(500)
    expect((await visitor.visit((s) => void (s.deep = nested(100)))).status).toBe(500)
    expect(
      await visitor
        .visit((s) => s.update((draft) => void (draft.deep = nested(100))))
        .then(({ status }) => status)
    ).toBe(500)
    expect(site.errors.map(({ code }) => code)).toEqual(Array(4).fill('ERR_SESSION_DATA'))
    await visitor.ask((s) => {
      delete s.text
      s.deep = nested(99)
    })

    for (const text of [
      `{"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      `{"deep":${'{"a":'.repeat(100)}1${'}'.repeat(100)}}`,
      JSON.stringify({ text: 'x'.repeat(2 ** 20) })
    ]) {
      await site.store.inner.destroy(visitor.id)
      await site.store.inner.set(visitor.id, text, 60_000, null)
      expect(await visitor.ask((s) => s.isNew)).toBe(true)
    }
  })

  it('the memory store has a maximum in bytes, whatever is put into it', async () => {
    const inner = new MemoryStore({ maxBytes: 100_000 })
    const site = await Site.open({ store: new CountingStore(inner) })
    for (let i = 0; i < 200; i++) await site.visitor().ask((s) => void (s.text = 'x'.repeat(1000)))
    expect(inner.bytes).toBeLessThanOrEqual(100_000)
    expect(inner.size).toBeGreaterThan(50)
    expect(inner.size).toBeLessThan(100)
  })
})
