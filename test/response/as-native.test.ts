import type { ServerResponse } from 'node:http'
import { PROTOCOLS, TestServer, bounded, type Answer, type Asked, type Protocol } from '../support/hold-http'
import { HeldServer } from '../support/hold-rig'

type Note = (what: string, value?: unknown) => void
type Handler = (res: ServerResponse, note: Note) => void

/**
 * Runs a handler on a response that is held and on one of Node's own, and compares what the handler saw at each step
 * and what came over the wire.
 */
async function expectAsNative(protocol: Protocol, handler: Handler, asked: Asked = {}): Promise<Answer> {
  const seen: Record<'native' | 'held', string[]> = { native: [], held: [] }
  const run = (kind: 'native' | 'held') => (res: ServerResponse) => {
    res.on('error', (error) => seen[kind].push(`event ${codeOf(error)}`))
    handler(res, (what, value) => seen[kind].push(`${what} ${String(value)}`))
  }
  const native = await TestServer.open(protocol, (_req, res) => run('native')(res))
  const expected = await native.get(asked)
  const rig = await HeldServer.open(protocol, ({ res }) => run('held')(res))
  const answer = await rig.get(asked)

  expect(rig.gate.log).toContain('committed')
  expect(seen.held).toEqual(seen.native)
  expect(withoutDate(answer)).toEqual(withoutDate(expected))
  return answer
}

function withoutDate({ headers: { date: _date, ...headers }, ...rest }: Answer): unknown {
  return { headers, ...rest }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code)
}

function attempt(note: Note, what: string, action: () => unknown): void {
  try {
    action()
    note(what, 'allowed')
  } catch (error) {
    note(what, codeOf(error))
  }
}

function look(res: ServerResponse, note: Note, when: string): void {
  note(`${when}: headersSent`, res.headersSent)
  note(`${when}: writableEnded`, res.writableEnded)
}

describe.each(PROTOCOLS)('a held response over %s is as Node’s own', (protocol) => {
  const asNative = (handler: Handler, asked?: Asked) => expectAsNative(protocol, handler, asked)

  it.each<[string, Handler]>([
    ['end', (res) => res.end('body')],
    ['end without a body', (res) => res.end()],
    ['end of bytes', (res) => res.end(Buffer.from('bytes'))],
    ['end of a Uint8Array', (res) => res.end(Uint8Array.of(104, 105))],
    ['end with an encoding', (res) => res.end('6869', 'hex')],
    ['write and end', (res) => (res.write('one '), res.end('two'))],
    ['write with encodings', (res) => (res.write('aGk=', 'base64'), res.write('ÿ', 'latin1'), res.end())],
    ['an empty write', (res) => (res.write(''), res.end('x'))],
    [
      'flushHeaders',
      (res) => (res.setHeader('X-A', '1'), res.flushHeaders(), res.flushHeaders(), res.end('x'))
    ],
    ['a status', (res) => ((res.statusCode = 404), res.end('x'))],
    ['cork and uncork', (res) => (res.cork(), res.write('a'), res.write('b'), res.uncork(), res.end('c'))],
    ['a length', (res) => (res.setHeader('Content-Length', 2), res.write('a'), res.end('b'))]
  ])('%s', async (_what, handler) => {
    const { complete, status } = await asNative((res, note) => {
      look(res, note, 'before')
      handler(res, note)
      look(res, note, 'after')
    })
    expect(complete).toBe(true)
    expect(status).toBeGreaterThanOrEqual(200)
  })

  it.each(['GET', 'HEAD'])('answers that have no body, to %s', async (method) => {
    for (const status of [200, 204, 304]) {
      const { body } = await asNative(
        (res, note) => {
          res.statusCode = status
          res.setHeader('ETag', '"1"')
          res.end()
          look(res, note, 'after')
        },
        { method }
      )
      expect(body).toBe('')
    }
  })

  it.each<[string, Handler]>([
    ['end', (res, note) => res.end(() => note('ended'))],
    ['end with a body', (res) => res.end('x')],
    [
      'write and end',
      (res, note) => (res.write('x', (error) => note('written', codeOf(error ?? {}))), res.end())
    ]
  ])('flushHeaders of answers that have no body, and %s', async (_what, rest) => {
    for (const method of ['GET', 'HEAD']) {
      for (const status of [200, 204, 304]) {
        await asNative(
          (res, note) => {
            res.statusCode = status
            res.setHeader('ETag', '"1"')
            note('flushHeaders', res.flushHeaders())
            look(res, note, 'flushed')
            rest(res, note)
            look(res, note, 'after')
          },
          { method }
        )
      }
    }
  })

  it('keeps to one end', async () => {
    const callbacks: string[] = []
    await asNative((res, note) => {
      res.end('once', () => callbacks.push('first'))
      res.end(() => callbacks.push('second'))
      res.end()
      look(res, note, 'after')
    })
    expect(callbacks.sort()).toEqual(['first', 'first', 'second', 'second'])
  })

  it('gives back the response where Node does', async () => {
    await asNative((res, note) => {
      note('writeHead', res.writeHead(200) === res)
      note('flushHeaders', res.flushHeaders())
      note('end', res.end() === res)
    })
  })

  it('tells of a write after the end', async () => {
    const told: Promise<void>[] = []
    await asNative((res, note) => {
      res.end('x')
      told.push(
        new Promise((resolve) => {
          note(
            'returns',
            res.write('late', (error) => {
              note('callback', codeOf(error))
              resolve()
            })
          )
        })
      )
      look(res, note, 'after')
    })
    await bounded(Promise.all(told), 'the callbacks')
  })

  it('calls back in the order of the calls', async () => {
    const { body } = await asNative((res, note) => {
      res.write('a', () => note('a'))
      res.write('b', 'utf8', () => note('b'))
      res.end('c', () => note('c'))
    })
    expect(body).toBe('abc')
  })

  it.each(['end', 'write', 'writeHead', 'flushHeaders'] as const)(
    'lets no header be set after %s',
    async (name) => {
      const { headers } = await asNative((res, note) => {
        res.setHeader('X-Before', '1')
        if (name === 'writeHead') res.writeHead(201)
        else if (name === 'write') res.write('x')
        else res[name]()
        attempt(note, 'setHeader', () => res.setHeader('X-After', '1'))
        attempt(note, 'appendHeader', () => res.appendHeader('X-After', '1'))
        attempt(note, 'removeHeader', () => res.removeHeader('X-Before'))
        if ('setHeaders' in res)
          attempt(note, 'setHeaders', () => res.setHeaders(new Map([['x-after', '1']])))
        attempt(note, 'writeHead', () => res.writeHead(500))
        note('getHeader', res.getHeader('X-Before'))
        note('statusCode', res.statusCode)
        res.statusCode = 500
        if (name !== 'end') res.end()
      })
      expect(headers['x-before']).toBe('1')
      expect(headers).not.toHaveProperty('x-after')
    }
  )

  it.each<[string, (res: ServerResponse) => unknown]>([
    ['writeHead: a status below 100', (res) => res.writeHead(99)],
    ['writeHead: a status above 999', (res) => res.writeHead(1000)],
    ['writeHead: no status', (res) => res.writeHead('none' as never)],
    ['writeHead: a name', (res) => res.writeHead(200, { 'a name': 'x' })],
    ['writeHead: a value', (res) => res.writeHead(200, { 'X-A': 'line\nline' })],
    ['writeHead: no value', (res) => res.writeHead(200, { 'X-A': undefined })],
    ['writeHead: a name without a value', (res) => res.writeHead(200, ['X-A', '1', 'X-B'])]
  ])('refuses at the call, and answers all the same: %s', async (_what, handler) => {
    await asNative((res, note) => {
      attempt(note, 'call', () => handler(res))
      look(res, note, 'after')
      if (!res.headersSent) res.statusCode = 400
      // Node's own response keeps the message of the status that was refused.
      if (protocol === 'HTTP/1.1') res.statusMessage = 'Caught'
      res.end('caught')
    })
  })

  it('has the trailers', async () => {
    await asNative((res) => {
      res.setHeader('Trailer', 'X-Sum')
      res.write('x')
      res.addTrailers({ 'X-Sum': '1' })
      res.end()
    })
  })
})

