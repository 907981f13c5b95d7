import { once } from 'node:events'
import Redis from 'ioredis'
import { createClient } from 'redis'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { type Proxy, startProxy } from '../../support/proxy'
import { openRedis } from '../../support/redis'
import { freePort, type RedisOptions, type RedisServer, startRedis } from '../../support/redis-server'
import { atEnd } from '../../support/serve'
import { atOnce, commandsDuring, failure, SECRET_ID, untilItWorks } from './helpers'

const MINUTE = 60_000

const redis = openRedis()
let proxy: Proxy

beforeEach(async () => {
  await redis.client.flushall()
  proxy = atEnd(await startProxy(redis.server.port), (it) => it.stop())
})

interface Opened {
  store: RedisStore
  ready(): Promise<unknown>
}

/** Clients as applications make them, with the queues that they have by default, and the store's own. */
const kinds: [name: string, open: (url: string) => Opened][] = [
  [
    'ioredis',
    (url) => {
      const client = atEnd(new Redis(url, { disconnectTimeout: 100 }), (it) => it.disconnect()).on(
        'error',
        () => undefined
      )
      return { store: new RedisStore(client), ready: () => isReady(client) }
    }
  ],
  [
    'node-redis',
    (url) => {
      const client = atEnd(createClient({ url }), (it) => it.destroy()).on('error', () => undefined)
      client.connect().catch(() => undefined)
      return { store: new RedisStore(client), ready: () => isReady(client) }
    }
  ],
  [
    'a client of its own',
    (url) => {
      const store = connect(url)
      return { store, ready: () => isReady(store.client) }
    }
  ]
]

