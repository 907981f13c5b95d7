import Redis from 'ioredis'
import { isDeepStrictEqual } from 'node:util'
import { createClient } from 'redis'
import type { Ended } from '../../../lib'
import { RedisStore, type RedisClient } from '../../../lib/stores/redis/redis-store'
import { type Proxy, startProxy } from '../../support/proxy'
import { openRedis } from '../../support/redis'
import { startRedis } from '../../support/redis-server'
import { atEnd } from '../../support/serve'
import { until } from '../../support/site'
import { runAlone } from './child'
import { untilItWorks } from './helpers'

const MINUTE = 60_000
/** What a client needs to come back soon. */
const RETRY = { retryStrategy: () => 20, enableOfflineQueue: false, maxRetriesPerRequest: 0 }

const redis = openRedis()
let proxy: Proxy

beforeEach(async () => {
  proxy = atEnd(await startProxy(redis.server.port), (it) => it.stop())
})

const clients: [name: string, connect: () => Promise<RedisClient>][] = [
  ['ioredis', () => Promise.resolve(ioredis({}))],
  ['ioredis, lazily connected', () => Promise.resolve(ioredis({ lazyConnect: true }))],
  ['ioredis, with a prefix of its own', () => Promise.resolve(ioredis({ keyPrefix: 'app:' }))],
  [
    'ioredis, by a Sentinel',
    async () => {
      const monitor = `sentinel monitor one 127.0.0.1 ${proxy.port} 1`
      const { host, port } = atEnd(await startRedis({ sentinel: [monitor] }), (one) => one.stop())
      return ioredis({ sentinels: [{ host, port }], name: 'one', sentinelRetryStrategy: () => 20 })
    }
  ],
  [
    'node-redis',
    async () => {
      const socket = { reconnectStrategy: () => 20, socketTimeout: 500 }
      const client = createClient({ url: proxy.url, disableOfflineQueue: true, pingInterval: 100, socket })
      client.on('error', () => undefined)
      return atEnd(await client.connect(), () => client.destroy())
    }
  ]
]

function ioredis(options: object): Redis {
  const client = new Redis({ port: proxy.port, ...RETRY, ...options })
  client.on('error', () => undefined)
  return atEnd(client, () => client.disconnect())
}

/** Watches by a store with a client of its own, and resolves when it listens. */
async function listen(client: RedisClient) {
  const store = atEnd(new RedisStore(client), (one) => one.close())
  const heard: Ended[] = []
  const resumed = jest.fn()
  const stop = store.watch((ended) => heard.push(ended), resumed)
  await until(() => resumed.mock.calls.length === 1)
  return { store, heard, resumed, stop }
}

/** How many connections listen. */
async function listening(): Promise<number> {
  return (await redis.client.pubsub('NUMSUB', 'SESSION:ended'))[1] as number
}

describe.each(clients)('watch by %s', (_, connect) => {
  test('leaves no connection if it is stopped while it begins to listen', async () => {
    const client = await connect()
    const store = atEnd(new RedisStore(client), (one) => one.close())
    for (let turns = 0; turns < 20; turns++) {
      const stop = store.watch(
        () => undefined,
        () => undefined
      )
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
      stop()
    }
    const { stop } = await listen(client)
    stop()
    await until(async () => (await listening()) === 0)
  })

  test('hears of what another process destroys', async () => {
    const { store, heard } = await listen(await connect())
    const mover = new RedisStore(await connect())
    // On a starved machine a connection breaks, and nobody hears a message meanwhile.
    const hears = (message: object, end: () => Promise<unknown>) =>
      until(async () => {
        await untilItWorks(end)
        return heard.some((one) => isDeepStrictEqual(one, message))
      })
    const ends = (from: RedisStore, id: string) => async () => {
      await from.set(id, 'text', MINUTE, null)
      await from.destroy(id)
    }
    await redis.store.destroy('nothing')
    await hears({ id: 'one' }, ends(redis.store, 'one'))
    await hears({ id: 'two', successor: 'three' }, () => mover.notify({ id: 'two', successor: 'three' }))
    await hears({ id: 'own' }, ends(store, 'own'))
    expect(heard).not.toContainEqual({ id: 'nothing' })
  })

  test('says when it listens again, as it may have missed something', async () => {
    const { store, heard, resumed } = await listen(await connect())
    await redis.store.set('missed', 'text', MINUTE, null)
    await redis.store.set('heard', 'text', MINUTE, null)
    proxy.cut()
    await redis.store.destroy('missed')
    await until(() => resumed.mock.calls.length === 2)
    await redis.store.destroy('heard')
    await until(() => heard.some(({ id }) => id === 'heard'))
    expect(heard.map(({ id }) => id)).not.toContain('missed')
    expect(await untilItWorks(() => store.life('missed'))).toBeNull()
  })

  test('leaves no connection behind, when the last stops and when the store is closed', async () => {
    const { store, stop } = await listen(await connect())
    const more = store.watch(
      () => undefined,
      () => undefined
    )
    stop()
    stop()
    expect(await listening()).toBe(1)
    more()
    await until(async () => (await listening()) === 0)

    const resumed = jest.fn()
    store.watch(() => undefined, resumed)
    await until(() => resumed.mock.calls.length === 1)
    await store.close()
    await until(async () => (await listening()) === 0)
    // One that is closed on its way.
    store.watch(() => undefined, resumed)
    await store.close()
    await until(async () => (await listening()) === 0)
    expect(resumed).toHaveBeenCalledTimes(1)
  })
})

