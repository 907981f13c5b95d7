import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import session from '../../lib'
import { fails } from '../support/counting-store'
import { HeldStore, type Request } from '../support/hold-app'
import { Signal, TestServer } from '../support/hold-http'

const secret = 'what signs the cookies where responses are fakes'

/** A request as an upgrade to WebSocket brings it. */
function upgrade(): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { url: '/', method: 'GET' })
}

async function through(store: HeldStore, res: object) {
  const req = upgrade() as Request
  const next = [new Signal<unknown>('next'), new Signal<unknown>('next with an error')]
  let calls = 0
  session({ secret, store })(req, res, (error) => next[calls++]?.resolve(error))
  expect(await next[0]!.seen).toBeUndefined()
  return { req, failed: next[1]! }
}

it.each<[string, object]>([
  ['nothing at all', {}],
  ['an end alone', { end: () => undefined }]
])('gives a session to a request whose response is %s', async (_what, res) => {
  const store = new HeldStore()
  const { req } = await through(store, res)
  req.session.name = 'test'
  await req.session.save()
  expect(store.size).toBe(1)
})

it('commits at the end, where there is one', async () => {
  const store = new HeldStore()
  const ended = new Signal('end')
  const res = { end: () => ended.resolve() }
  const { req } = await through(store, res)
  req.session.name = 'test'
  expect(store.size).toBe(0)
  res.end()
  await ended.seen
  expect(store.size).toBe(1)
})

it('tells `next` where the store says no', async () => {
  const store = new HeldStore()
  store.always(fails, 'set')
  const res = { end: () => undefined }
  const { req, failed } = await through(store, res)
  req.session.name = 'test'
  res.end()
  expect(await failed.seen).toMatchObject({ code: 'ERR_SESSION_STORE' })
})

it('gives a handshake its headers at once where nothing is to be stored', async () => {
  const headers: Record<string, unknown> = {}
  const res = {
    setHeader: (name: string, value: unknown) => void (headers[name] = value),
    getHeader: (name: string) => headers[name],
    removeHeader: () => undefined,
    write: () => undefined,
    writeHead: () => undefined,
    end: () => undefined
  }
  const { req } = await through(new HeldStore(), res)
  expect(req.session.id).toHaveLength(43)
  res.writeHead()
  expect(headers).toEqual({ Vary: 'Cookie' })
})

describe('node:http, with a function in the place of next', () => {
  const open = async (store: HeldStore, errors: unknown[]) => {
    const middleware = session({ secret, store })
    return TestServer.open('HTTP/1.1', (req, res) =>
      middleware(req, res, (error) => {
        if (error) {
          errors.push(error)
          res.writeHead((error as { status: number }).status, { 'X-Page': 'error' })
          return res.end('error page')
        }
        ;(req as Request).session.name = 'test'
        res.writeHead(200, { 'Content-Type': 'application/json' })
        res.end('{"ok": 1}')
      })
    )
  }

  it('holds the response', async () => {
    const store = new HeldStore()
    const errors: unknown[] = []
    const answer = await (await open(store, errors)).get()
    expect(answer).toMatchObject({ status: 200, body: '{"ok": 1}' })
    expect(answer.headers['set-cookie']).toHaveLength(1)
    expect(store.size).toBe(1)
    expect(errors).toEqual([])
  })

  it('calls it again with the error where the store says no', async () => {
    const store = new HeldStore()
    store.always(fails, 'set')
    const errors: unknown[] = []
    const answer = await (await open(store, errors)).get()
    expect(answer).toMatchObject({ status: 503, body: 'error page', headers: { 'x-page': 'error' } })
    expect(answer.headers).not.toHaveProperty('set-cookie')
    expect(answer.headers).not.toHaveProperty('content-type')
    expect(errors).toHaveLength(1)
  })
})
