import type Redis from 'ioredis'
import session, { type Store } from '../../lib'
import { RedisStore } from '../../lib/redis'
import { CountingStore } from '../support/counting-store'
import { startProxy, type Proxy } from '../support/proxy'
import { startRedis, type RedisServer } from '../support/redis-server'
import { atEnd } from '../support/serve'
import { returning, secret, until, type Bag } from '../support/site'

let redis: RedisServer
let proxy: Proxy
let near: RedisStore<Redis>
let far: RedisStore<Redis>

beforeEach(async () => {
  redis = atEnd(await startRedis(), (it) => it.stop())
  proxy = atEnd(await startProxy(redis.port), (it) => it.stop())
  near = atEnd(RedisStore.connect(redis.url), (it) => it.close())
  far = atEnd(RedisStore.connect(proxy.url), (it) => it.close())
})

/** A visitor of one process, whose socket is held by another one, which has its Redis behind a proxy. */
async function socket(idleTimeout = 60_000, store: Store = far) {
  const { visitor } = await returning({ store: near, idleTimeout })
  const sessions = session({ secret, store, idleTimeout })
  const loaded = (await sessions.open({ headers: { cookie: `sid=${visitor.cookie}` } })) as Bag
  const close = jest.fn()
  sessions.onDestroy(loaded, close)
  await until(async () => (await near.client.pubsub('NUMSUB', 'SESSION:ended'))[1] === 1)
  return { visitor, loaded, close, isClosed: () => close.mock.calls.length > 0 }
}

test('a logout in one process ends the socket in another', async () => {
  const { visitor, close, isClosed } = await socket()
  await visitor.ask((s) => void (s.n = 2))
  expect(close).not.toHaveBeenCalled()
  await visitor.ask((s) => s.destroy())
  await until(isClosed)
  expect(close).toHaveBeenCalledTimes(1)
})

test('a move to a new id is followed, and what is done there is seen', async () => {
  const { visitor, loaded, isClosed } = await socket()
  for (let n = 2; n < 5; n++) {
    await visitor.ask((s) => s.regenerate({ keep: true }))
    await until(() => loaded.id === visitor.id)
    await loaded.update((s) => void (s.n = n))
    expect(await visitor.ask((s) => s.n)).toBe(n)
  }
  expect(isClosed()).toBe(false)
  await visitor.ask((s) => s.regenerate())
  await until(isClosed)
})

test('a session that moves on while it is asked where it went has not ended', async () => {
  const asked = new CountingStore(near)
  Object.assign(asked, { watch: far.watch.bind(far) })
  const { visitor, loaded, close, isClosed } = await socket(60_000, asked)
  const { id } = visitor
  const move = () => visitor.ask((s) => s.regenerate({ keep: true }).then(() => null))
  const movedOn = new Promise<void>((resolve) => {
    let isFirst = true
    asked.always(async (ask, call) => {
      const answer = await ask()
      if (call.id === id || !isFirst) return answer
      isFirst = false
      // The message of the second move comes after the answers.
      proxy.hold()
      await move()
      resolve()
      return answer
    }, 'get')
  })
  await move()
  await movedOn
  await until(() => loaded.id === visitor.id || isClosed())
  proxy.forward()
  expect(close).not.toHaveBeenCalled()
  await loaded.update((s) => void (s.n = 2))
  expect(await visitor.ask((s) => s.n)).toBe(2)
  await visitor.ask((s) => s.destroy())
  await until(isClosed)
  expect(close).toHaveBeenCalledTimes(1)
})

test('a logout while the connection is broken is found when it is back', async () => {
  const { visitor, isClosed } = await socket()
  proxy.hold()
  proxy.cut()
  await visitor.ask((s) => s.destroy())
  expect(isClosed()).toBe(false)
  proxy.forward()
  await until(isClosed)
})

test('a Redis that starts again has lost what it did not write down: the sessions have ended', async () => {
  const { isClosed } = await socket()
  await redis.restart()
  await until(isClosed)
})

test('a broken connection alone ends nothing', async () => {
  const { visitor, close, isClosed } = await socket()
  proxy.hold()
  proxy.cut()
  await until(async () => (await near.client.pubsub('NUMSUB', 'SESSION:ended'))[1] === 0)
  proxy.forward()
  await until(async () => (await near.client.pubsub('NUMSUB', 'SESSION:ended'))[1] === 1)
  await visitor.ask((s) => void (s.n = 2))
  expect(close).not.toHaveBeenCalled()
  await visitor.ask((s) => s.destroy())
  await until(isClosed)
})

test('a session that nobody uses any more ends the socket, after those uses that there were', async () => {
  const { visitor, isClosed } = await socket(4000)
  const { id } = visitor
  await visitor.ask((s) => s.n)
  await until(isClosed)
  expect(await near.get(id)).toBeNull()
})