test('a server that comes back is listened to, with whatever it had forgotten', async () => {
  const own = atEnd(await startRedis(), (it) => it.stop())
  const store = atEnd(RedisStore.connect(own.url), (it) => it.close())
  const heard: Ended[] = []
  const resumed = jest.fn()
  store.watch((ended) => heard.push(ended), resumed)
  await until(() => resumed.mock.calls.length === 1)
  await own.restart()
  await until(() => resumed.mock.calls.length === 2)
  await untilItWorks(() => store.set('id', 'text', MINUTE, null))
  expect(await store.destroy('id')).toBe(true)
  await until(() => heard.length === 1)
})

test('an attempt that is not answered is not the last', async () => {
  proxy.swallow()
  const store = atEnd(new RedisStore(ioredis({})), (one) => one.close())
  const resumed = jest.fn()
  store.watch(() => undefined, resumed)
  await new Promise((resolve) => setTimeout(resolve, 200))
  proxy.forward()
  await until(() => resumed.mock.calls.length === 1)
})

test('a store that may not publish destroys all the same, and asks for a life once more if the answer is lost', async () => {
  await redis.client.call('ACL', 'SETUSER', 'quiet', 'on', '>word', '~*', 'resetchannels', '+@all')
  const client = ioredis({ username: 'quiet', password: 'word' })
  const { heard } = await listen(redis.store.client)
  const quiet = new RedisStore(client)
  for (const id of ['quiet', 'loud']) await redis.store.set(id, 'text', MINUTE, null)
  expect(await untilItWorks(() => quiet.destroy('quiet'))).toBe(true)
  const life = () => {
    proxy.loseAnswerTo('pttl')
    return quiet.life('loud')
  }
  expect(await untilItWorks(life)).toBeGreaterThan(0)
  await redis.store.destroy('loud')
  await until(() => heard.length > 0)
  expect(heard).toEqual([{ id: 'loud' }])
})

test('nothing on the channel is an id by which anybody is logged in', async () => {
  const messages: string[] = []
  const spy = atEnd(new Redis(redis.url), (one) => one.disconnect())
  await spy.subscribe('SESSION:ended')
  spy.on('message', (_channel, message: string) => messages.push(message))
  const { heard } = await listen(redis.store.client)
  await redis.store.notify({ id: 'before', successor: 'afterwards' })
  await until(() => messages.length === 1 && heard.length === 1)
  expect(heard).toEqual([{ id: 'before', successor: 'afterwards' }])
  expect(messages[0]).toMatch(/^before:[\w-]+:moved$/)
})

test('a move whose successor nobody knows any more makes all look for themselves', async () => {
  const { heard, resumed } = await listen(redis.store.client)
  await redis.client.publish('SESSION:ended', 'lost:1:moved')
  await until(() => resumed.mock.calls.length === 2)
  expect(heard).toEqual([])
})

describe('without a right', () => {
  const rights = (...rest: string[]) =>
    redis.client.call('ACL', 'SETUSER', 'poor', 'reset', 'on', '>word', '~*', '+@all', ...rest)
  let warned: jest.SpyInstance
  beforeEach(() => (warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)))
  afterEach(() => warned.mockRestore())

  test.each([
    ['to publish', 'publish', ['&SESSION:ended', '-publish']],
    ['to the channel', 'publish', ['resetchannels']],
    ['to subscribe', 'subscribe', ['&SESSION:ended', '-subscribe']]
  ])(
    '%s, an end reaches those who watch in this process, and one warning names it',
    async (_, right, rule) => {
      await rights(...rule)
      const client = ioredis({ username: 'poor', password: 'word' })
      const store = atEnd(new RedisStore(client), (one) => one.close())
      const heard: Ended[] = []
      store.watch(
        (ended) => heard.push(ended),
        () => undefined
      )
      for (const id of ['a', 'b']) await untilItWorks(() => store.set(id, 'text', MINUTE, null))
      for (const id of ['a', 'b']) await store.destroy(id)
      await store.notify({ id: 'c', successor: 'd' })
      expect(heard).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c', successor: 'd' }])
      const ours = () => warned.mock.calls.map(([message]) => String(message))
      await until(() => ours().some((message) => message.includes(`+${right} &SESSION:ended`)))
      expect(new Set(ours()).size).toBe(ours().length)
      expect(warned.mock.calls[0]?.[1]).toEqual({ code: 'HOLDFAST_REDIS_RIGHTS' })
    }
  )
})

test('a key without an end lives for ever', async () => {
  await redis.client.set('SESSION:eternal', 'text')
  expect(await redis.store.life('eternal')).toBe(Infinity)
  await redis.store.destroy('eternal')
})

test('watching keeps no process alive', async () => {
  const { stdout, stderr } = await runAlone(
    `const { RedisStore } = require('./stores/redis/redis-store.js')
    const { Redis } = require('ioredis')
    const { createClient } = require('redis')
    ;(async () => {
      const one = new Redis('${redis.url}')
      const two = await createClient({ url: '${redis.url}', pingInterval: 1000 }).connect()
      for (const client of [one, two]) {
        await new Promise((resolve) => new RedisStore(client).watch(() => {}, resolve))
      }
      one.disconnect()
      two.destroy()
      console.log('closed')
    })()`,
    { modules: true }
  )
  expect(stdout).toBe('closed\n')
  expect(stderr).toBe('')
})
