import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Redis, { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import session from '../../lib'
import { RedisStore } from '../../lib/redis'
import { begin } from '../races/support/visit'
import { soon } from '../stores/redis/helpers'
import { hearWarnings } from '../support/hold-listeners'
import { startCluster } from '../support/redis-cluster'
import { type RedisServer, startRedis } from '../support/redis-server'
import { atEnd } from '../support/serve'
import { secret } from '../support/site'

const folder = join(__dirname, '../../docs')
const documents = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => readFileSync(join(folder, name), 'utf8'))
/** The rights that the documents name, the same wherever they do. */
const rights = [...new Set(documents.join('\n').match(/(?<=^ACL SETUSER web )[^`]*/gm))]

const grant = async (server: RedisServer, list: string) => {
  const admin = new Redis(server.url)
  await admin.call('ACL', 'SETUSER', 'web', 'reset', ...list.trim().split(/\s+/))
  admin.disconnect()
}

test('the rights that the documents name are enough on a cluster, too', async () => {
  expect(rights).toHaveLength(1)
  const cluster = atEnd(await startCluster(), (one) => one.stop())
  for (const node of cluster.nodes) await grant(node, rights[0]!)
  const user = { username: 'web', password: 'password' }
  const { port, url } = cluster.nodes[0]!
  const ioredis = new Cluster([{ host: '127.0.0.1', port }], {
    enableOfflineQueue: false,
    redisOptions: { ...user, maxRetriesPerRequest: 0 }
  })
  ioredis.on('error', () => undefined)
  atEnd(ioredis, (one) => one.disconnect())
  const nodeRedis = createCluster({ rootNodes: [{ url }], defaults: user })
  nodeRedis.on('error', () => undefined)
  atEnd(nodeRedis, (one) => one.destroy())
  await soon(
    Promise.all([new Promise((resolve) => ioredis.once('ready', resolve)), nodeRedis.connect()]),
    10_000
  )
  for (const client of [ioredis, nodeRedis]) {
    const store = atEnd(new RedisStore(client as Cluster), (one) => one.close())
    const { visitor } = await begin(store, { n: 1 })
    const sessions = session({ secret, store })
    const own = await sessions.open({ headers: { cookie: `sid=${visitor.cookie}` } })
    const ended = new Promise<void>((resolve) => void sessions.onDestroy(own!, resolve))
    await visitor.ask((s) => s.destroy())
    await soon(ended, 10_000)
  }
}, 120_000)

test.each([
  ['PUBLISH', '-publish'],
  ['SUBSCRIBE', '-subscribe'],
  ['PUBLISH and SUBSCRIBE', '-publish -subscribe'],
  ['the channel', 'resetchannels']
])(
  'without the right to %s, an end in the same process is heard, and the missing right is told once',
  async (_name, taken) => {
    const server = atEnd(await startRedis(), (one) => one.stop())
    await grant(server, `${rights[0]!} ${taken}`)
    const { warnings, end } = hearWarnings()
    atEnd(end, (stop) => stop())
    const store = RedisStore.connect({ port: server.port, username: 'web', password: 'password' })
    atEnd(store, (one) => one.close())
    const { visitor } = await begin(store, { n: 1 })
    const sessions = session({ secret, store })
    for (let i = 0; i < 2; i++) {
      const other = visitor.clone()
      await other.ask(async (s) => void ((await s.regenerate()).n = 1))
      const own = await sessions.open({ headers: { cookie: `sid=${other.cookie}` } })
      const ended = new Promise<void>((resolve) => void sessions.onDestroy(own!, resolve))
      // It listens by then, where it may: an end before that is found without a message.
      await delay(300)
      await other.ask((s) => s.destroy())
      await soon(ended, 10_000)
    }
    const told = () =>
      warnings.filter(
        (one) =>
          String((one as { code?: unknown }).code).startsWith('HOLDFAST') &&
          /publish|subscribe/i.test(one.message)
      )
    for (let i = 0; i < 2000 && told().length === 0; i++) await delay(10)
    // Once for each right.
    expect(new Set(told().map(String)).size).toBe(told().length)
    expect(told().length).toBeGreaterThan(0)
  }
)
