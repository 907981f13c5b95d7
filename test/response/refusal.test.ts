import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { ServerResponse } from 'node:http'
import { PROTOCOLS, Signal, type Answer } from '../support/hold-http'
import { HeldServer, type Held } from '../support/hold-rig'

/** Sets what a handler's page would have. */
function describePage(res: ServerResponse): void {
  res.statusCode = 201
  res.setHeader('Content-Type', 'application/json')
  res.setHeader('Content-Length', 7)
  res.setHeader('ETag', '"1"')
  res.setHeader('Set-Cookie', 'of=handler')
}

/** A stream that has something, and more to come. */
function started(): PassThrough {
  const stream = new PassThrough()
  stream.write('first')
  return stream
}

async function* endless(over: () => void) {
  try {
    for (;;) yield 'more'
  } finally {
    over()
  }
}

const OWN_ANSWER = {
  status: 503,
  body: 'Service Unavailable\n',
  complete: true,
  headers: expect.objectContaining({
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    date: expect.any(String) as string
  }) as Answer['headers']
}

describe.each(PROTOCOLS)('the store says no, over %s', (protocol) => {
  const refusing = async (handler: (held: Held) => unknown) => {
    const rig = await HeldServer.open(protocol, handler)
    rig.gate.onCommit = () => setImmediate(() => rig.gate.refuse())
    return rig
  }

  describe('and only the end was held', () => {
    it.each<[string, (res: ServerResponse) => unknown]>([
      ['end', (res) => res.end('handler')],
      ['end without a body', (res) => res.end()],
      ['writeHead and end', (res) => (res.writeHead(202, { 'X-Inside': '1' }), res.end('handler'))],
      ['flushHeaders and end', (res) => (res.flushHeaders(), res.end('handler'))]
    ])('%s: an error handler answers, and finds the response as it was', async (_what, send) => {
      const rig = await refusing(({ res }) => {
        describePage(res)
        send(res)
      })
      rig.before = (res) => {
        res.setHeader('X-Outer', ['1', '2'])
        res.setHeader('X-Power', 'on')
      }
      rig.onError = (_error, { res }) => {
        expect(res.headersSent).toBe(false)
        expect(res.writableEnded).toBe(false)
        expect(res.statusCode).toBe(200)
        expect({ ...res.getHeaders() }).toEqual({ 'x-outer': ['1', '2'], 'x-power': 'on' })
        res.statusCode = 503
        res.end('error page')
      }
      const { status, body, headers } = await rig.server.get()
      expect({ status, body }).toEqual({ status: 503, body: 'error page' })
      const date = expect.any(String) as string
      expect(headers).toMatchObject({ 'x-outer': '1, 2', 'x-power': 'on', date })
      for (const name of ['etag', 'set-cookie', 'content-type', 'x-inside'])
        expect(headers).not.toHaveProperty(name)
      expect(rig.errors).toEqual([expect.objectContaining({ message: 'the store says no' })])
      expect(rig.gate.log).toEqual(['commit', 'refused', 'headers'])
    })

    it('takes back what a handler added to a list, removed and replaced', async () => {
      const rig = await refusing(({ res }) => {
        res.appendHeader('X-List', '3')
        res.removeHeader('X-Gone')
        res.setHeader('X-Other', 'handler')
        // Over HTTP/2, Node knows no way to take it back.
        if (protocol === 'HTTP/1.1') res.setHeader('Date', 'never')
        res.end('handler')
      })
      rig.before = (res) => {
        res.setHeader('X-List', ['1', '2'])
        res.setHeader('X-Gone', '1')
        res.setHeader('X-Other', 'outer')
      }
      const { headers } = await rig.server.get()
      expect(headers).toMatchObject({ 'x-list': '1, 2', 'x-gone': '1', 'x-other': 'outer' })
      expect(Date.parse(headers.date as string)).toBeGreaterThan(0)
    })

    it('tells the callback of the end', async () => {
      const told = new Signal<unknown>('the callback')
      const rig = await refusing(({ res }) => res.end('x', told.resolve as () => void))
      await rig.server.get()
      expect(await told.seen).toBe(rig.errors[0])
    })

    it('takes an error page of any make', async () => {
      const rig = await refusing(({ res }) => res.end('handler'))
      rig.onError = (_error, { res }) => {
        res.writeHead(500, { 'X-Page': '1' })
        expect(res.write('error ')).toBe(true)
        res.end('page')
      }
      const { status, headers, body } = await rig.server.get()
      expect([status, headers['x-page'], body]).toEqual([500, '1', 'error page'])
    })

    it('commits what the error page changes before its end, as for any response', async () => {
      const rig = await HeldServer.open(protocol, ({ res, gate }) => {
        res.end('handler')
        gate.refuse()
      })
      rig.onError = async (_error, { res, gate }) => {
        res.write('error ')
        gate.changed = true
        res.end('page')
        await gate.asked(2)
        gate.allow()
      }
      expect((await rig.server.get()).body).toBe('error page')
      expect(rig.gate.log).toEqual(['commit', 'refused', 'headers', 'commit', 'committed'])
    })

    it('answers by itself where the error page is refused, too', async () => {
      const rig = await refusing(({ res }) => res.end('handler'))
      rig.onError = (_error, { res, gate }) => {
        gate.changed = true
        res.end('error page')
      }
      expect(await rig.server.get()).toMatchObject(OWN_ANSWER)
      expect(rig.errors).toHaveLength(1)
    })
  })

  describe('and the handler was streaming', () => {
    it.each<[string, (res: ServerResponse) => unknown]>([
      ['write', (res) => res.write('handler')],
      ['writeHead', (res) => res.writeHead(200, { 'X-Inside': '1' })],
      ['flushHeaders', (res) => res.flushHeaders()],
      ['writeHead, write and end', (res) => (res.writeHead(200), res.write('handler'), res.end())],
      ['write and end', (res) => (res.write('handler'), res.end())]
    ])(
      '%s: it is answered without an error handler, and nothing of the handler leaves',
      async (_what, send) => {
        const rig = await refusing(({ res }) => {
          describePage(res)
          send(res)
        })
        rig.before = (res) => res.setHeader('X-Outer', '1')
        const answer = await rig.server.get()
        expect(answer).toMatchObject(OWN_ANSWER)
        expect(answer.headers['x-outer']).toBe('1')
        for (const name of ['etag', 'set-cookie', 'x-inside']) expect(answer.headers).not.toHaveProperty(name)
        expect(rig.errors).toEqual([])
        // The headers of a session are not for this answer.
        expect(rig.gate.log).toEqual(['commit', 'refused'])
      }
    )

    it.each([
      [409, 'Conflict\n'],
      [500, 'Internal Server Error\n']
    ])('answers with the status %d of the error', async (status, body) => {
      const rig = await HeldServer.open(protocol, ({ res }) => res.write('x'))
      rig.gate.onCommit = () => rig.gate.refuse(Object.assign(new Error(), { status }))
      expect(await rig.server.get()).toMatchObject({ status, body })
    })

    it.each([undefined, null, 'a string', { status: 200 }, { status: '503' }])(
      'takes %j for a 500',
      async (error) => {
        const rig = await HeldServer.open(protocol, ({ res }) => res.write('x'))
        rig.gate.onCommit = () => {
          rig.gate.refuse(error ?? null)
        }
        expect((await rig.server.get()).status).toBe(500)
      }
    )

    it('answers HEAD without a body', async () => {
      const errors: unknown[] = []
      const rig = await refusing(({ res }) => {
        const { stream } = res as { stream?: NodeJS.EventEmitter }
        stream?.on('error', (error) => errors.push(error))
        res.writeHead(200)
      })
      const answer = await rig.server.get({ method: 'HEAD' })
      expect(answer).toMatchObject({ ...OWN_ANSWER, body: '' })
      expect(errors).toEqual([])
    })

    it('ignores the rest, and nothing hangs', async () => {
      const log: string[] = []
      const done = new Signal('the rest')
      const rig = await refusing(async ({ res }) => {
        const told = ['held write', 'late write', 'end'].map((what) => new Signal<unknown>(what))
        res.write('held', told[0]!.resolve)
        log.push(((await told[0]!.seen) as Error).message)
        expect(res.headersSent).toBe(true)
        expect(res.writableEnded).toBe(true)
        expect(() => res.setHeader('X-A', '1')).toThrow()
        expect(res.write('late', 'utf8', told[1]!.resolve)).toBe(false)
        expect(res.writeHead(200)).toBe(res)
        expect(res.flushHeaders()).toBeUndefined()
        expect(res.end('end', told[2]!.resolve as () => void)).toBe(res)
        for (const { seen } of told.slice(1)) log.push(((await seen) as Error).message)
        expect(res.destroy()).toBe(res)
        done.resolve()
      })
      expect(await rig.server.get()).toMatchObject(OWN_ANSWER)
      await done.seen
      expect(log).toEqual(Array(3).fill('the store says no'))
    })

    it('unpipes what was piped into it, and closes it', async () => {
      const source = new PassThrough()
      const unpiped = new Signal('unpipe')
      const closed = new Signal('close')
      const rig = await refusing(({ res }) => {
        res.on('unpipe', () => unpiped.resolve())
        source.on('close', () => closed.resolve())
        source.pipe(res)
        source.write('first')
      })
      expect(await rig.server.get()).toMatchObject(OWN_ANSWER)
      await unpiped.seen
      await closed.seen
      expect(source.listenerCount('data')).toBe(0)
      source.end('nobody takes it, and it throws nothing')
    })

    it('leaves what is piped elsewhere as well', async () => {
      const source = new PassThrough()
      const copy = new PassThrough()
      const rig = await refusing(({ res }) => {
        source.pipe(res)
        source.pipe(copy)
        source.write('first')
      })
      expect(await rig.server.get()).toMatchObject(OWN_ANSWER)
      source.end(' and last')
      expect(await text(copy)).toBe('first and last')
    })

    it('answers a request that was piped back', async () => {
      const rig = await refusing(({ req, res }) => req.pipe(res))
      expect(await rig.server.get({ method: 'POST', body: 'x'.repeat(100_000) })).toMatchObject(OWN_ANSWER)
    })

    it.each<[string, (over: () => void) => AsyncIterable<string> | Readable]>([
      ['a stream', (over) => started().on('close', over)],
      ['a stream that is endless', (over) => Readable.from(endless(() => undefined)).on('close', over)],
      ['an endless generator', (over) => endless(over)]
    ])('ends a pipeline of %s with the error, and its source with it', async (_what, make) => {
      const ended = new Signal<unknown>('the end of the pipeline')
      const over = new Signal('the end of the source')
      const rig = await refusing(({ res }) => {
        pipeline(make(over.resolve), res).then(ended.resolve, ended.resolve)
      })
      expect(await rig.server.get()).toMatchObject(OWN_ANSWER)
      expect(await ended.seen).toMatchObject({ message: 'the store says no' })
      await over.seen
    })

    it('rejects what waits for drain', async () => {
      const ended = new Signal<unknown>('drain')
      const rig = await refusing(({ res }) => {
        res.write('x')
        once(res, 'drain').then(ended.resolve as never, ended.resolve)
      })
      expect(await rig.server.get()).toMatchObject(OWN_ANSWER)
      expect(await ended.seen).toMatchObject({ message: 'the store says no' })
    })

    it('does not end the process where a pipe was there before the hold', async () => {
      const source = new PassThrough()
      const closed = new Signal('close')
      const rig = await refusing(({ res }) => {
        res.on('close', () => closed.resolve())
        source.write('first')
      })
      rig.before = (res) => source.pipe(res)
      expect(await rig.server.get()).toMatchObject(OWN_ANSWER)
      await closed.seen
      expect(source.listenerCount('data')).toBe(0)
    })
  })

  it('a call that was refused for its arguments does not let the next one slip', async () => {
    const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
      expect(() => res.write(5)).toThrow('chunk')
      gate.refuse()
      await new Promise(setImmediate)
      res.end('fine')
    })
    expect(await rig.server.get()).toMatchObject({ status: 503, body: 'error page' })
    expect(rig.errors).toEqual([expect.objectContaining({ message: 'the store says no' })])
  })

  it('nor does it hold the next one where its commit succeeded', async () => {
    const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
      expect(() => res.end(5)).toThrow('chunk')
      gate.allow()
      await new Promise(setImmediate)
      res.end('fine')
    })
    expect(await rig.server.get()).toMatchObject({ status: 200, body: 'fine' })
    expect(rig.gate.log).toEqual(['commit', 'committed', 'headers'])
  })
})