describe('a held response over HTTP/1.1 is as Node’s own', () => {
  it.each<[string, (res: ServerResponse) => unknown]>([
    ['end: a status that cannot be', (res) => ((res.statusCode = 1), res.end())],
    ['writeHead: a status, with headers', (res) => res.writeHead(99, { 'X-Lost': '1' })],
    ['writeHead: a message', (res) => res.writeHead(200, 'line\nline')],
    ['end: a message', (res) => ((res.statusMessage = 'line\nline'), res.end())]
  ])('refuses at the call, and answers all the same: %s', async (_what, handler) => {
    await expectAsNative('HTTP/1.1', (res, note) => {
      attempt(note, 'call', () => handler(res))
      look(res, note, 'after')
      res.statusCode = 400
      res.statusMessage = 'Caught'
      res.end('caught')
    })
  })
})

describe.each(PROTOCOLS)(
  'a held response over %s refuses what Node does, but before anything leaves',
  (protocol) => {
    it.each<[string, (res: ServerResponse) => unknown]>([
      ['write: null', (res) => res.write(null)],
      ['write: undefined', (res) => res.write(undefined)],
      ['write: a number', (res) => res.write(5)],
      ['write: an object', (res) => res.write({})],
      ['end: a number', (res) => res.end(5)],
      ['end: an object', (res) => res.end({})],
      ['write: an encoding', (res) => res.write('x', 'none' as BufferEncoding)],
      ['end: an encoding', (res) => res.end('x', 'none' as BufferEncoding)]
    ])('%s', async (_what, handler) => {
      const codes: string[] = []
      const note: Note = (_call, code) => codes.push(String(code))
      const native = await TestServer.open(protocol, (_req, res) => {
        attempt(note, 'native', () => handler(res))
        res.destroy()
      })
      await native.get()
      const rig = await HeldServer.open(protocol, ({ res }) => {
        attempt(note, 'held', () => handler(res))
        expect(res.headersSent).toBe(false)
        res.statusCode = 400
        res.end('caught')
      })
      expect(await rig.get()).toMatchObject({ status: 400, body: 'caught', complete: true })
      expect(codes[0]).toMatch(/^ERR_/)
      expect(codes[1]).toBe(codes[0])
    })
  }
)
