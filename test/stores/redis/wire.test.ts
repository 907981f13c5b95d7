import { inspect } from 'node:util'
import Redis from 'ioredis'
import { createClient, createClientPool, createSentinel } from 'redis'
import { RedisStore, type RedisClient } from '../../../lib/stores/redis/redis-store'
import { openRedis } from '../../support/redis'
import { atEnd } from '../../support/serve'
import { commandsDuring, failure, SECRET_ID } from './helpers'

const MINUTE = 60_000

const redis = openRedis({ nodeRedis: true })
beforeEach(() => redis.client.flushall())

const clients: [name: string, make: () => RedisStore][] = [
  ['ioredis', () => new RedisStore(redis.client)],
  ['node-redis', () => new RedisStore(redis.nodeRedis)]
]

describe.each(clients)('on the wire, %s', (_, make) => {
  test('each call is one command about one key', async () => {
    const store = make()
    await store.set('warm', 'the scripts are known now', MINUTE, null)
    await store.destroy('warm')
    const commands = await commandsDuring(redis.server, async () => {
      await store.set('id', 'one', MINUTE, null)
      await store.set('id', 'two', MINUTE, 'one')
      await store.set('id', 'three', MINUTE, 'one')
      await store.get('id', MINUTE)
      await store.get('id')
      await store.touch('id', MINUTE)
      await store.destroy('id', 'three')
      await store.destroy('id')
      await store.life('id')
    })
    const message = expect.stringMatching(/^id:[\w-]+$/) as string
    const sha = expect.stringMatching(/^[0-9a-f]{40}$/) as string
    expect(commands.map(([name, ...args]) => [name!.toLowerCase(), ...args])).toEqual([
      ['evalsha', sha, '1', 'SESSION:id', 'one', '60000'],
      ['evalsha', sha, '1', 'SESSION:id', 'two', '60000', 'one'],
      ['evalsha', sha, '1', 'SESSION:id', 'three', '60000', 'one'],
      ['getex', 'SESSION:id', 'PX', '60000'],
      ['get', 'SESSION:id'],
      ['pexpire', 'SESSION:id', '60000'],
      ['evalsha', sha, '1', 'SESSION:id', 'SESSION:ended', message, 'three'],
      ['evalsha', sha, '1', 'SESSION:id', 'SESSION:ended', message],
      ['pttl', 'SESSION:id']
    ])
  })

  test('a ttl is whole when it is sent', async () => {
    const store = make()
    const commands = await commandsDuring(redis.server, async () => {
      await store.set('id', 'one', 59_999.01, null)
      await store.get('id', 59_999.01)
      await store.touch('id', 59_999.01)
    })
    expect(commands.filter((args) => args.includes('60000'))).toHaveLength(commands.length)
  })

  test('nothing is sent where the ttl is none', async () => {
    const store = make()
    const commands = await commandsDuring(redis.server, async () => {
      for (const ttl of [0, NaN, Infinity]) {
        await failure(store.set(SECRET_ID, 'one', ttl, null))
        await failure(store.get(SECRET_ID, ttl))
        await failure(store.touch(SECRET_ID, ttl))
      }
    })
    expect(commands).toEqual([])
  })

  test('nobody notices that the server has forgotten the script', async () => {
    const store = make()
    await store.set('id', 'one', MINUTE, null)
    await redis.client.script('FLUSH')
    expect(await store.set('id', 'two', MINUTE, 'one')).toEqual({ id: 'id' })
    await redis.client.script('FLUSH')
    expect(await store.set('id', 'three', MINUTE, 'one')).toEqual({ conflict: 'two' })
    await redis.client.script('FLUSH')
    expect(await store.destroy('id')).toBe(true)
    expect(await store.destroy('id')).toBe(false)
  })

  test('a key that holds no text is not a session, and is left alone', async () => {
    const store = make()
    await redis.client.lpush('SESSION:id', 'a', 'b')
    const text = await store.get('id', MINUTE)
    expect(await store.get('id')).toBe(text)
    expect(() => JSON.parse(text!) as unknown).toThrow()
    for (const expected of [null, 'mine', text]) {
      expect(await store.set('id', 'mine', MINUTE, expected)).toEqual({ conflict: text })
    }
    expect(await store.destroy('id', 'mine')).toEqual({ conflict: text })
    expect(await redis.client.lrange('SESSION:id', 0, -1)).toEqual(['b', 'a'])
    expect(await redis.client.pttl('SESSION:id')).toBe(-1)
  })

  test('bytes that are not UTF-8 are not a session, and are left alone', async () => {
    const store = make()
    const bytes = Buffer.from('{"name":"Gr\xfc\xdfe"}', 'latin1')
    await redis.client.set('SESSION:id', bytes)
    const text = await store.get('id')
    expect(() => JSON.parse(text!) as unknown).toThrow()
    expect(await store.set('id', 'mine', MINUTE, text)).toEqual({ conflict: text })
    expect(await redis.client.getBuffer('SESSION:id')).toEqual(bytes)
  })

  test('a text with the sign for what cannot be read is a session all the same', async () => {
    const store = make()
    await store.set('id', '{"a":"\ufffd"}', MINUTE, null)
    expect(await store.get('id')).toBe('{"a":"\ufffd"}')
    expect(await store.set('id', 'mine', MINUTE, 'other')).toEqual({ conflict: '{"a":"\ufffd"}' })
  })

  test('out of memory: nothing is written, and the rest goes on', async () => {
    const store = make()
    await store.set('id', 'one', MINUTE, null)
    await redis.client.config('SET', 'maxmemory', '1')
    atEnd(redis.client, (it) => it.config('SET', 'maxmemory', '0'))
    expect((await failure(store.set('id', 'two', MINUTE, 'one'))).message).toMatch(/OOM/)
    expect((await failure(store.set(SECRET_ID, 'new', MINUTE, null))).message).toMatch(/OOM/)
    expect(await store.set('id', 'two', MINUTE, 'other')).toEqual({ conflict: 'one' })
    expect(await store.destroy('id', 'other')).toEqual({ conflict: 'one' })
    expect(await store.get('id', 2 * MINUTE)).toBe('one')
    expect(await store.touch('id', MINUTE)).toBe(true)
    expect(await store.destroy('id')).toBe(true)
  })
})

