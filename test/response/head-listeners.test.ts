import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import compression from 'compression'
import express, { type Response } from 'express'
import express4 from 'express4'
import session from '../../lib'
import expressSession from '../../lib/express-session'
import { Browser } from '../support/browser'
import { PROTOCOLS, TestServer, type Protocol } from '../support/hold-http'
import { onHeaders } from '../support/hold-listeners'

const TEXT = 'a line of an answer that is compressed\n'.repeat(100)
const secret = 'the secret of the applications behind compression'

type Flushing = Response & { flush?: () => void }
type Sender = readonly [name: string, send: (res: Flushing) => unknown]
type Layer = (req: never, res: never, next: () => void) => void

/** Each way of sending that plain Node has. */
const SENDERS: readonly Sender[] = [
  ['end', (res) => res.end(TEXT)],
  ['write and end', (res) => (res.write(TEXT), res.end())],
  ['writeHead and end', (res) => (res.writeHead(201, { 'X-A': '1' }), res.end(TEXT))],
  ['flushHeaders and write', (res) => (res.flushHeaders(), res.write(TEXT), res.end())],
  ['a pipe', (res) => Readable.from([TEXT, TEXT]).pipe(res)],
  [
    'an event stream',
    (res) => {
      res.setHeader('Content-Type', 'text/event-stream')
      res.flushHeaders()
      res.write('data: 1\n\n')
      res.flush?.()
      res.write(`data: ${TEXT.length}\n\n`)
      res.flush?.()
      res.end()
    }
  ]
]

const EXPRESS_SENDERS: readonly Sender[] = [
  ...SENDERS,
  ['json', (res) => res.json({ TEXT })],
  ['sendFile', (res) => res.sendFile(__filename)]
]

/** What a client sees of an answer, without what differs from one to the next. */
interface Seen {
  readonly status: number
  readonly encoding: string | undefined
  readonly type: string | undefined
  readonly length: string | undefined
  readonly listener: string | undefined
  readonly body: string
}

function seen(status: number, headers: Record<string, unknown>, bytes: Buffer): Seen {
  const encoding = headers['content-encoding'] as string | undefined
  return {
    status,
    encoding,
    type: headers['content-type'] as string | undefined,
    length: headers['content-length'] as string | undefined,
    listener: headers['x-listener'] as string | undefined,
    body: (encoding === 'gzip' ? gunzipSync(bytes) : bytes).toString()
  }
}

async function ask(listener: RequestListener, protocol: Protocol = 'HTTP/1.1'): Promise<Seen> {
  const server = await TestServer.open(protocol, listener)
  const { status, headers, bytes, complete } = await server.get({ headers: { 'accept-encoding': 'gzip' } })
  expect(complete).toBe(true)
  return seen(status, headers, bytes)
}

const PLACES = ['before', 'behind', 'absent'] as const
type Place = (typeof PLACES)[number]

const APPLICATIONS = [
  ['Express 5', express],
  ['Express 4', express4]
] as const

const SESSIONS = [
  ['holdfast', () => session({ secret }) as unknown as Layer],
  [
    'the drop-in',
    () => expressSession({ secret, resave: false, saveUninitialized: false }) as unknown as Layer
  ]
] as const

/** Looks at the session, if there is one, and gives the response something to wait for. */
function change(req: object, held: boolean): void {
  const { session: current } = req as { session?: Record<string, unknown> }
  if (held && current) current.n = 1
}

/** A listener of an application's own, which is asked once for each response. */
const listens: Layer = (_req, res: Response, next) => {
  onHeaders(res, () => res.setHeader('X-Listener', String(Number(res.getHeader('X-Listener') ?? 0) + 1)))
  next()
}

/** The layers in their order; `middle` is missing where the answer of an application without us is wanted. */
function layersOf(place: Place, middle: Layer | undefined): Layer[] {
  const layer = compression({ threshold: 0 }) as unknown as Layer
  return [
    ...(place === 'before' ? [listens, layer] : []),
    ...(middle ? [middle] : []),
    ...(place === 'behind' ? [listens, layer] : [])
  ]
}

describe.each(APPLICATIONS)('compression with %s', (_name, application) => {
  it.each(PLACES)('%s: each way of sending arrives as without a session', async (place) => {
    for (const [name, send] of EXPRESS_SENDERS) {
      const open = (middle: Layer | undefined, held: boolean) => {
        const app = application()
        for (const layer of layersOf(place, middle)) app.use(layer as never)
        app.use((req, res) => {
          change(req, held)
          res.setHeader('Content-Type', 'text/plain')
          send(res)
        })
        return ask(app as RequestListener)
      }
      const plain = await open(undefined, false)
      for (const [what, create] of SESSIONS) {
        for (const held of [true, false]) {
          const seen = await open(create(), held)
          expect({ name, what, held, ...seen }).toEqual({ name, what, held, ...plain })
        }
      }
    }
  })
})

describe.each(PROTOCOLS)('compression with plain Node over %s', (protocol) => {
  it.each(PLACES)('%s: each way of sending arrives as without a session', async (place) => {
    for (const [name, send] of SENDERS) {
      const open = (middle: Layer | undefined, held: boolean) =>
        ask((req, res) => {
          const layers = layersOf(place, middle)
          const next = (): void => {
            const layer = layers.shift()
            if (layer) return layer(req as never, res as never, next)
            change(req, held)
            res.setHeader('Content-Type', 'text/plain')
            send(res as Flushing)
          }
          next()
        }, protocol)
      const plain = await open(undefined, false)
      for (const held of [true, false]) {
        const seen = await open(session({ secret }), held)
        expect({ name, held, ...seen }).toEqual({ name, held, ...plain })
      }
    }
  })
})

test.each([
  ['the main entry', () => session({ secret })],
  ['the drop-in', () => expressSession({ secret, resave: false, saveUninitialized: false })]
])(
  'a change by a listener for headers in front of the session is stored, as with express-session: %s',
  async (_entry, create) => {
    const app = express()
    app.use((req, res, next) => {
      onHeaders(res, () => {
        const kept = (req as unknown as { session?: Record<string, unknown> }).session
        if (kept?.user) kept.last = req.url
      })
      next()
    })
    app.use(create() as never)
    app.get('/login', (req, res) => {
      Object.assign((req as unknown as { session: object }).session, { user: 'ann' })
      res.end()
    })
    app.get('/', (_req, res) => (res.writeHead(200, { 'X-A': '1' }), res.end('all of it')))
    app.get(
      '/last',
      (req, res) => void res.send((req as unknown as { session: Record<string, unknown> }).session.last)
    )
    const browser = await Browser.open(app, 'x')
    const { headers } = await browser.get('/login')
    const cookie = headers['set-cookie']![0]!.split(';')[0]!
    expect((await browser.get('/', { cookie })).text).toBe('all of it')
    expect((await browser.get('/last', { cookie })).text).toBe('/')
  }
)
