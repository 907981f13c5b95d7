import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gunzipSync } from 'node:zlib'
import compression from 'compression'
import express, { type Handler, type Response } from 'express'
import express4 from 'express4'
import session from '../../lib'
import dropIn from '../../lib/express-session'
import { HeldApp, type Layer } from '../support/hold-app'
import { TestServer, type Answer } from '../support/hold-http'
import { secret } from '../support/site'

const EVENT = 'data: something that happened\n\n'

type Flushing = Response & { flush?: () => void }

/** What handlers of event streams do, each with a few events. */
const SENDERS: [string, (res: Flushing) => unknown][] = [
  ['flushHeaders, write, end', (res) => (res.flushHeaders(), res.write(EVENT), res.end(EVENT))],
  ['flushHeaders, end', (res) => (res.flushHeaders(), res.end(EVENT))],
  [
    'flushHeaders, write, flush, end',
    (res) => (res.flushHeaders(), res.write(EVENT), res.flush?.(), setImmediate(() => res.end(EVENT)))
  ],
  ['flushHeaders, a pipeline', (res) => (res.flushHeaders(), pipeline(Readable.from([EVENT, EVENT]), res))],
  [
    'writeHead, flushHeaders, write, end',
    (res) => (res.writeHead(200), res.flushHeaders(), res.write(EVENT), res.end())
  ],
  ['write, end', (res) => (res.write(EVENT), res.end(EVENT))],
  ['end', (res) => res.end(EVENT)]
]

const options = { resave: false, saveUninitialized: false }
const SESSIONS: [string, () => Handler][] = [
  ['the main entry, rolling', () => session({ secret, renew: 'always' })],
  ['the main entry', () => session({ secret })],
  ['the drop-in, rolling', () => dropIn({ secret, ...options, rolling: true })],
  ['the drop-in', () => dropIn({ secret, ...options })]
]

const ZIPPED = { 'accept-encoding': 'gzip' }

type Position = 'absent' | 'before' | 'behind'

function open(make: typeof express, middleware: Handler | undefined, where: Position, handler: Handler) {
  const app = make()
  const layer = compression({ threshold: 0 }) as unknown as Handler
  if (where === 'before') app.use(layer)
  if (middleware) app.use(middleware)
  if (where === 'behind') app.use(layer)
  app.use(handler)
  return TestServer.open('HTTP/1.1', app as never)
}

/** What the client makes of it. */
function seen({ status, headers, bytes, complete }: Answer) {
  const { 'content-encoding': encoding, 'content-type': type } = headers
  const isZipped = encoding === 'gzip' && bytes[0] === 0x1f
  return { status, complete, encoding, type, body: (isZipped ? gunzipSync(bytes) : bytes).toString() }
}

describe.each<[string, typeof express]>([
  ['Express 5', express],
  ['Express 4', express4]
])('on %s, an event stream arrives as without a session', (_express, make) => {
  describe.each<Position>(['absent', 'before', 'behind'])('with compression %s', (where) => {
    describe.each(SENDERS)('%s', (_sender, sender) => {
      const handler: Handler = (req, res) => {
        const s = req.session as unknown as Record<string, unknown> | undefined
        if (s && (req.query.changes || s.user === undefined)) s.user = String(Math.random())
        res.setHeader('Content-Type', 'text/event-stream')
        return void sender(res)
      }
      let expected: ReturnType<typeof seen>
      beforeAll(async () => {
        const plain = await open(make, undefined, where, handler)
        expected = seen(await plain.get({ headers: ZIPPED }))
      })

      test.each(SESSIONS)('%s', async (_session, middleware) => {
        const held = await open(make, middleware(), where, handler)
        const first = await held.get({ headers: ZIPPED })
        expect(seen(first)).toEqual(expected)
        const cookie = [first.headers['set-cookie']].flat()[0]!.split(';')[0]!
        for (const path of ['/', '/?changes=1']) {
          expect(seen(await held.get({ path, headers: { ...ZIPPED, cookie } }))).toEqual(expected)
        }
      })
    })
  })
})

test('on HTTP/2, what a handler sends by the stream itself does not say 200 to a change that is lost', async () => {
  const handler: Layer = (req, res) => {
    req.session.n = 1
    const { stream } = res as unknown as { stream: import('node:http2').ServerHttp2Stream }
    stream.respond({ ':status': 200 })
    stream.end('sent')
  }
  const begin: Layer = (req, res, next) => {
    if (req.url !== '/begin') return next()
    req.session.n = 0
    res.end()
  }
  const app = await HeldApp.open('HTTP/2', [begin, handler])
  await app.get({ path: '/begin' })
  const { status, complete } = await app.get()
  const { n } = (await app.stored())!
  expect([status, complete, n]).not.toEqual([200, true, 0])
})
