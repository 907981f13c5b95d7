import { inspect } from 'node:util'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { openRedis } from '../../support/redis'
import { commandsDuring } from './helpers'

const MINUTE = 60_000

const redis = openRedis()
let store: RedisStore
beforeAll(() => void (store = new RedisStore(redis.client, { prefix: 'app:' })))
beforeEach(() => redis.client.flushall())

const ids = async (user: string): Promise<string[]> => (await store.index.list(user)).map(({ id }) => id)

test('a sorted set for each user, under a name that no session id can have', async () => {
  await store.index.add('测试 {x}', 'id', MINUTE)
  expect(await redis.client.keys('*')).toEqual(['app:user:测试 {x}'])
  expect(await redis.client.zrange('app:user:测试 {x}', '0', '-1')).toEqual(['id'])
})

test('lives as long as the longest that was asked for, and goes with its last id', async () => {
  const life = () => redis.client.pttl('app:user:U')
  await store.index.add('U', 'a', 10 * MINUTE)
  expect(await life()).toBeGreaterThan(9 * MINUTE)
  await store.index.add('U', 'b', MINUTE)
  expect(await life()).toBeGreaterThan(9 * MINUTE)
  await store.index.add('U', 'c', 20 * MINUTE)
  expect(await life()).toBeGreaterThan(19 * MINUTE)
  for (const entry of await store.index.list('U')) await store.index.remove('U', entry)
  expect(await redis.client.exists('app:user:U')).toBe(0)
})

test('lives on with a mark alone, for no longer than that', async () => {
  await store.index.add('U', 'a', 20 * MINUTE)
  await store.index.end('U', MINUTE, 5)
  expect(await redis.client.pttl('app:user:U')).toBeGreaterThan(19 * MINUTE)
  const [entry] = await store.index.list('U')
  await store.index.remove('U', entry!)
  expect(await ids('U')).toEqual([])
  expect(await redis.client.zrange('app:user:U', '0', '-1')).toEqual(['!except', '!until', '!at'])
  expect(await redis.client.pttl('app:user:U')).toBeLessThanOrEqual(MINUTE)
  expect(await store.index.ended('U')).toMatchObject({ except: 5 })
})

test('a mark lives for its own time, if that is the longest that was asked for', async () => {
  await store.index.add('U', 'a', MINUTE)
  await store.index.end('U', 10 * MINUTE)
  expect(await redis.client.pttl('app:user:U')).toBeGreaterThan(9 * MINUTE)
})

test('a mark whose time is over goes with the next write', async () => {
  await store.index.end('U', 10 * MINUTE)
  await redis.client.zadd('app:user:U', Date.now() - 1, '!until')
  expect(await store.index.ended('U')).toBeNull()
  const { noted } = await store.index.add('U', 'a', MINUTE)
  expect(await redis.client.zrange('app:user:U', '0', '-1')).toEqual(['a'])
  await store.index.remove('U', { id: 'a', noted })
  expect(await redis.client.exists('app:user:U')).toBe(0)
})

test('each call is one command, on one key', async () => {
  const call = async () => {
    await store.index.add('U', 'a', MINUTE)
    const [entry] = await store.index.list('U')
    await store.index.renew('U', entry!)
    await store.index.remove('U', (await store.index.list('U'))[0]!)
    await store.index.end('U', MINUTE)
    await store.index.ended('U')
  }
  await call()
  const commands = await commandsDuring(redis.server, call)
  expect(commands.map(([name, , keys, key]) => [name, keys, key])).toEqual(
    Array(7).fill(['evalsha', '1', 'app:user:U'])
  )
})

test('works on after the server has forgotten its scripts', async () => {
  await store.index.add('U', 'a', MINUTE)
  await redis.client.script('FLUSH')
  await store.index.add('U', 'b', MINUTE)
  await redis.client.script('FLUSH')
  expect(await ids('U')).toEqual(['a', 'b'])
})

test('a clock that is put back makes no noting look like one before', async () => {
  await store.index.add('U', 'a', MINUTE)
  const future = (Date.now() + 3_600_000) * 1000
  await redis.client.zadd('app:user:U', future, 'a')
  const noted = async () => (await store.index.list('U'))[0]!
  const before = await noted()
  expect([before.noted, before.age]).toEqual([future, 0])
  await store.index.add('U', 'a', MINUTE)
  const again = await noted()
  expect(again.noted).toBeGreaterThan(before.noted)
  await store.index.renew('U', again)
  expect((await noted()).noted).toBeGreaterThan(again.noted)
})

test('a key that holds something else is an error that names no user', async () => {
  await redis.client.set('app:user:SeCrEt', 'a text')
  for (const call of [
    store.index.add('SeCrEt', 'a', MINUTE),
    store.index.list('SeCrEt'),
    store.index.end('SeCrEt', MINUTE),
    store.index.ended('SeCrEt')
  ]) {
    const error: unknown = await call.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(inspect(error, { depth: null })).not.toContain('SeCrEt')
  }
})
