import Redis from 'ioredis'
import { RedisStore } from '../../lib/stores/redis/redis-store'
import { type RedisOptions, type RedisServer, startRedis } from '../support/redis-server'
import { atEnd } from '../support/serve'
import { App } from './support/app'
import { eventually } from './support/eventually'
import { runFor } from './support/lag'
import { REQUESTS } from './support/rig'
import { Traces } from './support/traces'
import { byStatus, late, load, needsStore, Witness } from './support/witness'

const NAME = 'sessions'

let servers: RedisServer[]
let sentinels: RedisServer[]

beforeEach(async () => {
  const start = async (options?: RedisOptions) => atEnd(await startRedis(options), (it) => it.stop())
  const primary = await start()
  const replica = await start({ args: ['--replicaof', primary.host, `${primary.port}`] })
  servers = [primary, replica]
  const sentinel = [
    `sentinel monitor ${NAME} ${primary.host} ${primary.port} 2`,
    `sentinel down-after-milliseconds ${NAME} 1000`,
    `sentinel failover-timeout ${NAME} 10000`
  ]
  sentinels = await Promise.all([1, 2, 3].map(() => start({ sentinel })))
  await Promise.all(sentinels.map(({ url }) => says(url, /slaves=1,sentinels=3/)))
  await says(primary.url, /state=online/)
})

describe.each([
  ['dies', (primary: RedisServer) => primary.kill(), async () => undefined],
  [
    'stops answering, and comes back later',
    async (primary: RedisServer) => primary.pause(),
    async (primary: RedisServer) => primary.resume()
  ]
])('the primary %s', (_, lose, comeBack) => {
  test('Sentinel makes the replica a primary: 503 meanwhile, then on, and nothing acknowledged is lost', async () => {
    const nodes = sentinels.map(({ host, port }) => ({ host, port }))
    const store = atEnd(RedisStore.connect({ sentinels: nodes, name: NAME }), (it) => it.close())
    const app = atEnd(await App.open(store), (it) => it.stop())
    const visitors = Array.from({ length: 10 }, () => new Witness(() => app.port))
    const [primary, replica] = servers as [RedisServer, RedisServer]
    await says(primary.url, /role:master/)
    for (const visitor of visitors) expect((await visitor.ask('/login')).status).toBe(200)
    const traces = new Traces(store.client, app)
    const before = await load(visitors, REQUESTS / 4, 500)
    expect(byStatus(before)).toEqual({ 200: before.length })
    await runFor(500)

    await lose(primary)
    const lostAt = performance.now()
    const during = await load(visitors, REQUESTS / 2, 2000)
    expect(late(during)).toEqual([])
    const soon = during.filter((one) => needsStore(one) && one.ended < lostAt + 900)
    expect(byStatus(soon)).toEqual(soon.length ? { 503: soon.length } : {})
    for (const visitor of visitors) {
      await eventually(async () => (await visitor.ask('/read')).status === 200)
    }
    const unavailableMs = Math.round(performance.now() - lostAt)
    process.stdout.write(`${JSON.stringify({ measured: 'Sentinel failover', unavailableMs })}\n`)
    const between = await load(visitors, REQUESTS / 4, 500)
    expect(byStatus(between)).toEqual({ 200: between.length })

    await comeBack(primary)
    await runFor(2000)
    const after = await load(visitors, REQUESTS / 4, 1000)
    expect(byStatus(after)).toEqual({ 200: after.length })
    const redis = new Redis(replica.url)
    for (const visitor of visitors)
      expect(visitor.complaints(await redis.get(`SESSION:${visitor.id}`))).toEqual([])
    redis.disconnect()
    expect(await traces.left()).toEqual([])
  })
})

/** Waits until a server says so in its INFO. */
async function says(url: string, line: RegExp): Promise<void> {
  const redis = new Redis(url)
  await eventually(async () => line.test(await redis.info()), 50)
  redis.disconnect()
}
