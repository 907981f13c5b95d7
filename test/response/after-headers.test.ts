import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PROTOCOLS, Signal, type Asked } from '../support/hold-http'
import { hasLeft, HeldServer, type Held } from '../support/hold-rig'

/** A response of which a part has left, and with something to commit since. */
const streaming = (rest: (held: Held) => unknown) => async (held: Held) => {
  const { res, gate } = held
  gate.changed = false
  res.write('part ')
  await sent.seen
  gate.changed = true
  await rest(held)
}
let sent: Signal

beforeEach(() => {
  sent = new Signal('the first part')
})

describe.each(PROTOCOLS)('after the headers have gone, over %s', (protocol) => {
  const ask = async (rest: (held: Held) => unknown) => {
    const rig = await HeldServer.open(protocol, streaming(rest))
    const exchange = rig.ask()
    exchange.received('part ').then(sent.resolve, sent.reject)
    return { rig, exchange }
  }

  it('what changed is committed before the end', async () => {
    const { rig, exchange } = await ask(async ({ res, gate }) => {
      res.write('next ')
      await exchange.received('next ')
      expect(gate.log).toEqual(['headers'])
      expect(res.end('last')).toBe(res)
      expect(res.writableEnded).toBe(true)
      await new Promise(setImmediate)
      expect(exchange.size).toBe('part next '.length)
      gate.allow()
    })
    expect(await exchange.ended.seen).toMatchObject({ status: 200, body: 'part next last', complete: true })
    expect(rig.gate.log).toEqual(['headers', 'commit', 'committed'])
  })

  it('nothing is held where nothing changed since', async () => {
    const { rig, exchange } = await ask(({ res, gate }) => {
      gate.changed = false
      res.end('last')
      expect(hasLeft(res)).toBe(true)
    })
    expect((await exchange.ended.seen).body).toBe('part last')
    expect(rig.gate.log).toEqual(['headers'])
  })

  it('a second end asks for nothing', async () => {
    const { rig, exchange } = await ask(({ res, gate }) => {
      gate.changed = false
      res.end('last')
      gate.changed = true
      res.end()
    })
    expect((await exchange.ended.seen).body).toBe('part last')
    expect(rig.gate.log).toEqual(['headers'])
  })

  it('the headers stay as they were sent', async () => {
    const { exchange } = await ask(({ res, gate }) => {
      expect(() => res.setHeader('X-A', '1')).toThrow()
      res.end('last')
      expect(() => res.setHeader('X-A', '1')).toThrow()
      expect(() => res.writeHead(500)).toThrow()
      expect(res.headersSent).toBe(true)
      gate.allow()
    })
    expect((await exchange.ended.seen).body).toBe('part last')
  })

  it('arguments are checked at the call, and the end can be made again', async () => {
    const { rig, exchange } = await ask(({ res, gate }) => {
      expect(() => res.end(5)).toThrow('chunk')
      expect(res.writableEnded).toBe(false)
      res.write('more ')
      res.end('last')
      gate.allow()
    })
    expect(await exchange.ended.seen).toMatchObject({ body: 'part more last', complete: true })
    expect(rig.gate.log).toEqual(['headers', 'commit', 'committed'])
  })

  it('a failure breaks the response off, so that the client knows', async () => {
    const told = new Signal<unknown>('the callback')
    const { rig, exchange } = await ask(({ res, gate }) => {
      res.end('last', told.resolve as () => void)
      gate.refuse()
    })
    expect(await exchange.ended.seen).toMatchObject({ status: 200, body: 'part ', complete: false })
    expect(await told.seen).toMatchObject({ message: 'the store says no' })
    expect(rig.errors).toMatchObject([{ message: 'the store says no' }])
    // The process is up, and so is the server.
    rig.gate.onCommit = () => rig.gate.allow()
    expect(await rig.server.get()).toMatchObject({ body: 'part last', complete: true })
  })

  it('a failure ends a pipeline with an error', async () => {
    const ended = new Signal<unknown>('the pipeline')
    const { exchange } = await ask(({ res, gate }) => {
      gate.onCommit = () => gate.refuse()
      pipeline(Readable.from(['more']), res).then(ended.resolve, ended.resolve)
    })
    expect((await exchange.ended.seen).complete).toBe(false)
    expect(await ended.seen).toMatchObject({ message: 'the store says no' })
  })
})

