import { once } from 'node:events'
import { ServerResponse } from 'node:http'
import { Writable } from 'node:stream'
import { PROTOCOLS, Signal } from '../support/hold-http'
import { HeldServer, TestGate } from '../support/hold-rig'
import { HeaderSnapshot, ResponseHold } from '../../lib/response/response-hold'

/** A response without a connection, and what it sends: adapters for AWS Lambda collect the body in this way. */
function collecting() {
  const chunks: Buffer[] = []
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    }
  })
  const res = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as never)
  res.assignSocket(socket as never)
  const sent = () => Buffer.concat(chunks).toString()
  return { res, sent }
}

describe('an adapter that takes a response for complete once it has ended', () => {
  it('waits for a held response to finish, and gets its body and its headers', async () => {
    const { res, sent } = collecting()
    const gate = new TestGate()
    gate.onHeaders = () => res.setHeader('Set-Cookie', 'gate=1')
    new ResponseHold('GET', res, gate, new HeaderSnapshot(res), () => undefined)
    res.end('the body')
    expect(res.headersSent).toBe(true)
    expect(res.writableEnded).toBe(false)
    const finished = once(res, 'finish')
    gate.allow()
    await finished
    expect(res.writableEnded).toBe(true)
    expect(sent()).toContain('Set-Cookie: gate=1')
    expect(sent()).toContain('the body')
  })

  it('need not wait where there is nothing to commit', () => {
    const { res } = collecting()
    const gate = new TestGate()
    gate.changed = false
    new ResponseHold('GET', res, gate, new HeaderSnapshot(res), () => undefined)
    res.end('the body')
    expect(res.writableEnded).toBe(true)
  })
})

it('takes a response whose names of headers nobody knows as they were written', async () => {
  const { res, sent } = collecting()
  const gate = new TestGate()
  Object.assign(res, {
    getRawHeaderNames: () => {
      throw new TypeError('a mock keeps its headers elsewhere')
    }
  })
  res.setHeader('X-Outer', '1')
  new ResponseHold('GET', res, gate, new HeaderSnapshot(res), () => res.end('error page'))
  res.removeHeader('X-Outer')
  res.setHeader('X-Inner', '1')
  res.end('handler')
  const finished = once(res, 'finish')
  gate.refuse()
  await finished
  expect(sent()).toMatch(/^x-outer: 1\r$/im)
  expect(sent()).not.toMatch(/x-inner|handler/i)
})

describe.each(PROTOCOLS)('a write after the end, over %s', (protocol) => {
  it.each([true, false])(
    'is no error that nobody listens for, and its callback hears of it, held: %s',
    async (held) => {
      const heard = new Signal<unknown>('the callback')
      const rig = await HeldServer.open(protocol, ({ res, gate }) => {
        gate.changed = held
        res.end('all of it')
        expect(res.write('late', heard.resolve)).toBe(false)
      })
      expect(await rig.get()).toMatchObject({ body: 'all of it', complete: true })
      expect(await heard.seen).toMatchObject({ code: 'ERR_STREAM_WRITE_AFTER_END' })
    }
  )

  it.each([true, false])('nor is a second end with a body, held: %s', async (held) => {
    const rig = await HeldServer.open(protocol, ({ res, gate }) => {
      gate.changed = held
      res.end('all of it')
      res.end('again')
    })
    expect(await rig.get()).toMatchObject({ body: 'all of it', complete: true })
    expect((await rig.get()).status).toBe(200)
  })
})
