import { setTimeout as delay } from 'node:timers/promises'
import { CookieStore, MemoryStore } from '../../lib'
import { RedisStore } from '../../lib/redis'
import { RedisStore as ConnectRedis } from 'connect-redis'
import express, { type Express } from 'express'
import dropIn from '../../lib/express-session'
import session from '../../lib'
import { lagBetween } from '../faults/support/lag'
import { serve } from '../support/serve'
import { portOf } from '../support/server'
import { Halt } from '../support/halt'
import { CountingStore, hangs } from '../support/counting-store'
import { openRedis } from '../support/redis'
import { send } from '../support/send'
import { answerErrors, returning, secret, Site, type Bag, type Visitor } from '../support/site'

describe('what waits for one visitor alone does not count as a store that is silent:', () => {
  const login = (site: Site, user: string) => {
    const visitor = site.visitor()
    return visitor.ask((s) => void (s.user = user)).then(() => visitor)
  }

  /** The one waits in vain with six requests at once, and the other is served. */
  const expectStuck = async (stuck: Visitor, bob: Visitor) => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => stuck.clone().visit(() => null)))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(503))
    for (let i = 0; i < 5; i++) expect(await bob.ask((s) => s.user)).toBe('bob')
  }

  test('a notBefore that never answers', async () => {
    let isStuck = false
    const notBefore = ({ user }: Record<string, unknown>) =>
      isStuck && user === 'mallory' ? new Promise<number>(() => undefined) : 0
    const site = await Site.open({ store: new CookieStore({ notBefore }), timeout: 200 })
    const [mallory, bob] = [await login(site, 'mallory'), await login(site, 'bob')]
    isStuck = true
    await expectStuck(mallory, bob)
  })

  test('a record that never comes', async () => {
    const store = new CountingStore(new MemoryStore())
    const site = await Site.open({ store, timeout: 200 })
    const [mallory, bob] = [await login(site, 'mallory'), await login(site, 'bob')]
    const { id } = mallory
    store.always((ask, call) => (call.id === id ? new Promise(() => undefined) : ask()))
    await expectStuck(mallory, bob)
  })
})

describe('a store that never answers a write keeps a response for one timeout, whatever the handler began:', () => {
  const TIMEOUT = 600

  /** The time that has passed since then, without that in which this process stood still: no budget counts it. */
  const timeSince = (begun: number) => {
    const now = performance.now()
    return now - begun - lagBetween(begun, now)
  }
  /** Before a second timeout has passed. */
  const expectOneTimeout = (begun: number) => expect(timeSince(begun)).toBeLessThan(2 * TIMEOUT)

  test.each([1, 3, 6])('%i saves that nobody waits for', async (count) => {
    const { site, visitor } = await returning({ timeout: TIMEOUT })
    site.store.always(hangs, 'set')
    let begun = 0
    const { status } = await visitor.visit((s) => {
      begun = performance.now()
      for (let i = 0; i < count; i++) {
        s.n = 10 + i
        s.save().catch(() => undefined)
      }
    })
    expect(status).toBe(503)
    expectOneTimeout(begun)
  })

  test('different calls that nobody waits for', async () => {
    const { site, visitor } = await returning({ timeout: TIMEOUT })
    site.store.always(hangs)
    site.store.always(undefined, 'get')
    let begun = 0
    const { status } = await visitor.visit((s) => {
      begun = performance.now()
      s.n = 2
      for (const call of [
        s.save(),
        s.touch(),
        s.update((draft) => (draft.n = 3)),
        s.regenerate(),
        s.destroy()
      ]) {
        call.catch(() => undefined)
      }
    })
    expect(status).toBe(503)
    expectOneTimeout(begun)
  })

  test('requests of one session that come one after the other, each within its own', async () => {
    const { site, visitor } = await returning({ timeout: TIMEOUT })
    site.store.always(hangs, 'set')
    const answers = [0, TIMEOUT / 12, TIMEOUT - 50].map(async (ms) => {
      await delay(ms)
      let begun = 0
      const { status } = await visitor.clone().visit((s) => {
        begun = performance.now()
        s.n = 2
      })
      return { status, took: timeSince(begun) }
    })
    for (const { status, took } of await Promise.all(answers)) {
      expect(status).toBe(503)
      expect(took).toBeLessThan(1.5 * TIMEOUT)
    }
  })

  test('a commit that waits behind a function given to update, and then for the store', async () => {
    const { site, visitor } = await returning({ timeout: TIMEOUT })
    const [running, end] = [new Halt(), new Halt()]
    const updating = visitor.clone().visit((s) =>
      s.update(() => {
        void running.here()
        return end.here()
      })
    )
    await running.reached
    site.store.always(hangs, 'set')
    let begun = 0
    const { status } = await visitor.clone().visit((s) => {
      begun = performance.now()
      s.n = 2
    })
    const took = timeSince(begun)
    end.go()
    await updating
    expect(status).toBe(503)
    expect(took).toBeLessThan(1.5 * TIMEOUT)
  })

  test.each([1, 3, 6])('%i saves of the drop-in that nobody waits for', async (count) => {
    const store = new dropIn.MemoryStore()
    const app = express()
    let begun = 0
    app.use(dropIn({ secret, store, timeout: TIMEOUT, resave: false, saveUninitialized: false }))
    app.use((req, res) => {
      const s = req.session as unknown as { n: number; save(): Promise<void> }
      s.n = 1
      if (req.url === '/stuck') {
        begun = performance.now()
        store.set = () => undefined
        for (let i = 0; i < count; i++) {
          s.n = 10 + i
          s.save().catch(() => undefined)
        }
      }
      res.end()
    })
    app.use(answerErrors)
    const port = portOf(await serve(app))
    const first = await send(port, '/')
    const { status } = await send(port, '/stuck', { headers: { cookie: first.setCookies[0]!.split(';')[0] } })
    expect(status).toBe(503)
    expectOneTimeout(begun)
  })
})

describe('a stall of our own process is no silence of the store:', () => {
  const redis = openRedis({ nodeRedis: true })

  const REQUESTS = 20
  const names = { resave: false, saveUninitialized: false }

  test.each<[string, () => ReturnType<typeof express.Router>]>([
    ['the main entry', () => session({ secret, store: new RedisStore(redis.client) }) as never],
    [
      'the drop-in on our store',
      () => dropIn({ secret, store: new RedisStore(redis.client), ...names }) as never
    ],
    [
      'the drop-in on connect-redis',
      () => dropIn({ secret, store: new ConnectRedis({ client: redis.nodeRedis }), ...names }) as never
    ]
  ])('%s', async (_name, make) => {
    const app: Express = express()
    let isStalling = false
    let arrived = 0
    app.use((_req, _res, next) => {
      next()
      // The commands of all requests are on their way, and their answers come while nobody reads.
      if (isStalling && ++arrived === REQUESTS) setImmediate(stall)
    })
    app.use(make())
    app.use((req, res) => {
      const s = req.session as unknown as Bag
      s.n = ((s.n as number | undefined) ?? 0) + 1
      res.end()
    })
    app.use(answerErrors)
    const port = portOf(await serve(app))
    const cookies = await Promise.all(
      Array.from({ length: REQUESTS }, async () => (await send(port, '/')).setCookies[0]!.split(';')[0])
    )
    for (let round = 0; round < 2; round++) {
      isStalling = true
      arrived = 0
      const answers = cookies.map((cookie) => send(port, '/', { headers: { cookie } }))
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(REQUESTS).fill(200))
    }
  })
})

/** Longer than the timeout of a session, which is a second. */
function stall(): void {
  const end = performance.now() + 1200
  while (performance.now() < end);
}