const BODILESS: [string, Asked, (res: ServerResponse) => unknown][] = [
  ['to HEAD', { method: 'HEAD' }, () => undefined],
  ['with the status 204', {}, (res) => (res.statusCode = 204)],
  ['with the status 304', {}, (res) => (res.statusCode = 304)],
  ['of the length 0', {}, (res) => res.setHeader('Content-Length', '0')]
]

const FLUSHERS: [string, (res: ServerResponse) => unknown][] = [
  ['flushHeaders', (res) => res.flushHeaders()],
  ['writeHead and flushHeaders', (res) => (res.writeHead(res.statusCode), res.flushHeaders())],
  ['an empty write', (res) => res.write('')],
  // A text would be longer than a Content-Length of 0.
  ['a write of a body', (res) => res.write(res.hasHeader('Content-Length') ? '' : 'text')],
  ['flushHeaders and a write', (res) => (res.flushHeaders(), res.write(''))]
]

// The client has the whole of such a response with its headers.
describe.each(PROTOCOLS)('a response without a body, over %s', (protocol) => {
  describe.each(BODILESS)('%s', (_what, asked, prepare) => {
    test.each(FLUSHERS)('waits for what changes after %s', async (_how, flush) => {
      const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
        gate.changed = false
        prepare(res)
        flush(res)
        expect(res.headersSent).toBe(true)
        expect(() => res.setHeader('X-A', '1')).toThrow()
        gate.changed = true
        await new Promise(setImmediate)
        expect(res.end()).toBe(res)
        await gate.asked()
        await new Promise(setImmediate)
        expect(hasLeft(res)).toBe(false)
        gate.allow()
      })
      expect(await rig.ask(asked).ended.seen).toMatchObject({ body: '', complete: true })
      expect(rig.gate.log.filter((what) => what !== 'headers')).toEqual(['commit', 'committed'])
    })

    test.each(FLUSHERS)('is no success if a change after %s is refused', async (_how, flush) => {
      const rig = await HeldServer.open(protocol, ({ res, gate }) => {
        gate.changed = false
        prepare(res)
        flush(res)
        gate.changed = true
        gate.onCommit = () => gate.refuse()
        res.end()
      })
      expect([0, 503]).toContain((await rig.ask(asked).ended.seen).status)
      expect(rig.errors).toMatchObject([{ message: 'the store says no' }])
    })
  })

  it('to HEAD ends when the body that is piped into it does, and after the commit', async () => {
    const piped = new Signal('the end of the pipeline')
    const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
      gate.changed = false
      const chunks = function* () {
        for (let i = 0; i < 20; i++) yield Buffer.alloc(50_000)
        gate.changed = true
      }
      gate.onCommit = () => {
        expect(hasLeft(res)).toBe(false)
        gate.allow()
      }
      await pipeline(Readable.from(chunks()), res)
      piped.resolve()
    })
    expect(await rig.ask({ method: 'HEAD' }).ended.seen).toMatchObject({ status: 200, complete: true })
    await piped.seen
    expect(rig.gate.log.filter((what) => what !== 'headers')).toEqual(['commit', 'committed'])
  })

  it('to HEAD refuses a body that is no text at the call, and can go on', async () => {
    const rig = await HeldServer.open(protocol, ({ res, gate }) => {
      gate.changed = false
      expect(() => res.write(5)).toThrow('chunk')
      res.write('text')
      expect(() => res.write(5)).toThrow('chunk')
      res.end()
    })
    expect(await rig.ask({ method: 'HEAD' }).ended.seen).toMatchObject({ status: 200, complete: true })
  })

  it('to HEAD is answered at once if it is an event stream, which may never end', async () => {
    const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
      gate.changed = false
      res.setHeader('Content-Type', 'text/event-stream')
      res.flushHeaders()
      await exchange.begun.seen
      res.end()
    })
    const exchange = rig.ask({ method: 'HEAD' })
    expect((await exchange.ended.seen).status).toBe(200)
  })
})

it('an empty write does not send a response of the length 0 before its last change is stored', async () => {
  const written = new Signal('the callback of the write')
  const rig = await HeldServer.open('HTTP/1.1', async ({ res, gate }) => {
    gate.changed = false
    res.setHeader('Content-Length', '0')
    expect(res.write('', () => written.resolve())).toBe(true)
    await written.seen
    gate.changed = true
    res.end()
    expect(hasLeft(res)).toBe(false)
    gate.allow()
  })
  expect(await rig.ask().ended.seen).toMatchObject({ status: 200, complete: true })
})
