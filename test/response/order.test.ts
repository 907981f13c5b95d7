import type { ServerResponse } from 'node:http'
import { finished } from 'node:stream/promises'
import { bounded, PROTOCOLS, Signal } from '../support/hold-http'
import { hasLeft, HeldServer } from '../support/hold-rig'

const SENDERS: [string, (res: ServerResponse) => unknown][] = [
  ['end', (res) => res.end('x')],
  ['write', (res) => res.write('x')],
  ['writeHead', (res) => res.writeHead(200)],
  ['flushHeaders', (res) => res.flushHeaders()]
]

describe.each(PROTOCOLS)('over %s', (protocol) => {
  it.each(SENDERS)('%s leaves after the commit, the headers of the gate with it', async (name, send) => {
    const rig = await HeldServer.open(protocol, async ({ res, gate, hold }) => {
      gate.onHeaders = () => res.setHeader('X-Gate', 'passed')
      send(res)
      expect(res.headersSent).toBe(true)
      expect(hold.begun).toBe(false)
      await other.server.get()
      expect(hasLeft(res)).toBe(false)
      expect(gate.log).toEqual(['commit'])
      gate.allow()
      // Over HTTP/1.1, Node sends what writeHead says together with what comes next.
      if (name !== 'writeHead') await exchange.begun.seen
      if (name !== 'end') res.end()
      await exchange.ended.seen
      expect(hold.begun).toBe(true)
    })
    // Its round trip is long enough for what should not have left.
    const other = await HeldServer.open(protocol, ({ res, gate }) => {
      gate.changed = false
      res.end()
    })
    const exchange = rig.ask()
    exchange.begun.seen.then(
      () => rig.gate.log.push('first byte'),
      () => undefined
    )
    const { headers, complete } = await exchange.ended.seen
    expect(complete).toBe(true)
    expect(headers['x-gate']).toBe('passed')
    expect(rig.gate.log).toEqual(['commit', 'committed', 'headers', 'first byte'])
  })

  it.each(SENDERS)('%s goes at once where nothing changed', async (name, send) => {
    const rig = await HeldServer.open(protocol, ({ res, gate, hold }) => {
      gate.changed = false
      send(res)
      expect(hold.begun).toBe(true)
      expect(res.headersSent).toBe(true)
      if (name !== 'end') res.end()
    })
    expect((await rig.server.get()).complete).toBe(true)
    expect(rig.gate.log).toEqual(['headers'])
  })

  it('asks once, however many calls are held', async () => {
    const rig = await HeldServer.open(protocol, ({ res }) => {
      res.writeHead(201, { 'X-A': '1' })
      res.flushHeaders()
      for (const chunk of ['a', 'b', 'c']) res.write(chunk)
      res.end('d')
    })
    const { status, headers, body } = await rig.get()
    expect({ status, body, a: headers['x-a'] }).toEqual({ status: 201, body: 'abcd', a: '1' })
    expect(rig.gate.log).toEqual(['commit', 'committed', 'headers'])
  })

  it('answers false to a held write, and says when to go on', async () => {
    const log: string[] = []
    const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
      const note = (what: string) => void log.push(what)
      const drained = new Signal('drain')
      res.on('drain', () => (note('drain'), drained.resolve()))
      note(`write ${res.write('a', () => note('callback'))}`)
      note(`needs drain ${res.writableNeedDrain ?? true}`)
      await new Promise(setImmediate)
      note('allowed')
      gate.allow()
      await drained.seen
      note(`needs drain ${res.writableNeedDrain ?? false}`)
      note(`write ${res.write('b')}`)
      res.end()
    })
    expect((await rig.server.get()).body).toBe('ab')
    expect(log.filter((what) => what !== 'callback')).toEqual([
      'write false',
      'needs drain true',
      'allowed',
      'drain',
      'needs drain false',
      'write true'
    ])
    expect(log.indexOf('callback')).toBeGreaterThan(log.indexOf('allowed'))
  })

  it('does not say drain where the response is full', async () => {
    const big = Buffer.alloc(32 * 1024 * 1024)
    const log: string[] = []
    const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
      const drained = new Signal('drain')
      res.on('drain', () => (log.push('drain'), drained.resolve()))
      res.write(big)
      gate.allow()
      await exchange.begun.seen
      exchange.pause()
      await new Promise(setImmediate)
      log.push(`write ${res.write('more')}`)
      log.push('resume')
      exchange.resume()
      await drained.seen
      res.end()
    })
    const exchange = rig.ask()
    const { bytes, complete } = await exchange.ended.seen
    expect({ size: bytes.length, complete }).toEqual({ size: big.length + 4, complete: true })
    expect(log.slice(0, 3)).toEqual(['write false', 'resume', 'drain'])
  })

  it('says no drain after the end', async () => {
    const drain = jest.fn()
    const rig = await HeldServer.open(protocol, ({ res }) => {
      res.on('drain', drain)
      res.write('a')
      res.end('b')
    })
    expect((await rig.get()).body).toBe('ab')
    expect(drain).not.toHaveBeenCalled()
  })

  it('ignores a status that is set after the freeze, also where it is set before the release', async () => {
    const rig = await HeldServer.open(protocol, ({ res, gate }) => {
      res.statusCode = 201
      res.write('x')
      res.statusCode = 500
      gate.onHeaders = () => expect(res.statusCode).toBe(201)
      res.end()
    })
    expect((await rig.get()).status).toBe(201)
  })

  it('shows the status that writeHead gave', async () => {
    const rig = await HeldServer.open(protocol, ({ res }) => {
      res.writeHead(404)
      expect(res.statusCode).toBe(404)
      res.statusCode = 200
      res.end()
    })
    expect((await rig.get()).status).toBe(404)
  })

  it('makes the response itself again', async () => {
    const rig = await HeldServer.open(protocol, ({ res, gate }) => {
      const removeHeader = res.removeHeader.bind(res)
      res.removeHeader = removeHeader
      res.end('x')
      expect([res.headersSent, res.writableEnded]).toEqual([true, true])
      expect(() => res.setHeader('X-A', '1')).toThrow(/headers/i)
      gate.onHeaders = () => {
        expect([res.headersSent, res.writableEnded]).toEqual([false, false])
        expect(res.removeHeader).toBe(removeHeader)
        res.setHeader('X-A', '1')
        res.appendHeader('X-A', '2')
      }
    })
    expect((await rig.get()).headers['x-a']).toBe('1, 2')
    expect(rig.errors).toEqual([])
  })

  it('asks again for what changed while it waited, and then lets go', async () => {
    const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
      res.write('a')
      gate.changed = true
      gate.allow()
      await gate.asked(2)
      expect(hasLeft(res)).toBe(false)
      res.write('b')
      // What goes on changing must not keep the response for ever: this change is committed before the end.
      gate.changed = true
      gate.allow()
      await exchange.received('ab')
      expect(gate.log).toEqual(['commit', 'committed', 'commit', 'committed', 'headers'])
      res.end('c')
      await gate.asked(3)
      gate.allow()
    })
    const exchange = rig.ask()
    expect((await exchange.ended.seen).body).toBe('abc')
  })

  it('commits what changed before a held end, before anything leaves', async () => {
    const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
      res.write('a')
      gate.changed = true
      gate.allow()
      await gate.asked(2)
      gate.changed = true
      res.end('b')
      gate.allow()
      await gate.asked(3)
      expect(hasLeft(res)).toBe(false)
      gate.allow()
    })
    expect((await rig.server.get()).body).toBe('ab')
  })

  it('leaves alone what changes after the end', async () => {
    const rig = await HeldServer.open(protocol, ({ res, gate }) => {
      res.end('x')
      gate.changed = true
      gate.allow()
    })
    expect((await rig.server.get()).body).toBe('x')
    expect(rig.gate.log).toEqual(['commit', 'committed', 'headers'])
  })

  it('holds a flush, which is of compression, together with what is to be flushed', async () => {
    type Flushing = ServerResponse & { flush: () => void }
    const log: string[] = []
    const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
      const { flush } = res as Flushing
      flush()
      expect({ log: log.splice(0), gate: gate.log }).toEqual({ log: ['flush'], gate: [] })
      res.write('a')
      flush()
      expect(log).toEqual([])
      gate.allow()
      await exchange.received('a')
      expect(log).toEqual(['write', 'flush'])
      flush()
      expect(log.pop()).toBe('flush')
      res.end()
    })
    rig.before = (res) => {
      const write = res.write.bind(res) as (chunk: unknown) => boolean
      res.write = (chunk: unknown) => (log.push('write'), write(chunk))
      ;(res as Flushing).flush = () => log.push('flush')
    }
    const exchange = rig.ask()
    expect((await exchange.ended.seen).body).toBe('a')
  })

  it('is held for a response that was begun before, until its end', async () => {
    const rig = await HeldServer.open(protocol, async ({ res, gate, hold }) => {
      expect(hold.begun).toBe(true)
      res.write('b')
      await exchange.received('ab')
      expect(gate.log).toEqual([])
      res.end('c')
      expect(res.writableEnded).toBe(true)
      await gate.asked()
      gate.allow()
    })
    rig.before = (res) => res.write('a')
    const exchange = rig.ask()
    expect((await exchange.ended.seen).body).toBe('abc')
    expect(rig.gate.log).toEqual(['commit', 'committed'])
  })

  it('finds nothing to do for a response that was ended before', async () => {
    const closed = new Signal('closing')
    const rig = await HeldServer.open(protocol, ({ res }) => res.on('close', () => closed.resolve()))
    rig.before = (res) => res.end('x')
    expect((await rig.server.get()).body).toBe('x')
    await closed.seen
    expect(rig.gate.log).toEqual([])
  })
})

it('leaves `finished` to Node, by which a closing server knows the connections that are idle', async () => {
  const rig = await HeldServer.open('HTTP/1.1', async ({ res, gate }) => {
    res.end('all of it')
    expect(res.writableEnded).toBe(true)
    // oxlint-disable-next-line typescript/no-deprecated -- it is what Node looks at
    expect(res.finished).toBe(false)
    expect(res.writableFinished).toBe(false)
    rig.server.server.close()
    await new Promise(setImmediate)
    gate.allow()
  })
  expect(await rig.server.get()).toMatchObject({ body: 'all of it', complete: true })
})

it('frees what waits for the end of the response only when it has gone', async () => {
  const rig = await HeldServer.open('HTTP/1.1', async ({ res, gate }) => {
    const over = finished(res).then(() => gate.log.push('finished'))
    res.end('x')
    await new Promise(setImmediate)
    gate.allow()
    await bounded(over, 'finished')
  })
  await rig.server.get()
  expect(rig.gate.log).toEqual(['commit', 'committed', 'headers', 'finished'])
})
