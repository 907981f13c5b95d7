import { HeaderSnapshot, ResponseHold } from '../../lib/response/response-hold'
import type { HoldableResponse } from '../../lib/response/response'
import { Signal } from '../support/hold-http'
import { TestGate, unavailable } from '../support/hold-rig'

function hold(res: object, gate = new TestGate()) {
  const failed = new Signal<unknown>('an error')
  const fake = res as HoldableResponse
  const held = new ResponseHold('GET', fake, gate, new HeaderSnapshot(fake), failed.resolve)
  return { gate, held, failed }
}

/** What socket.io hands to middlewares for a WebSocket: it reads the headers right after `writeHead()`. */
class HandshakeResponse {
  readonly headers: Record<string, unknown> = {}
  readonly log: string[] = []
  readonly ended = new Signal('end')
  setHeader(name: string, value: unknown) {
    this.headers[name] = value
  }
  getHeader(name: string) {
    return this.headers[name]
  }
  removeHeader(name: string) {
    Reflect.deleteProperty(this.headers, name)
  }
  write() {
    this.log.push('write')
  }
  writeHead(...args: unknown[]) {
    this.log.push(`writeHead ${args.length}`)
  }
  end() {
    this.log.push('end')
    this.ended.resolve()
  }
}

const settled = () => new Promise(setImmediate)

describe('what is no response at all', () => {
  it('has nothing to hold', () => {
    const res = {}
    const { held } = hold(res)
    expect(res).toEqual({})
    expect(held.begun).toBe(false)
  })

  it('can have an end, and no more', async () => {
    const ended = new Signal('end')
    const res = { end: () => ended.resolve() }
    const { gate } = hold(res)
    expect(res.end()).toBe(res)
    gate.allow()
    await ended.seen
    expect(gate.log).toEqual(['commit', 'committed', 'headers'])
  })

  it('can have an end, and a store that says no', async () => {
    const end = jest.fn()
    const res = { end }
    const { gate, failed } = hold(res)
    res.end()
    const error = unavailable()
    gate.refuse(error)
    expect(await failed.seen).toBe(error)
    expect(end).not.toHaveBeenCalled()
    res.end()
    expect(end).toHaveBeenCalledTimes(1)
  })

  it('can have writes alone', async () => {
    const write = jest.fn(() => true)
    const res: { write: (...args: unknown[]) => unknown } = { write }
    const { gate } = hold(res)
    // A fake has no rules for its arguments.
    expect(res.write(5)).toBe(false)
    gate.allow()
    await settled()
    expect(write.mock.calls).toEqual([[5]])
  })
})

describe('the response of a handshake', () => {
  it('gets writeHead() without arguments, at once where nothing changed', () => {
    const res = new HandshakeResponse()
    const { gate } = hold(res)
    gate.changed = false
    gate.onHeaders = () => res.setHeader('Set-Cookie', 'gate=1')
    res.writeHead()
    expect(res.log).toEqual(['writeHead 0'])
    expect(res.headers).toEqual({ 'Set-Cookie': 'gate=1' })
  })

  it('gets writeHead() without arguments after the commit', async () => {
    const res = new HandshakeResponse()
    const { gate } = hold(res)
    res.writeHead()
    expect(res.log).toEqual([])
    gate.allow()
    await settled()
    expect(res.log).toEqual(['writeHead 0'])
    expect(gate.log).toEqual(['commit', 'committed', 'headers'])
  })

  it('takes headers with writeHead', async () => {
    const res = new HandshakeResponse()
    const { gate } = hold(res)
    res.writeHead(200, ['X-A', '1', 'X-A', '2'])
    gate.allow()
    await settled()
    expect(res.headers).toEqual({ 'X-A': '2' })
    expect(res.log).toEqual(['writeHead 1'])
  })

  it('is ended where the session could not be stored', async () => {
    const res = new HandshakeResponse()
    const { gate } = hold(res)
    res.writeHead()
    gate.refuse()
    await res.ended.seen
    expect(res.log).toEqual(['writeHead 1', 'end'])
  })

  it('is ended by its library', async () => {
    const res = new HandshakeResponse()
    const { gate } = hold(res)
    res.writeHead()
    res.write()
    res.end()
    gate.allow()
    await res.ended.seen
    expect(res.log).toEqual(['writeHead 0', 'write', 'end'])
  })

  it('survives methods that throw', async () => {
    const fails = (): unknown => {
      throw new Error('no')
    }
    const res = { writeHead: fails, end: fails }
    const { gate } = hold(res)
    res.writeHead()
    gate.refuse()
    await settled()
    expect(() => res.end()).not.toThrow()
  })
})
