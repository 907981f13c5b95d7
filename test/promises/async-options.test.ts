import { randomUUID } from 'node:crypto'
import express from 'express'
import { MemoryStore, type SessionOptions } from '../../lib'
import { cookieTransport } from '../../lib/cookie/transport'
import dropIn from '../../lib/express-session'
import { secret, Site } from '../support/site'

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => void process.off('unhandledRejection', note))
beforeEach(() => void unhandled.splice(0))

const rejects = () => Promise.reject(new Error('the database is down')) as never

/** Two rounds of the event loop: Node says what nobody has heard of at the end of one. */
const round = () => new Promise<void>((resolve) => void setImmediate(() => void setImmediate(resolve)))

const store = new MemoryStore()
const transport = cookieTransport({ name: 'sid' })
const codec = {
  encode: JSON.stringify,
  decode: (text: string) => JSON.parse(text) as Record<string, unknown>
}

type Guard = <F extends (...args: never[]) => unknown>(fn: F) => F

describe('an option that answers with a promise is refused, and its rejection does not end the process', () => {
  test.each<[string, (later: Guard) => Partial<SessionOptions>, string?]>([
    ['secret', (later) => ({ secret: later(() => secret) })],
    ['store', (later) => ({ store: later(() => store) })],
    ['load', (later) => ({ load: later(() => 'eager') })],
    ['genid', (later) => ({ genid: later(randomUUID) as () => string })],
    ['beforeSave', (later) => ({ beforeSave: later(() => undefined) })],
    ['user', (later) => ({ user: later(() => undefined) })],
    ['codec.encode', (later) => ({ codec: { ...codec, encode: later(codec.encode) } })],
    ['codec.decode', (later) => ({ codec: { ...codec, decode: later(codec.decode) } })],
    ['merge', (later) => ({ merge: later((_base, mine) => mine) })],
    [
      'transport.read',
      (later) => ({ transport: { ...transport, read: later(transport.read) } }),
      'transport'
    ],
    [
      'transport.write',
      (later) => ({ transport: { ...transport, write: later(transport.write) } }),
      'transport'
    ],
    [
      'transport.clear',
      (later) => ({ transport: { ...transport, clear: later(transport.clear) } }),
      'transport'
    ]
  ])('%s', async (name, options, said = name) => {
    let isLater = false
    const later: Guard = (fn) => ((...args: never[]) => (isLater ? rejects() : fn(...args))) as typeof fn
    const site = await Site.open(options(later))
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.n = 1))
    isLater = true
    await visitor.visit(async (s) => {
      await visitor.clone().visit((other) => void (other.a = 1))
      s.n = 2
    })
    await visitor.visit((s) => s.regenerate().then(() => null))
    await visitor.visit((s) => s.destroy())
    await round()
    expect(site.errors[0]).toMatchObject({
      code: 'ERR_SESSION_OPTIONS',
      message: `${said} must not be asynchronous: nothing waits for it`
    })
    expect(unhandled).toEqual([])
  })

  test.each(['genid', 'cookie'])('%s of the drop-in', async (name) => {
    const app = express()
    const errors: unknown[] = []
    app.use(dropIn({ secret, [name]: rejects, resave: false, saveUninitialized: true }))
    app.use(((error, _req, res, _next) => {
      errors.push(error)
      res.status(500).end()
    }) as express.ErrorRequestHandler)
    const { status } = await (await Site.listen(app as never)).visitor().send('/')
    await round()
    expect([status, errors]).toEqual([500, [expect.objectContaining({ code: 'ERR_SESSION_OPTIONS' })]])
    expect(unhandled).toEqual([])
  })
})

test.each([undefined, 'Lazy', true])(
  'load may not return %s: it would be taken for eager',
  async (answer) => {
    const site = await Site.open({ load: () => answer as never })
    expect((await site.visitor().visit((s) => s.n)).status).toBe(500)
    expect(site.errors[0]!.message).toBe("load must return 'eager' or 'lazy'")
  }
)
