import { inspect } from 'node:util'
import express from 'express'
import session, { CookieStore, MemoryStore } from '../../lib'
import dropIn from '../../lib/express-session'
import { RedisStore } from '../../lib/redis'
import { atEnd, serve } from '../support/serve'
import { portOf } from '../support/server'
import { listen } from '../support/events'
import { startRedis } from '../support/redis-server'
import { send } from '../support/send'
import { SECRET_ID } from '../stores/redis/helpers'

const SECRET = 'wHaT-SiGnS-tHe-CoOkIeS-0123456789-aBcDeF'
const OLD = Buffer.from('wHaT-SiGnEd-ThE-cOoKiEs-9876543210-FeDcBa')
const options = { resave: false, saveUninitialized: false }

test.each<[string, () => express.Handler]>([
  ['the main entry', () => session({ secret: SECRET })],
  ['the main entry, with several secrets', () => session({ secret: [SECRET, OLD] })],
  ['the main entry, lazy', () => session({ secret: SECRET, load: 'lazy' })],
  ['the main entry, sealing', () => session({ secret: [SECRET, OLD], store: new CookieStore() })],
  ['the main entry, choosing', () => session({ secret: SECRET, store: always(new MemoryStore()) })],
  ['the drop-in', () => dropIn({ secret: [SECRET, OLD] as never, ...options })]
])('nothing that a request or a response shows holds a secret: %s', async (_name, make) => {
  const app = express()
  const shown: string[] = []
  app.use(make())
  app.use(async (req, res) => {
    const s = req.session as unknown as { n: number; load?(): Promise<unknown> }
    await s.load?.()
    s.n = 1
    for (const thing of [req, res]) {
      shown.push(inspect(thing, { depth: Infinity, showHidden: true, maxArrayLength: null }))
      for (const key of Object.keys(thing)) shown.push(inspect((thing as never)[key], { depth: Infinity }))
    }
    res.end()
  })
  const port = portOf(await serve(app))
  expect((await send(port, '/')).status).toBe(200)
  const all = shown.join('\n')
  expect(all.includes(SECRET)).toBe(false)
  expect(all.includes(OLD.toString())).toBe(false)
  expect(all.includes(OLD.toString('hex').match(/../g)!.slice(0, 16).join(' '))).toBe(false)
})

test.each([
  ['one secret', SECRET],
  ['several', [SECRET, OLD]]
])(
  'no secret can be reached from a request or a response, by any property or getter: %s',
  async (_, secret) => {
    const app = express()
    let texts: string[] = []
    app.use(session({ secret }))
    app.use((req, res) => {
      req.session.count = 1
      texts = [...textsFrom(req), ...textsFrom(res)]
      res.end()
    })
    expect((await send(portOf(await serve(app)), '/')).status).toBe(200)
    expect(texts.length).toBeGreaterThan(1000)
    expect(texts).toContain('sid')
    for (const secret of [SECRET, OLD.toString()]) expect(texts.join('\n')).not.toContain(secret)
  }
)

/** Every text that own properties, those with symbols included, and getters lead to. */
function textsFrom(root: object): string[] {
  const texts: string[] = []
  const seen = new Set<unknown>([process, globalThis])
  const queue: unknown[] = [root]
  for (let thing = queue.shift(); queue.length > 0 || thing !== undefined; thing = queue.shift()) {
    if (typeof thing === 'string') texts.push(thing)
    if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null || seen.has(thing))
      continue
    seen.add(thing)
    if (Buffer.isBuffer(thing)) texts.push(thing.toString())
    if (ArrayBuffer.isView(thing)) continue
    if (thing instanceof Map) queue.push(...thing.keys(), ...thing.values())
    for (let level: object | null = thing; level; level = Object.getPrototypeOf(level) as object | null) {
      for (const key of Reflect.ownKeys(level)) {
        try {
          queue.push(Reflect.get(level, key, thing))
        } catch {
          // Many getters work on their own objects alone.
        }
      }
    }
  }
  return texts
}

describe('no error says a session id, or what a session holds, where the server has no', () => {
  let store: RedisStore
  const VALUE = 'pRiVaTe'
  /** Of a long id, a server may tell a part. */
  const ids = [SECRET_ID, SECRET_ID.repeat(5)]
  const expectNothing = (of: unknown) => {
    const all = inspect(of, { depth: Infinity, showHidden: true })
    for (const secret of [SECRET_ID.slice(0, 12), VALUE]) expect(all).not.toContain(secret)
  }
  /** A store whose server does not know these commands. */
  const storeWithout = async (...commands: string[]) => {
    const args = commands.flatMap((name) => ['--rename-command', name, ''])
    const { url } = atEnd(await startRedis({ args }), (it) => it.stop())
    return atEnd(RedisStore.connect(url), (it) => it.close())
  }

  test.each([[['EVALSHA']], [['EVALSHA', 'EVAL']], [['GETEX']], [['PEXPIRE']], [['PTTL']]])(
    '%j: by the store',
    async (commands) => {
      store = await storeWithout(...commands)
      const errors: unknown[] = []
      for (const id of ids) {
        const calls = [
          store.get(id, 1000),
          store.set(id, VALUE, 1000, null),
          store.set(id, VALUE, 1000, VALUE),
          store.touch(id, 1000),
          store.destroy(id),
          store.destroy('another', id),
          store.life(id),
          store.index.add(VALUE, id, 1000),
          store.index.list(VALUE)
        ]
        for (const one of await Promise.allSettled(calls))
          if (one.status === 'rejected') errors.push(one.reason)
      }
      expect(errors).not.toEqual([])
      expectNothing(errors)
    }
  )

  test.each<[string, (id: string) => express.Handler]>([
    ['main entry', (id) => session({ secret: SECRET, store, genid: () => id })],
    ['drop-in', (id) => dropIn({ secret: SECRET, ...options, store, genid: () => id })]
  ])('EVALSHA: by the %s', async (_name, make) => {
    store = await storeWithout('EVALSHA')
    for (const id of ids) {
      const heard = listen()
      const errors: unknown[] = []
      const app = express()
      app.use(make(id))
      app.use((req, res) => {
        ;(req.session as unknown as { a: string }).a = VALUE
        res.end()
      })
      app.use(((error: { status?: number }, _req, res, _next) => {
        errors.push(error)
        res.status(error.status ?? 500).end()
      }) as express.ErrorRequestHandler)
      const { status } = await send(portOf(await serve(app)), '/')
      expect([status, errors.length]).toEqual([503, 1])
      expectNothing([errors, heard])
    }
  })
})

function always<T>(value: T): () => T {
  return () => value
}
