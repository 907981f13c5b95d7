import express from 'express'
import real from 'express-session'
import session from '../../lib'
import dropIn from '../../lib/express-session'
import { gate } from '../support/gate'
import { serve } from '../support/serve'
import { portOf } from '../support/server'
import { send } from '../support/send'
import { answerErrors, type Bag, secret } from '../support/site'

const REQUESTS = 20

/** A store written for express-session whose every call takes so long. */
function slowStore(ms: number) {
  const store = new real.MemoryStore()
  for (const name of ['get', 'set', 'destroy', 'touch'] as const) {
    const methods = store as unknown as Record<string, (...args: unknown[]) => void>
    const method = methods[name]!.bind(store)
    methods[name] = (...args) => void setTimeout(method, ms, ...args)
  }
  return store
}

const middlewares = {
  'the main entry': (store: real.Store, timeout: number) =>
    session({ secret, store, timeout }) as express.Handler,
  'the drop-in': (store: real.Store, timeout: number) =>
    dropIn({ secret, store, timeout, resave: false, saveUninitialized: false })
}

// All of them take their turns: the last have waited for longer than the timeout when those before them are through.
describe.each(Object.entries(middlewares))(
  '%s, over a store with callbacks that takes its time',
  (_name, make) => {
    test.each([
      [10, 200],
      [30, 1000]
    ])('keeps every change that was acknowledged: %i ms a call, a timeout of %i ms', async (ms, timeout) => {
      const store = slowStore(ms)
      const app = express()
      app.use(make(store, timeout))
      app.use((req, res) => {
        const s = req.session as unknown as Bag
        if (req.url === '/read') {
          const { cookie: _cookie, ...data } = s
          return void res.json(data)
        }
        s[req.url.slice(1)] = true
        res.end()
      })
      app.use(answerErrors)
      const port = portOf(await serve(app))
      const cookie = (await send(port, '/begin')).setCookies[0]!.split(';')[0]
      const asked = { headers: { cookie } }
      const answers = await Promise.all(
        Array.from({ length: REQUESTS }, (_, i) => send(port, `/${i}`, asked))
      )
      const acknowledged = answers.flatMap(({ status }, i) => (status === 200 ? [`${i}`] : []))
      expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([])
      expect(acknowledged.length).toBeGreaterThan(0)
      const kept = JSON.parse((await send(port, '/read', asked)).text) as object
      expect(acknowledged.filter((key) => !(key in kept))).toEqual([])
    })
  }
)

test('update counts what it acknowledged, over a store with callbacks that takes its time', async () => {
  const app = express()
  app.use(middlewares['the main entry'](slowStore(10), 200))
  app.use(async (req, res) => {
    const s = req.session as unknown as Bag
    if (req.url === '/count')
      await s.update((draft) => (draft.n = ((draft.n as number | undefined) ?? 0) + 1))
    else if (req.url === '/begin') s.n = 0
    res.json(s.n)
  })
  app.use(answerErrors)
  const port = portOf(await serve(app))
  const cookie = (await send(port, '/begin')).setCookies[0]!.split(';')[0]
  const asked = { headers: { cookie } }
  const answers = await Promise.all(Array.from({ length: REQUESTS }, () => send(port, '/count', asked)))
  const acknowledged = answers.filter(({ status }) => status === 200).length
  expect(acknowledged).toBeGreaterThan(0)
  const { text } = await send(port, '/read', asked)
  // One that was answered with 503 may have been stored all the same.
  expect(Number(text)).toBeGreaterThanOrEqual(acknowledged)
})

describe('requests of one session that end while another one is stored, with the drop-in', () => {
  async function open() {
    const store = new real.MemoryStore()
    const calls: string[] = []
    /** What the store is asked while it is held up. */
    let held: (() => void)[] | undefined
    const methods = store as unknown as Record<string, (...args: unknown[]) => void>
    for (const name of ['get', 'set', 'touch']) {
      const method = methods[name]!.bind(store)
      methods[name] = (...args) => {
        calls.push(name)
        if (held) held.push(() => method(...args))
        else method(...args)
      }
    }
    const app = express()
    app.use(middlewares['the drop-in'](store, 60_000))
    const asked: [path: string, res: express.Response][] = []
    let arrived: () => void = () => undefined
    app.use((req, res) => {
      asked.push([req.url.slice(1), res])
      const s = req.session as unknown as Bag
      if (req.url === '/begin') s.n = 0
      if (req.url === '/begin') res.end()
      else arrived()
    })
    const port = portOf(await serve(app))
    const cookie = (await send(port, '/begin')).setCookies[0]!.split(';')[0]
    asked.length = calls.length = 0

    /** Asks for these paths, and ends them in their order while the store is busy with the first. */
    const all = async (paths: string[], end: (path: string, s: Bag, res: express.Response) => void) => {
      const here = new Promise<void>((resolve) => {
        arrived = () => {
          if (asked.length === paths.length) resolve()
        }
      })
      const answers = paths.map((path) => send(port, `/${path}`, { headers: { cookie } }))
      await here
      calls.length = 0
      held = []
      for (const path of paths) {
        const res = asked.find(([name]) => name === path)![1]
        end(path, res.req.session as unknown as Bag, res)
        // Until then it has its place in the queue.
        await new Promise(setImmediate)
      }
      for (const go of held.splice(0)) go()
      held = undefined
      return (await Promise.all(answers)).map(({ status }) => status)
    }
    const kept = () =>
      new Promise<Bag>((resolve) =>
        store.all((_error, all) => resolve(Object.values(all as object)[0] as Bag))
      )
    return { all, calls, kept }
  }

  test('share one read, one write and two renewals, and none is lost', async () => {
    const { all, calls, kept } = await open()
    const paths = Array.from({ length: REQUESTS }, (_, i) => (i % 4 === 3 ? `read${i}` : `write${i}`))
    const statuses = await all(paths, (path, s, res) => {
      if (path.startsWith('write')) s[path] = true
      res.end()
    })
    expect(new Set(statuses)).toEqual(new Set([200]))
    // The first request has nobody to wait for; those that read before the last write share a renewal.
    expect(calls).toEqual(['get', 'set', 'touch', 'get', 'set', 'touch'])
    expect(Object.keys(await kept())).toEqual(
      expect.arrayContaining(paths.filter((path) => path.startsWith('write')))
    )
  })

  test('keep the order of a renewal and of a change of the cookie behind it', async () => {
    const { all, kept } = await open()
    const month = 30 * 24 * 3600 * 1000
    await all(['write', 'read', 'remember'], (path, s, res) => {
      if (path === 'write') s.n = 1
      if (path === 'remember') s.cookie.maxAge = month
      res.end()
    })
    expect((await kept()).cookie).toMatchObject({ originalMaxAge: month })
  })
})

