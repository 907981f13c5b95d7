import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import expressSession from 'express-session'
import session, { type SessionOptions } from '../../lib'
import dropIn from '../../lib/express-session'
import { Site, secret, type Bag } from '../support/site'

const reasons = [
  ['undefined', undefined],
  ['null', null],
  ["''", ''],
  ['an Error', new Error('down')]
] as const

type Done = (error?: unknown) => void

/** Each way in which a handler can hear of a failure, without and with a callback. */
const ways: Record<string, (s: Bag, done: Done) => unknown> = {
  'a plain write': (s, done) => ((s.n = 1), done()),
  'save(callback)': (s, done) => ((s.n = 1), s.save(done)),
  'save().catch(next)': (s, done) => ((s.n = 1), s.save().then(() => done(), done)),
  'destroy(callback)': (s, done) => s.destroy(done)
}

/** An application that any refused write must not leave by its last route. */
async function visited(middleware: RequestHandler, way: string, begin: () => void = () => undefined) {
  const app: Express = express()
  const errors: unknown[] = []
  app.use(middleware)
  app.get('/begin', (req, res) => {
    Object.assign(req.session, { n: 0 })
    res.end()
  })
  app.get('/', (req, res, next) => {
    ways[way]!(req.session as Bag, (error) => (error ? next(error) : res.end()))
  })
  app.use((_req, res) => void res.send('the last route'))
  app.use(((error, _req, res, _next) => {
    errors.push(error)
    res.status(500).end()
  }) as ErrorRequestHandler)
  const visitor = (await Site.listen(app as never)).visitor()
  await visitor.send('/begin')
  begin()
  const { status } = await visitor.send('/')
  return { status, isError: errors.length === 1 && errors[0] instanceof Error }
}

const refused = { status: 500, isError: true }

/** What a store does when it is asked. */
const failures = {
  throws: (reason: unknown): never => {
    throw reason
  },
  rejects: (reason: unknown): Promise<never> => Promise.reject(reason)
}
const hows = ['throws', 'rejects'] as const

describe.each(reasons)('a failure with %s as its reason is a failure', (_name, reason) => {
  const fail = (): never => failures.throws(reason)

  test.each(
    Object.keys(ways)
      .slice(0, 3)
      .flatMap((way) => ['beforeSave', 'user', 'codec'].map((at) => [at, way] as const))
  )('of the option %s, for %s', async (at, way) => {
    let fails = false
    const option = () => (fails ? fail() : undefined)
    const encode = (data: object) => (option(), JSON.stringify(data))
    const options = { secret, [at]: at === 'codec' ? { encode, decode: JSON.parse } : option }
    expect(await visited(session(options as SessionOptions), way, () => (fails = true))).toEqual(refused)
  })

  test('of the function given to update, with a callback', async () => {
    const site = await Site.open()
    const error = await site
      .visitor()
      .ask((s) => new Promise((resolve) => s.update(fail, (error) => resolve(error instanceof Error))))
    expect(error).toBe(true)
  })

  test('of valid: the handler does not run', async () => {
    let fails = false
    const site = await Site.open({ valid: () => !fails || fail() })
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.n = 1))
    fails = true
    let ran = false
    expect((await visitor.visit(() => (ran = true))).status).toBe(500)
    expect(ran).toBe(false)
    expect(site.errors[0]).toBeInstanceOf(Error)
  })

  test.each<[string, Partial<SessionOptions>]>([
    ['load', { load: fail }],
    ['genid', { genid: fail }],
    ['store', { store: fail }],
    ['transport.read', { transport: { read: fail, write: fail, clear: fail } }],
    ['transport.write', { transport: { read: () => undefined, write: fail, clear: fail } }]
  ])('of %s', async (_at, options) => {
    const site = await Site.open(options)
    expect((await site.visitor().visit((s) => void (s.n = 1))).status).toBe(500)
    expect(site.errors).toEqual([expect.any(Error)])
  })

  test.each(Object.keys(ways).flatMap((way) => hows.map((how) => [how, way] as const)))(
    'of a store under the drop-in that %s, for %s',
    async (how, way) => {
      const store = new expressSession.MemoryStore()
      const method = () => failures[how](reason)
      const options = { secret, store, resave: false, saveUninitialized: false }
      const begin = () => void Object.assign(store, { set: method, destroy: method })
      expect(await visited(dropIn(options), way, begin)).toEqual(refused)
    }
  )

  test.each(hows)('of a store under the drop-in that %s while it reads', async (how) => {
    const store = new expressSession.MemoryStore()
    const get = () => failures[how](reason)
    const options = { secret, store, resave: false, saveUninitialized: false }
    const begin = () => void Object.assign(store, { get })
    expect(await visited(dropIn(options), 'save(callback)', begin)).toEqual(refused)
  })
})
