import { Transform, type TransformCallback } from 'node:stream'
import cookieParser from 'cookie-parser'
import { sign } from 'cookie-signature'
import express, { type RequestHandler } from 'express'
import { asked, both, secret, storeOf, type Bag, type Module, type Req } from '../support/both'
import { Browser } from '../../support/browser'

/**
 * A web framework that has sessions for HTTP, for requests that came over a socket and are imitated, and for the code of its
 * sockets, which asks the store itself.
 */
function lift(session: Module) {
  const store = storeOf(session)
  const options = { resave: true, saveUninitialized: true, name: 'sails.sid', secret, store: store as never }
  const visit: RequestHandler = (req, res) => {
    const { session } = req as unknown as Req
    session.visits = ((session.visits as number) ?? 0) + 1
    res.end(`visit ${session.visits as number}`)
  }
  const stack = express.Router().use(cookieParser(secret), session(options), visit)

  /** A request without a socket of its own, answered by a response that is only a stream. */
  const overSocket = async (cookie?: string) => {
    const how = { method: 'GET', url: '/', originalUrl: '/', headers: { cookie } }
    const req = Object.assign(new Stream(), how)
    const res = new ImitatedResponse()
    let text = ''
    res.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await new Promise<unknown>((resolve, reject) => {
      res.once('finish', resolve)
      stack(req as never, res as never, reject)
    })
    const { session, sessionID } = req as unknown as Req
    await asked((done) => session.save(done))
    return { text, id: sessionID }
  }
  return { app: express().use(stack), store, overSocket }
}

/** The framework signs the cookie of a socket itself. */
const cookieOf = (id: string) => `sails.sid=${encodeURIComponent(`s:${sign(id, secret)}`)}`

describe.each(both)('%s', (_name, session) => {
  test('a visitor has one session over HTTP and over a socket', async () => {
    const { app, overSocket } = lift(session)
    const browser = await Browser.open(app)
    expect((await browser.get('/')).text).toBe('visit 1')
    expect((await overSocket(browser.cookies.header)).text).toBe('visit 2')
    expect((await browser.get('/')).text).toBe('visit 3')
  })

  test('an id that the framework made up and signed begins a session under another id', async () => {
    const { overSocket, store } = lift(session)
    const { text, id } = await overSocket(cookieOf('an id of the framework'))
    expect([text, id === 'an id of the framework']).toEqual(['visit 1', false])
    expect(await asked((done) => store.get(id, done))).toMatchObject({ visits: 1 })
    expect((await overSocket(cookieOf(id))).text).toBe('visit 2')
  })

  test('the code of a socket reads a session from the store, changes it and stores it', async () => {
    const { overSocket, store } = lift(session)
    const { id } = await overSocket()
    const stored = (await asked<Bag | null>((done) => store.get(id, done)))!
    await asked((done) => store.set(id, { ...stored, visits: 7 }, done))
    expect(await asked((done) => store.get(id, done))).toMatchObject({ visits: 7 })
    expect((await overSocket(cookieOf(id))).text).toBe('visit 8')
  })
})

class Stream extends Transform {
  override _transform(chunk: unknown, _encoding: string, done: TransformCallback): void {
    done(null, chunk)
  }
}

/** Its headers count as sent from the beginning. */
class ImitatedResponse extends Stream {
  statusCode = 200
  readonly #headers: Record<string, unknown> = {}
  readonly _header = this.#headers
  setHeader(name: string, value: unknown): void {
    this.#headers[name.toLowerCase()] = value
  }
  getHeader(name: string): unknown {
    return this.#headers[name.toLowerCase()]
  }
  removeHeader(name: string): void {
    delete this.#headers[name.toLowerCase()]
  }
  writeHead(status: number, headers: object = {}): void {
    this.statusCode = status
    for (const [name, value] of Object.entries(headers)) this.setHeader(name, value)
  }
}