/** Over a database of its own or another's; it writes the whole session to renew its life. */
class Writing extends real.Store {
  constructor(readonly database = new Map<string, string>()) {
    super()
  }

  override get = (id: string, done: (error: unknown, found?: real.SessionData | null) => void) =>
    void setTimeout(() => {
      const text = this.database.get(id)
      done(null, text === undefined ? null : (JSON.parse(text) as real.SessionData))
    }, 2)

  override set = (id: string, data: real.SessionData, done?: (error?: unknown) => void) => {
    const text = JSON.stringify(data)
    setTimeout(() => {
      this.database.set(id, text)
      done?.()
    }, 2)
  }

  override destroy = (id: string, done?: (error?: unknown) => void) =>
    void setTimeout(() => {
      this.database.delete(id)
      done?.()
    }, 2)

  override clear = (done?: (error?: unknown) => void) => {
    this.database.clear()
    done?.()
  }

  override touch = (id: string, data: real.SessionData, done?: () => void) => this.set(id, data, done)
}

describe.each(Object.entries(middlewares))('%s', (_name, make) => {
  test.each(['by its session', 'by the store', 'with all others'])(
    'keeps a session ended that a page still has, over a store that writes it anew to renew its life: ended %s',
    async (how) => {
      const store = new Writing()
      const app = express()
      app.use(make(store, 1000))
      const inside = gate()
      const goOn = gate()
      app.get('/page', async (_req, res) => {
        inside.open()
        await goOn.opened
        res.end()
      })
      app.get('/out', (req, res, next) => {
        const answer = (error?: unknown) => void (error ? next(error) : res.end())
        if (how === 'by its session') req.session.destroy(answer)
        else if (how === 'by the store') store.destroy(req.sessionID, answer)
        else store.clear(answer)
      })
      app.use((req, res) => {
        const s = req.session as unknown as Bag
        if (req.url === '/in') s.user = 'ann'
        res.json(s.user ?? null)
      })
      const port = portOf(await serve(app))
      const headers = { cookie: (await send(port, '/in')).setCookies[0]!.split(';')[0] }
      const page = send(port, '/page', { headers })
      await inside.opened
      expect((await send(port, '/out', { headers })).status).toBe(200)
      goOn.open()
      await page
      expect((await send(port, '/who', { headers })).text).toBe('null')
    }
  )

  test('makes requests wait for each other whose stores are two objects over one database', async () => {
    const database = new Map<string, string>()
    const app = express()
    const over = () => Object.assign(new Writing(database), { touch: undefined }) as real.Store
    const shop = make(over(), 1000)
    const admin = make(over(), 1000)
    app.use((req, res, next) => (req.url.startsWith('/admin') ? admin : shop)(req, res, next))
    app.use(async (req, res) => {
      const s = req.session as unknown as Bag
      const [, , key] = req.url.split('/')
      if (key === 'who') return void res.json(s)
      if (key !== 'out') s[key!] = true
      else await new Promise((resolve) => req.session.destroy(resolve))
      res.end()
    })
    app.use(answerErrors)
    const port = portOf(await serve(app))
    for (let i = 0; i < 20; i++) {
      const headers = { cookie: (await send(port, '/shop/user')).setCookies[0]!.split(';')[0] }
      const both = await Promise.all(['/shop/a', '/admin/b'].map((url) => send(port, url, { headers })))
      expect(both.map(({ status }) => status)).toEqual([200, 200])
      expect(JSON.parse((await send(port, '/shop/who', { headers })).text)).toMatchObject({
        a: true,
        b: true
      })
      const urls = i % 2 ? ['/shop/c', '/admin/out'] : ['/admin/out', '/shop/c']
      await Promise.all(urls.map((url) => send(port, url, { headers })))
      expect((await send(port, '/shop/who', { headers })).text).not.toContain('user')
    }
  })
})
