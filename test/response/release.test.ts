import type { ServerResponse } from 'node:http'
import { PROTOCOLS, Signal } from '../support/hold-http'
import { onHeaders } from '../support/hold-listeners'
import { HeldServer } from '../support/hold-rig'

const fails = () => {
  throw new Error('a header listener')
}

describe.each(PROTOCOLS)('nothing throws out of the release, over %s', (protocol) => {
  it.each<[string, (res: ServerResponse) => void]>([
    ['before the hold', (res) => onHeaders(res, fails)],
    ['a method that throws', (res) => void (res.writeHead = fails)]
  ])('a header listener, mounted %s, is an error for the error handler', async (_what, before) => {
    const rig = await HeldServer.open(protocol, ({ res }) => res.end('handler'))
    rig.before = before
    rig.onError = (_error, { res }) => {
      expect(res.headersSent).toBe(false)
      res.writeHead = Object.getPrototypeOf(res).writeHead
      res.statusCode = 500
      res.end('error page')
    }
    expect(await rig.get()).toMatchObject({ status: 500, body: 'error page' })
    expect(rig.errors).toEqual([expect.objectContaining({ message: 'a header listener' })])
  })

  it('a header listener that is mounted after the hold throws at the call, as it does without a hold', async () => {
    const rig = await HeldServer.open(protocol, ({ res }) => {
      onHeaders(res, fails)
      expect(() => res.end('handler')).toThrow('a header listener')
      res.statusCode = 500
      res.end('caught')
    })
    expect(await rig.get()).toMatchObject({ status: 500, body: 'caught' })
    expect(rig.errors).toEqual([])
  })

  it('where the handler was streaming the answer is a 500', async () => {
    const rig = await HeldServer.open(protocol, ({ res }) => res.write('handler'))
    rig.before = (res) => onHeaders(res, fails)
    expect(await rig.get()).toMatchObject({ status: 500, body: 'Internal Server Error\n', complete: true })
    expect(rig.errors).toEqual([])
  })

  it('nor the headers of the gate, held or not', async () => {
    for (const changed of [true, false]) {
      const rig = await HeldServer.open(protocol, ({ res, gate }) => {
        gate.changed = changed
        gate.onHeaders = () => {
          gate.onHeaders = () => undefined
          throw new Error('the gate')
        }
        res.end('handler')
      })
      expect(await rig.get()).toMatchObject({ status: 503, body: 'error page' })
      expect(rig.errors).toEqual([expect.objectContaining({ message: 'the gate' })])
    }
  })

  it('and headers of the gate that never can be set end in one answer', async () => {
    const rig = await HeldServer.open(protocol, ({ res, gate }) => {
      gate.onHeaders = fails
      res.end('handler')
    })
    expect(await rig.get()).toMatchObject({ status: 500, body: 'Internal Server Error\n' })
    expect(rig.errors).toHaveLength(1)
  })

  it('a body that breaks after the headers breaks the response off', async () => {
    const told = new Signal<unknown>('the callback')
    const rig = await HeldServer.open(protocol, ({ res }) => {
      res.write('a')
      res.write('b', told.resolve)
    })
    rig.before = (res) => {
      const native = res.write.bind(res) as (chunk: unknown) => boolean
      res.write = ((chunk: unknown) => (chunk === 'b' ? fails() : native(chunk))) as never
    }
    const { complete } = await rig.get()
    expect(complete).toBe(false)
    expect(await told.seen).toMatchObject({ message: 'a header listener' })
  })

  it('passes on what is thrown where nothing is held, and lets the handler begin again', async () => {
    let times = 0
    const rig = await HeldServer.open(protocol, ({ res, gate, hold }) => {
      gate.changed = false
      onHeaders(res, () => {
        if (times++ === 0) fails()
      })
      expect(() => res.end('handler')).toThrow('a header listener')
      expect(hold.begun).toBe(false)
      gate.changed = true
      res.statusCode = 500
      res.end('caught')
    })
    expect(await rig.get()).toMatchObject({ status: 500, body: 'caught' })
    expect(rig.gate.log).toEqual(['commit', 'committed', 'headers'])
  })

  it('a header listener sees the status, sets headers, and may change the status', async () => {
    const rig = await HeldServer.open(protocol, ({ res }) => {
      onHeaders(res, function () {
        expect(this.statusCode).toBe(201)
        this.setHeader('X-Listener', '1')
        this.statusCode = 202
      })
      res.statusCode = 201
      res.end('handler')
      expect(res.getHeader('X-Listener')).toBe('1')
    })
    const { status, message, headers } = await rig.get()
    expect({ status, listener: headers['x-listener'] }).toEqual({ status: 202, listener: '1' })
    if (protocol === 'HTTP/1.1') expect(message).toBe('Accepted')
  })
})
