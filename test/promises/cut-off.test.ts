import { constants, createServer, connect as connectHttp2 } from 'node:http2'
import { connect, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import session, { MemoryStore } from '../../lib'
import dropIn from '../../lib/express-session'
import { CountingStore, fails } from '../support/counting-store'
import { atEnd, serve } from '../support/serve'
import { portOf } from '../support/server'
import { secret, type Bag } from '../support/site'

type Handle = (req: IncomingMessage & { session: Bag }, res: ServerResponse) => void
type Entry = (store: CountingStore) => (req: never, res: never, next: (error?: unknown) => void) => void

const ENTRIES: [string, Entry][] = [
  ['the main entry', (store) => session({ secret, store }) as never],
  [
    'the drop-in',
    (store) => dropIn({ secret, store, name: 'sid', resave: false, saveUninitialized: false }) as never
  ]
]
const CHANGES: [string, (req: { session: unknown }) => void][] = [
  ['a change', ({ session }) => void ((session as Bag).n = 1)],
  ['a logout', ({ session }) => void (session as Bag).destroy().catch(() => undefined)]
]

/** A login, and a server whose store refuses from then on. */
async function open(entry: Entry, handle: Handle) {
  const store = new CountingStore(new MemoryStore())
  const middleware = entry(store)
  let run: Handle = (req, res) => {
    req.session.user = 'ann'
    res.end()
  }
  const listener = (req: IncomingMessage, res: ServerResponse) =>
    middleware(req as never, res as never, (error) => {
      if (error === undefined) run(req as never, res)
    })
  const port = portOf(await serve(listener))
  const login = await fetch(`http://127.0.0.1:${port}/`)
  const cookie = login.headers.getSetCookie()[0]!.split(';')[0]!
  run = handle
  const refuse = () => {
    store.always(fails, 'set')
    store.always(fails, 'destroy')
  }
  return { listener, port, cookie, refuse }
}

/** Resolves when the client has the first part of the body. */
let begun = Promise.resolve()

/** What a client sees until the connection ends, and how it ends. */
async function ask(port: number, cookie: string, version: string) {
  let hasBegun!: () => void
  begun = new Promise((resolve) => (hasBegun = resolve))
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let end = 'FIN'
  socket.on('data', (bytes) => {
    text += String(bytes)
    // Data and a reset that come together look like an end to libuv 1.46, of Node 20.
    if (text.includes('begun')) setImmediate(hasBegun)
  })
  socket.on('error', ({ code }: NodeJS.ErrnoException) => (end = code ?? ''))
  socket.write(`GET / HTTP/${version}\r\nHost: a\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`)
  await new Promise((resolve) => socket.once('close', resolve))
  const isComplete = end === 'FIN' && (version === '1.0' || text.endsWith('\r\n0\r\n\r\n'))
  return { status: Number(text.slice(9, 12)), isComplete }
}

describe.each(ENTRIES)(
  'a response whose commit fails after it has begun does not end as a whole one: %s',
  (_name, entry) => {
    describe.each(CHANGES)('%s', (_what, change) => {
      test.each(['1.0', '1.1'])('HTTP/%s', async (version) => {
        const begin: Handle = (req, res) => {
          void req.session.user
          res.write('begun')
          void begun.then(() => {
            change(req)
            res.end('done')
          })
        }
        const well = await open(entry, begin)
        expect(await ask(well.port, well.cookie, version)).toEqual({ status: 200, isComplete: true })
        const site = await open(entry, begin)
        site.refuse()
        expect(await ask(site.port, site.cookie, version)).toMatchObject({ status: 200, isComplete: false })
      })

      test.each(['respond of the stream', 'flushHeaders'])('HTTP/2, by %s', async (way) => {
        const site = await open(entry, (req, res) => {
          void req.session.user
          const { stream } = res as unknown as { stream: import('node:http2').ServerHttp2Stream }
          if (way === 'flushHeaders') res.flushHeaders()
          else stream.respond({ ':status': 200 })
          stream.write('begun', () => {
            change(req)
            if (way === 'flushHeaders') res.end('done')
            else stream.end('done')
          })
        })
        site.refuse()
        const server = createServer(site.listener as never).listen(0, '127.0.0.1')
        atEnd(server, (it) => new Promise((done) => it.close(done)))
        await once(server, 'listening')
        const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
        atEnd(client, (it) => it.destroy())
        const stream = client.request({ ':path': '/', cookie: site.cookie })
        stream.on('error', () => undefined).resume()
        await once(stream, 'close').catch(() => undefined)
        expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR)
      })
    })
  }
)