/** Unlike `once` of node:events it does not mind errors on the way. */
function isReady(client: { once(event: 'ready', listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => client.once('ready', resolve))
}

function connect(...args: Parameters<typeof RedisStore.connect>): RedisStore<Redis> {
  return atEnd(RedisStore.connect(...args), (it) => it.close())
}

async function start(options?: RedisOptions): Promise<RedisServer> {
  return atEnd(await startRedis(options), (it) => it.stop())
}

const everyCall = (store: RedisStore): Promise<unknown>[] => [
  store.set(SECRET_ID, 'text', MINUTE, null),
  store.get(SECRET_ID, MINUTE),
  store.get(SECRET_ID),
  store.touch(SECRET_ID, MINUTE),
  store.destroy(SECRET_ID),
  store.destroy(SECRET_ID, 'text'),
  store.notify({ id: SECRET_ID, successor: 'next' })
]

describe('a store that connect makes keeps nothing in another database than its URL says', () => {
  test.each([
    ['there is none of that number', '', 99, /cannot be selected, Redis answered with the error ERR/],
    ['its user lacks the right', 'web:pw@', 3, /cannot be selected, NOPERM/]
  ])('where %s', async (_, login, database, reason) => {
    await redis.client.call('ACL', 'SETUSER', 'web', 'reset', 'on', '>pw', '~*', '&*', '+@all', '-select')
    const url = `redis://${login}127.0.0.1:${redis.server.port}/${database}`
    const store = connect(url)
    for (let i = 0; i < 3; i++) {
      for (const call of everyCall(store)) {
        const { message } = await failure(call)
        expect([message, message]).toEqual([
          expect.stringMatching(/not ready/),
          expect.stringMatching(reason)
        ])
      }
      await new Promise((resolve) => store.client.once('reconnecting', resolve))
    }
    expect(await redis.client.dbsize()).toBe(0)
    if (login === '') return
    await redis.client.call('ACL', 'SETUSER', 'web', '+select')
    await untilItWorks(() => store.set('id', 'text', MINUTE, null))
    expect(await redis.client.dbsize()).toBe(0)
    await store.destroy('id')
  })
})

describe.each(kinds)('%s', (_, open) => {
  test('asked for TLS by a server that speaks none, it says that TLS is what it waits for', async () => {
    const { store } = open(redis.server.url.replace('redis:', 'rediss:'))
    const errors = await Promise.all([failure(store.get('id')), failure(store.get('id'))])
    errors.push(await failure(store.get('id')))
    for (const { message } of errors) expect(message).toMatch(/not ready \(\w+ over TLS\), nothing was sent/)
  })

  test('commands wait for the connection of a process that has just started', async () => {
    const answers = await untilItWorks(() => {
      const { store } = open(proxy.url)
      const set = store.set('id', 'text', MINUTE, null)
      return Promise.all([store.get('none'), store.touch('none', MINUTE), store.destroy('none'), set])
    })
    expect(answers.slice(0, 3)).toEqual([null, false, false])
    expect(await redis.client.get('SESSION:id')).toBe('text')
  })

  test('Redis is not there: nothing is sent, nothing is applied when it comes', async () => {
    const port = await freePort()
    const { store, ready } = open(`redis://127.0.0.1:${port}`)
    for (const error of await Promise.all(everyCall(store).map(failure))) {
      expect(error.message).toMatch(/not ready/)
    }
    for (const call of everyCall(store)) {
      expect(await atOnce(call)).toBe(true)
      await failure(call)
    }
    const connected = ready()
    const late = await start({ port })
    await connected
    // The answer to this shows that whatever was before it in a queue has been applied.
    expect(await store.get('other')).toBeNull()
    const look = atEnd(new Redis(late.url), (it) => it.disconnect())
    expect(await look.dbsize()).toBe(0)
    expect(await look.info('commandstats')).not.toMatch(/evalsha|getex|pexpire|cmdstat_del:/)
    expect(await store.set('id', 'text', MINUTE, null)).toEqual({ id: 'id' })
  })

  test('a connection that takes too long: what waited for it is not sent any more', async () => {
    proxy.hold()
    const { store, ready } = open(proxy.url)
    const calls = everyCall(store).map(failure)
    const until = performance.now() + 1100
    while (performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 50))
    // By now nobody waits.
    expect(await atOnce(failure(store.get(SECRET_ID)))).toBe(true)
    const commands = await commandsDuring(redis.server, async () => {
      const connected = ready()
      proxy.forward()
      await connected
      for (const error of await Promise.all(calls)) expect(error.message).toMatch(/not ready/)
      expect(await store.get('other')).toBeNull()
    })
    expect(commands).toEqual(
      [['get', 'SESSION:other']].map((args) => [expect.stringMatching(/get/i), args[1]])
    )
  })

  test('a read that lost its answer is tried again', async () => {
    const { store, ready } = open(proxy.url)
    await ready()
    await store.set('id', 'text', MINUTE, null)
    const read = (ttl?: number): Promise<string | null> => {
      proxy.loseAnswerTo('SESSION:id')
      return store.get('id', ttl)
    }
    expect(await untilItWorks(() => read(MINUTE))).toBe('text')
    expect(await untilItWorks(() => read())).toBe('text')
  })

  test('the connection breaks in the middle of many calls: all settle, and it goes on', async () => {
    const { store, ready } = open(proxy.url)
    await ready()
    await store.set('id', 'text', MINUTE, null)
    const texts = await untilItWorks(async () => {
      proxy.hold()
      const touches = Array.from({ length: 50 }, () => store.touch('id', MINUTE))
      const reads = Array.from({ length: 50 }, () => store.get('id', MINUTE))
      await new Promise((resolve) => setTimeout(resolve, 20))
      proxy.cut()
      proxy.forward()
      await Promise.allSettled(touches)
      return Promise.all(reads)
    })
    expect(new Set(texts)).toEqual(new Set(['text']))
    expect(await store.get('id')).toBe('text')
  })
})

