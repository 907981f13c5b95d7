import { Cluster } from 'ioredis'
import session from '../../lib'
import { createHandle } from '../../lib/repository/record'
import { RecordRepository } from '../../lib/repository/record-repository'
import { RedisStore } from '../../lib/redis'
import { commandsDuring } from '../stores/redis/helpers'
import { type RedisCluster, startCluster } from '../support/redis-cluster'
import { atEnd } from '../support/serve'
import { draft, limits, patient } from '../support/repository'
import { type Bag, secret } from '../support/site'
import { isLong } from '../support/long'

const LIFETIME = 3_600_000
/** `npm run test:long` has ten thousand sessions. */
const USERS = isLong ? 1000 : 200
const EACH = 10

let cluster: RedisCluster
let client: Cluster
let store: RedisStore

beforeAll(async () => {
  cluster = atEnd(await startCluster(), (it) => it.stop())
  const options = { enableOfflineQueue: false, redisOptions: { maxRetriesPerRequest: 0 } }
  client = new Cluster([{ host: '127.0.0.1', port: cluster.nodes[0]!.port }], options)
  atEnd(client, (it) => it.disconnect())
  store = new RedisStore(client)
  await new Promise((resolve) => client.once('ready', resolve))
}, 90_000)

/** The commands about sessions that all nodes get while `run` runs. */
async function commandsOfAll(run: () => Promise<unknown>): Promise<string[][]> {
  const seen: string[][] = []
  const nested = cluster.nodes.reduce(
    (inner, node) => async () => void seen.push(...(await commandsDuring(node, inner))),
    run
  )
  await nested()
  return seen
}

test('log out everywhere ends all sessions of one user of many, by a number of commands that depends on these alone', async () => {
  const user = (s: object) => (s as Bag).userinfo as string | undefined
  const sessions = session({ secret, store, user, timeout: 30_000 })
  const repository = new RecordRepository(store, limits, 30_000, undefined, LIFETIME)
  const login = (name: string, id: string) =>
    repository.commit(
      id,
      null,
      () => draft({ userinfo: name }, { user: name, handle: createHandle(), ttl: LIFETIME }),
      patient()
    )
  /** All sessions of so many users, the next when one is stored: logins are not all sent at once. */
  const loginAll = async (users: string[], each: number) => {
    const waiting = users
      .flatMap((name) => Array.from({ length: each }, (_, i) => [name, `${name}-${i}`] as const))
      .values()
    const worker = async () => {
      for (const [name, id] of waiting) await login(name, id)
    }
    await Promise.all(Array.from({ length: 50 }, worker))
  }
  const everywhere = async (name: string) => {
    let ended = 0
    const commands = await commandsOfAll(async () => {
      ended = await sessions.destroy(name)
      // Nobody waits for what is taken out of the index. What stays there is the mark, !at and !until.
      while ((await client.zcard(`SESSION:user:${name}`)) > 2);
    })
    return [ended, commands.length]
  }

  // Afterwards each node knows the scripts: the first time costs one command more.
  const first = Array.from({ length: 30 }, (_, i) => `first${i}`)
  await loginAll(first, EACH)
  for (const name of first) expect(await sessions.destroy(name)).toBe(EACH)

  // Reading and marking the index, and three commands for each: read, remove, take out of the index.
  const cost = 1 + 3 * EACH
  await loginAll(['alone'], EACH)
  await loginAll(['many'], 10 * EACH)
  expect(await everywhere('alone')).toEqual([EACH, cost])
  expect(await everywhere('many')).toEqual([10 * EACH, 1 + 3 * 10 * EACH])

  const users = Array.from({ length: USERS }, (_, i) => `user${i}`)
  await loginAll(users, EACH)
  const keys = () => Promise.all(client.nodes('master').map((node) => node.dbsize()))
  const total = async () => (await keys()).reduce((sum, one) => sum + one, 0)
  const before = await total()
  expect(before).toBeGreaterThanOrEqual(USERS * EACH)
  expect((await sessions.list('user100')).length).toBe(EACH)

  expect(await everywhere('user100')).toEqual([EACH, cost])

  expect(await sessions.list('user100')).toEqual([])
  for (let i = 0; i < EACH; i++) expect(await store.get(`user100-${i}`)).toBeNull()
  const others = users.filter((name) => name !== 'user100')
  const left = await Promise.all(
    others.flatMap((name) => Array.from({ length: EACH }, (_, i) => store.get(`${name}-${i}`)))
  )
  expect(left.filter((text) => text === null).length).toBe(0)
  // Of the user nothing is left but the mark, for an hour.
  expect(await total()).toBe(before - EACH)
}, 300_000)
