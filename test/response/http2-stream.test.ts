import type { ServerHttp2Stream } from 'node:http2'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { hasLeft, HeldServer } from '../support/hold-rig'

const streamOf = (res: ServerResponse) => (res as unknown as { stream: ServerHttp2Stream }).stream

const SENDERS: [string, (stream: ServerHttp2Stream) => void, number][] = [
  [
    'respond and end',
    (stream) => (stream.respond({ ':status': 201, 'x-a': '1' }), stream.end('all of it')),
    201
  ],
  [
    'respond, write and end',
    (stream) => (stream.respond({ ':status': 201 }), stream.write('all '), stream.end('of it')),
    201
  ],
  ['write and end', (stream) => (stream.write('all '), stream.end('of it')), 200],
  ['end', (stream) => stream.end('all of it'), 200]
]

describe.each(SENDERS)(
  'an HTTP/2 stream that is answered past its response, by %s',
  (_what, send, status) => {
    it('waits for the commit, and takes the headers of the gate', async () => {
      const rig = await HeldServer.open('HTTP/2', async ({ res, gate }) => {
        res.setHeader('X-Outer', '1')
        gate.onHeaders = () => res.setHeader('Set-Cookie', 'gate=1')
        send(streamOf(res))
        await gate.asked()
        await new Promise(setImmediate)
        expect(hasLeft(res)).toBe(false)
        gate.allow()
      })
      const answer = await rig.server.get()
      expect(answer).toMatchObject({ status, body: 'all of it', complete: true })
      expect(answer.headers['set-cookie']).toEqual(['gate=1'])
      expect(answer.headers).not.toHaveProperty('x-outer')
      expect(rig.gate.log.slice(0, 3)).toEqual(['commit', 'committed', 'headers'])
    })

    it('is sent at once where there is nothing to commit', async () => {
      const rig = await HeldServer.open('HTTP/2', ({ res, gate }) => {
        gate.changed = false
        send(streamOf(res))
        expect(hasLeft(res)).toBe(true)
      })
      expect(await rig.server.get()).toMatchObject({ status, body: 'all of it', complete: true })
    })

    it('is broken off where the store says no, and nothing of it leaves', async () => {
      const rig = await HeldServer.open('HTTP/2', ({ res, gate }) => {
        gate.onCommit = () => gate.refuse()
        send(streamOf(res))
      })
      expect(await rig.server.get()).toMatchObject({ body: '', complete: false })
    })
  }
)

it('commits what changed since an HTTP/2 stream responded before that stream ends', async () => {
  const rig = await HeldServer.open('HTTP/2', async ({ res, gate }) => {
    gate.changed = false
    const stream = streamOf(res)
    stream.respond({ ':status': 200 })
    stream.write('begun, ')
    await exchange.received('begun, ')
    gate.changed = true
    stream.end('ended')
    expect(gate.log).toEqual(['headers', 'commit'])
    await new Promise(setImmediate)
    expect(exchange.size).toBe('begun, '.length)
    gate.allow()
  })
  const exchange = rig.ask()
  expect(await exchange.ended.seen).toMatchObject({ body: 'begun, ended', complete: true })
})

const MIXED: [string, (res: ServerResponse, stream: ServerHttp2Stream) => unknown][] = [
  ['write of the response, end of the stream', (res, stream) => (res.write('a'), stream.end('b'))],
  ['write of the response, bare end of the stream', (res, stream) => (res.write('ab'), stream.end())],
  ['writeHead, end of the stream', (res, stream) => (res.writeHead(200), stream.end('ab'))],
  ['flushHeaders, end of the stream', (res, stream) => (res.flushHeaders(), stream.end('ab'))],
  ['write, and a pipe into the stream', (res, stream) => (res.write('a'), Readable.from(['b']).pipe(stream))],
  [
    'writeHead, and a pipe into the stream',
    (res, stream) => (res.writeHead(200), Readable.from(['a', 'b']).pipe(stream))
  ],
  ['write of the stream, end of the response', (res, stream) => (stream.write('a'), res.end('b'))],
  ['write of both, end of the stream', (res, stream) => (stream.write('a'), res.write('b'), stream.end())],
  ['write of both, end of the response', (res, stream) => (res.write('a'), stream.write('b'), res.end())]
]

describe.each(MIXED)('an HTTP/2 response that is sent in both ways, by %s', (_what, send) => {
  it('is sent whole and in order after the commit', async () => {
    const rig = await HeldServer.open('HTTP/2', ({ res }) => void send(res, streamOf(res)))
    expect(await rig.get()).toMatchObject({ status: 200, body: 'ab', complete: true })
  })

  it('ends where the store says no, and nothing of it leaves', async () => {
    const rig = await HeldServer.open('HTTP/2', ({ res, gate }) => {
      gate.onCommit = () => setImmediate(() => gate.refuse())
      send(res, streamOf(res))
    })
    const { body, complete } = await rig.server.get()
    expect(complete ? ['error page', 'Service Unavailable\n'] : ['']).toContain(body)
  })
})