describe('a client of its own', () => {
  test('a write that lost its answer is not tried again: it may have been applied', async () => {
    const store = connect(proxy.url)
    await isReady(store.client)
    await store.set('warm', 'up', MINUTE, null)
    const commands = await commandsDuring(redis.server, async () => {
      proxy.loseAnswerTo('first')
      const error = await failure(store.set(SECRET_ID, 'first', MINUTE, null))
      expect(error.message).toMatch(/^Redis: /)
      await isReady(store.client)
      expect(await store.get(SECRET_ID)).toBe('first')
    })
    expect(commands.filter(([name]) => /eval/i.test(name!))).toHaveLength(1)
  })

  test('a black hole is noticed within seconds, and all is well again soon after it', async () => {
    const store = connect(proxy.url)
    await isReady(store.client)
    await store.set('id', 'text', MINUTE, null)
    proxy.swallow()
    const began = performance.now()
    await failure(store.set(SECRET_ID, 'text', MINUTE, null))
    expect(performance.now() - began).toBeLessThan(8000)
    expect(await atOnce(failure(store.get(SECRET_ID)))).toBe(true)
    proxy.forward()
    await isReady(store.client)
    expect(performance.now() - began).toBeLessThan(16_000)
    expect(await store.get('id')).toBe('text')
    expect(await store.get(SECRET_ID)).toBeNull()
  })

  test('after a failover it leaves the demoted primary, and tries once more', async () => {
    const demoted = await start()
    const look = atEnd(new Redis(demoted.url), (it) => it.disconnect())
    await look.replicaof('127.0.0.1', redis.server.port)
    expect(
      await untilItWorks(async () => {
        proxy.target = demoted.port
        const store = connect(proxy.url)
        await isReady(store.client)
        proxy.target = redis.server.port
        return store.set('id', 'text', MINUTE, await redis.client.get('SESSION:id'))
      })
    ).toEqual({ id: 'id' })
    expect(await redis.client.get('SESSION:id')).toBe('text')
  })

  test('while there is no primary, writing is an error', async () => {
    const replica = await start({ args: ['--replicaof', '127.0.0.1', `${redis.server.port}`] })
    const store = connect(replica.url)
    expect((await failure(store.set(SECRET_ID, 'text', MINUTE, null))).message).toMatch(/READONLY|not ready/)
  })

  test('errors say why there is no connection', async () => {
    const refused = connect({ host: '127.0.0.1', port: await freePort() })
    expect((await failure(refused.get(SECRET_ID))).message).toMatch(/ECONNREFUSED/)
    const locked = await start({ args: ['--requirepass', 'the password'] })
    const denied = connect(`redis://:wrong-password@127.0.0.1:${locked.port}`)
    const error = await failure(denied.get(SECRET_ID))
    expect(error.message).toMatch(/WRONGPASS/)
    expect(error.message).not.toContain('wrong-password')
  })

  test('a lazy one connects at the first call', async () => {
    const store = connect(
      { port: redis.server.port, host: '127.0.0.1', lazyConnect: true },
      { prefix: 'lazy:' }
    )
    expect(store.client.status).toBe('wait')
    expect(await store.set('id', 'text', MINUTE, null)).toEqual({ id: 'id' })
    expect(await redis.client.get('lazy:id')).toBe('text')
  })

  test.each(['http://localhost:6379', 'postgres://user:password@host/', 'reddis://localhost'])(
    'a URL of something else is an error at once: %p',
    (url) => {
      const connectTo = () => RedisStore.connect(url)
      expect(connectTo).toThrow(expect.objectContaining({ code: 'ERR_SESSION_OPTIONS' }))
      expect(connectTo).toThrow(/redis:\/\/ or rediss:\/\//)
      expect(connectTo).not.toThrow(/password/)
    }
  )

  test('a URL whose path is no number of a database is an error at once', () => {
    expect(() => RedisStore.connect(`${redis.url}/sessions`)).toThrow(/the number of a database/)
    for (const path of ['', '/', '/2', '/2?family=4']) expect(() => connect(redis.url + path)).not.toThrow()
  })

  test.each([
    ['a URL object', (url: string) => new URL(url)],
    ['{ url }', (url: string) => ({ url })],
    ['a list of nodes', () => [{ host: '127.0.0.1', port: 1 }]],
    ['a client', () => redis.client]
  ])('%s, which ioredis would take for options of localhost, is an error at once', (_what, make) => {
    expect(() => RedisStore.connect(make(redis.url) as never)).toThrow(/a URL as a string/)
  })

  test.each([undefined, null, '', 0])('nothing to connect to is an error at once: %p', (target) => {
    expect(() => RedisStore.connect(target as unknown as string)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_OPTIONS' })
    )
  })
})

describe('close', () => {
  test('lets what was sent be answered, and closes the own client', async () => {
    const store = connect(redis.url)
    await store.set('id', 'text', MINUTE, null)
    const reads = Array.from({ length: 20 }, () => store.get('id'))
    await new Promise((resolve) => setImmediate(resolve))
    await store.close()
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['text']))
    expect(store.client.status).toBe('end')
    await failure(store.get(SECRET_ID))
    await store.close()
  })

  test('leaves a client alone that the application brought', async () => {
    const store = new RedisStore(redis.client)
    expect(store.client).toBe(redis.client)
    await store.close()
    expect(redis.client.status).toBe('ready')
    expect(await store.get('id')).toBeNull()
  })
})

test('a client of ioredis that is ended between two attempts to connect keeps nobody waiting', async () => {
  const client = new Redis(proxy.url, { maxRetriesPerRequest: 0, retryStrategy: () => 120_000 }).on(
    'error',
    () => undefined
  )
  const store = new RedisStore(client)
  await isReady(client)
  proxy.loseAnswerTo('SESSION:id')
  const read = failure(store.get('id'))
  await once(client, 'reconnecting')
  client.disconnect()
  expect((await read).message).toMatch(/not ready/)
})