test('one server keeps every session', () => {
  const store = new RedisStore(redis.client)
  expect(store.nodeOf('one')).toBe(store.nodeOf('two'))
})

describe('keys', () => {
  test('are SESSION:<id>, with the text as it is and its life', async () => {
    await new RedisStore(redis.client).set('id', '{"count":1}', MINUTE, null)
    expect(await redis.client.keys('*')).toEqual(['SESSION:id'])
    expect(await redis.client.get('SESSION:id')).toBe('{"count":1}')
    const life = await redis.client.pttl('SESSION:id')
    expect(life).toBeGreaterThan(0)
    expect(life).toBeLessThanOrEqual(MINUTE)
  })

  test('begin with the prefix that was asked for, and with that of ioredis', async () => {
    await new RedisStore(redis.client, { prefix: 'shop:{s}:' }).set('id', 'one', MINUTE, null)
    await new RedisStore(redis.nodeRedis, { prefix: '' }).set('id', 'two', MINUTE, null)
    const prefixed = redis.connect({ keyPrefix: 'app:' })
    const store = new RedisStore(prefixed)
    await store.set('id', 'three', MINUTE, null)
    expect(await store.get('id', MINUTE)).toBe('three')
    expect((await redis.client.keys('*')).sort()).toEqual(['app:SESSION:id', 'id', 'shop:{s}:id'])
  })
})

describe.each(['ioredis', 'node-redis'])('a server without a command, %s', (kind) => {
  const args = ['GETEX', 'PEXPIRE', 'EVALSHA'].flatMap((command) => ['--rename-command', command, ''])
  const poor = openRedis({ args, nodeRedis: kind === 'node-redis' })
  let client: RedisClient
  beforeAll(() => void (client = kind === 'ioredis' ? poor.client : poor.nodeRedis))

  test('is too old where it has no GETEX, and the error says so', async () => {
    const error = await failure(new RedisStore(client).get(SECRET_ID, MINUTE))
    expect(error.message).toMatch(/6\.2/)
    expect(error.message).toMatch(/Valkey/)
  })

  test('answers with the arguments, which are not passed on', async () => {
    const store = new RedisStore(client)
    for (const call of [
      store.touch(SECRET_ID, MINUTE),
      store.set(SECRET_ID, 'text', MINUTE, null),
      store.destroy(SECRET_ID)
    ]) {
      const { message, cause } = await failure(call)
      expect(message).toMatch(/^Redis: the server does not know (PEXPIRE|EVALSHA) \(unknown command\)/)
      expect(cause).toBeUndefined()
    }
  })
})

describe('a client that is not connected', () => {
  test('and was never asked to be: nothing is sent, and the error says so', async () => {
    const store = new RedisStore(createClient({ url: redis.url }))
    expect((await failure(store.get(SECRET_ID, MINUTE))).message).toMatch(
      /`await client\.connect\(\)` comes first/
    )
  })

  test('and never will be again: nothing is sent, and the error says so', async () => {
    const client = new Redis(redis.url)
    await client.quit()
    await failure(new RedisStore(client).get(SECRET_ID))
    expect((await failure(new RedisStore(client).get(SECRET_ID))).message).toMatch(/not ready \(end\)/)
  })
})

describe('a wrong client', () => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a URL', 'redis://localhost'],
    ['an object', {}],
    ['a class', Redis],
    ['a pool', createClientPool()],
    ['a sentinel', createSentinel({ name: 'x', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] })]
  ])('is an error at once: %s', (_, client) => {
    const make = (): RedisStore => new RedisStore(client as unknown as RedisClient)
    expect(make).toThrow(expect.objectContaining({ name: 'SessionError', code: 'ERR_SESSION_OPTIONS' }))
    expect(make).toThrow(/new RedisStore\(new Redis\(url\)\)/)
  })

  test('so is an option that is misspelt, before anything is connected', () => {
    for (const make of [
      () => new RedisStore(redis.client, { prefx: 'a:' } as object),
      () => RedisStore.connect(redis.url, { prefx: 'a:' } as object)
    ]) {
      expect(make).toThrow(expect.objectContaining({ code: 'ERR_SESSION_OPTIONS' }))
      expect(make).toThrow(/prefx, did you mean prefix\?/)
    }
  })

  test('so is a prefix that is no string', () => {
    expect(() => new RedisStore(redis.client, { prefix: 1 as unknown as string })).toThrow(/prefix/)
  })
})

test('nothing that prints a store shows the password of its connection', () => {
  const client = new Redis({ port: redis.server.port, password: 'a password', lazyConnect: true })
  const store = new RedisStore(client)
  expect(inspect({ store }, { depth: Infinity, showHidden: true })).not.toContain('a password')
  expect(JSON.stringify(store)).not.toContain('a password')
  expect(store.client).toBe(client)
  client.disconnect()
})
