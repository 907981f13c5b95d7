import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HeldApp, KINDS, type Layer } from '../support/hold-app'
import { bounded, Signal } from '../support/hold-http'
import { hearWarnings } from '../support/hold-listeners'
import { hasLeft } from '../support/hold-rig'

const SENDERS: [string, (res: ServerResponse) => unknown][] = [
  ['end', (res) => res.end('x')],
  ['write', (res) => (res.write('x'), res.end())],
  ['writeHead', (res) => (res.writeHead(200, ['X-A', '1']), res.end('x'))],
  ['flushHeaders', (res) => (res.flushHeaders(), res.end('x'))],
  ['a pipeline', (res) => pipeline(Readable.from(['x']), res)]
]

const count: Layer = (req, res) => {
  req.session.n = ((req.session.n as number | undefined) ?? 0) + 1
  res.end(String(req.session.n))
}

describe.each(KINDS)('a session on %s', (kind) => {
  it.each(SENDERS)('is stored before the first byte leaves by %s', async (_what, send) => {
    const app = await HeldApp.open(kind, [
      (req, res) => {
        req.session.name = 'test'
        send(res)
      }
    ])
    const { asked, answer } = app.store.holdNext()
    const exchange = app.ask()
    exchange.begun.seen.then(
      () => app.store.events.push('first byte'),
      () => undefined
    )
    await asked.seen
    // A whole round trip on the side: what leaves too early is seen.
    await app.server.get({ path: '/other' })
    answer.resolve()
    const { status, headers, body, complete } = await exchange.ended.seen
    expect({ status, body, complete }).toEqual({ status: 200, body: 'x', complete: true })
    expect(app.store.events.slice(-2)).toEqual(['stored', 'first byte'])
    app.keep(headers)
    expect(await app.stored()).toMatchObject({ name: 'test' })
  })

  it.each([200, 204, 304])('is stored before a %d without a body, to GET and HEAD', async (status) => {
    for (const method of ['GET', 'HEAD']) {
      const app = await HeldApp.open(kind, [
        (req, res) => {
          req.session.name = 'test'
          res.statusCode = status
          res.end()
        }
      ])
      const answer = await app.get({ method })
      expect(answer).toMatchObject({ status, body: '', complete: true })
      expect(await app.stored()).toMatchObject({ name: 'test' })
    }
  })

  it.each([204, 304])(
    'is stored before a %d whose headers were asked for before it was looked at',
    async (status) => {
      const flushers: ((res: ServerResponse) => unknown)[] = [
        (res) => res.flushHeaders(),
        (res) => (res.writeHead(status), res.flushHeaders())
      ]
      for (const flush of flushers) {
        const app = await HeldApp.open(kind, [
          (req, res) => {
            if (req.url === '/new') return count(req, res, () => undefined)
            res.statusCode = status
            flush(res)
            req.session.name = 'test'
            res.end()
          }
        ])
        await app.get({ path: '/new' })
        const { asked, answer } = app.store.holdNext()
        const exchange = app.ask()
        exchange.begun.seen.then(
          () => app.store.events.push('headers'),
          () => undefined
        )
        await asked.seen
        await app.server.get({ path: '/new' })
        answer.resolve()
        expect(await exchange.ended.seen).toMatchObject({ status, body: '', complete: true })
        expect(app.store.events.slice(-2)).toEqual(['stored', 'headers'])
        expect(await app.stored()).toMatchObject({ name: 'test' })
      }
    }
  )

  it('that nobody looks at hooks nothing by which a body is sent', async () => {
    const app = await HeldApp.open(kind, [
      (_req, res) => {
        for (const name of ['write', 'end']) expect(Object.hasOwn(res, name)).toBe(false)
        res.end('x')
        expect(hasLeft(res)).toBe(true)
      }
    ])
    expect((await app.get()).body).toBe('x')
    expect(app.store.log).toBe('')
  })

  it('that is only read holds nothing', async () => {
    const app = await HeldApp.open(kind, [
      (req, res) => {
        if (req.url === '/count') return count(req, res, () => undefined)
        const { n } = req.session
        res.end(String(n))
        expect(hasLeft(res)).toBe(true)
      }
    ])
    await app.get({ path: '/count' })
    app.store.forget()
    expect((await app.get()).body).toBe('1')
    expect(app.store.log).toBe('get')
  })

  it('keeps the cookies that a handler sets', async () => {
    const app = await HeldApp.open(kind, [
      (req, res) => {
        req.session.name = 'test'
        res.setHeader('Set-Cookie', 'before=1')
        if (req.url === '/inside') res.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
        res.end()
      }
    ])
    const names = async (path: string) => {
      app.cookie = undefined
      const { headers } = await app.get({ path })
      return [headers['set-cookie'] ?? []].flat().map((cookie) => cookie.split('=')[0])
    }
    expect(await names('/')).toEqual(['before', 'sid'])
    expect(await names('/inside')).toEqual(['a', 'b', 'sid'])
  })

  it('is kept where the handler throws, and the error page waits for it', async () => {
    const app = await HeldApp.open(
      kind,
      [
        (req) => {
          req.session.name = 'test'
          throw Object.assign(new Error('a handler'), { status: 418 })
        }
      ],
      {
        onError: (error, _req, res) => {
          res.statusCode = error.status
          res.end('error page')
        }
      }
    )
    const exchange = app.ask()
    exchange.begun.seen.then(
      () => app.store.events.push('first byte'),
      () => undefined
    )
    const { status, headers, body } = await exchange.ended.seen
    expect({ status, body }).toEqual({ status: 418, body: 'error page' })
    expect(app.store.events).toEqual(['set', 'stored', 'first byte'])
    app.keep(headers)
    expect(await app.stored()).toMatchObject({ name: 'test' })
  })

  it('is loaded and changed in lazy mode, held all the same', async () => {
    const app = await HeldApp.open(
      kind,
      [
        async (req, res) => {
          const n = await req.session.update((s) => ((s as never as { n: number }).n = 1))
          res.end(String(n))
        }
      ],
      { load: 'lazy' }
    )
    const exchange = app.ask()
    exchange.begun.seen.then(
      () => app.store.events.push('first byte'),
      () => undefined
    )
    expect((await exchange.ended.seen).body).toBe('1')
    expect(app.store.events).toEqual(['set', 'stored', 'first byte'])
  })

  it('whose save nobody waits for is saved before the response goes', async () => {
    const app = await HeldApp.open(kind, [
      (req, res) => {
        req.session.name = 'test'
        void req.session.save()
        res.end('x')
      }
    ])
    const { asked, answer } = app.store.holdNext()
    const exchange = app.ask()
    await asked.seen
    expect(app.store.events).toEqual(['set'])
    answer.resolve()
    expect((await exchange.ended.seen).body).toBe('x')
    expect(app.store.events).toEqual(['set', 'stored'])
  })

  it('whose regenerate and save nobody waits for, and that is streamed, has its cookie', async () => {
    const app = await HeldApp.open(kind, [
      (req, res) => {
        if (req.url === '/count') return count(req, res, () => undefined)
        req.session.n = 5
        res.write('a')
        void req.session.regenerate().then((next) => {
          Object.assign(next, { name: 'new' })
          void next.save()
          res.end('b')
        })
      }
    ])
    await app.get({ path: '/count' })
    const old = app.cookie
    expect((await app.get()).body).toBe('ab')
    expect(app.cookie).not.toBe(old)
    expect(await app.stored()).toMatchObject({ name: 'new' })
  })

  it('writes one story with many requests', async () => {
    const app = await HeldApp.open(kind, [count])
    for (const n of [1, 2, 3]) expect((await app.get()).body).toBe(String(n))
  })

  it('tells the process nothing', async () => {
    const { warnings, end } = hearWarnings()
    const told = new Signal('a refused stream')
    const app = await HeldApp.open(kind, [
      (req, res) => {
        if (req.url !== '/stream') return count(req, res, () => undefined)
        req.session.name = 'test'
        res.write('x', () => told.resolve())
      }
    ])
    await app.get()
    const { asked, answer } = app.store.holdNext()
    const exchange = app.ask({ path: '/stream' })
    await asked.seen
    answer.reject(new Error('down'))
    expect((await bounded(exchange.ended.seen, 'the answer')).status).toBe(503)
    await told.seen
    end()
    expect(warnings).toEqual([])
  })
})
