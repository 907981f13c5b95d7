import { createReadStream } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Router, type ErrorRequestHandler } from 'express'
import type { SessionError } from '../../lib'
import { fails } from '../support/counting-store'
import { HeldApp, KINDS, type ErrorLayer, type Layer } from '../support/hold-app'
import { Signal } from '../support/hold-http'
import { hasLeft } from '../support/hold-rig'

/** Changes the session and describes a page, as handlers do. */
const prepare: Layer = (req, res, next) => {
  req.session.name = 'test'
  res.setHeader('Content-Type', 'application/json')
  res.setHeader('Content-Length', 9)
  res.setHeader('ETag', '"1"')
  res.setHeader('Set-Cookie', 'of=handler')
  next()
}

const HANDLER_HEADERS = ['etag', 'set-cookie']

describe.each(KINDS)('the store says no, on %s', (kind) => {
  const open = async (handler: Layer, onError?: ErrorLayer) => {
    const app = await HeldApp.open(kind, [prepare, handler], onError && { onError })
    app.store.always(fails, 'set')
    return app
  }

  it.each<[string, Layer]>([
    ['end', (_req, res) => res.end('{"ok": 1}')],
    ['writeHead and end', (_req, res) => (res.writeHead(201, { 'X-Inside': '1' }), res.end('{"ok": 1}'))]
  ])('%s: an error handler at its level answers', async (_what, handler) => {
    const errors: SessionError[] = []
    const app = await open(handler, (error, _req, res) => {
      errors.push(error)
      expect(res.headersSent).toBe(false)
      res.statusCode = error.status
      res.end('error page')
    })
    const { status, body, headers } = await app.get()
    expect({ status, body }).toEqual({ status: 503, body: 'error page' })
    for (const name of [...HANDLER_HEADERS, 'content-type', 'x-inside'])
      expect(headers).not.toHaveProperty(name)
    expect(headers.vary).toBe('Cookie')
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_SESSION_STORE', status: 503 })])
    expect(app.store.size).toBe(0)
  })

  it('and nobody handles errors', async () => {
    const app = await open((_req, res) => res.end('{"ok": 1}'))
    const { status, body, headers, complete } = await app.get()
    expect({ status, complete }).toEqual({ status: 503, complete: true })
    expect(body).not.toContain('ok')
    expect(headers['content-type'] ?? '').not.toContain('json')
    for (const name of HANDLER_HEADERS) expect(headers).not.toHaveProperty(name)
  })

  it.each<[string, Layer]>([
    ['write', (_req, res) => res.write('{"ok"')],
    ['write and end', (_req, res) => (res.write('{"ok"'), res.end(': 1}'))],
    ['flushHeaders', (_req, res) => res.flushHeaders()],
    ['a pipe', (_req, res) => void createReadStream(__filename).pipe(res)]
  ])('and the handler streams, by %s: a 503 of its own', async (_what, handler) => {
    const app = await open(handler, (_error, _req, res) => res.end('error page'))
    const { status, body, headers, complete } = await app.get()
    expect({ status, body, complete }).toEqual({ status: 503, body: 'Service Unavailable\n', complete: true })
    for (const name of HANDLER_HEADERS) expect(headers).not.toHaveProperty(name)
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['content-length']).toBe('20')
    expect(app.store.size).toBe(0)
  })

  it('and a pipeline ends with the error of the session', async () => {
    const source = new PassThrough()
    const ended = new Signal<unknown>('the pipeline')
    const app = await open((_req, res) => {
      source.write('first')
      pipeline(source, res).then(ended.resolve, ended.resolve)
    })
    expect((await app.get()).status).toBe(503)
    expect(await ended.seen).toMatchObject({ code: 'ERR_SESSION_STORE' })
    expect(source.destroyed).toBe(true)
  })

  it('as the session is gone', async () => {
    const gone: Layer = async (req, res) => {
      if (req.url === '/first') return res.end()
      await app.store.inner.destroy(req.sessionID)
      if (req.url === '/stream') res.write('x')
      else res.end('x')
    }
    const app = await HeldApp.open(kind, [
      (req, _res, next) => {
        req.session.n = Math.random()
        next()
      },
      gone
    ])
    for (const [path, body] of [
      ['/end', undefined],
      ['/stream', 'Conflict\n']
    ] as const) {
      app.cookie = undefined
      await app.get({ path: '/first' })
      const answer = await app.get({ path })
      expect(answer.status).toBe(409)
      expect(answer.headers).not.toHaveProperty('set-cookie')
      if (body !== undefined) expect(answer.body).toBe(body)
      expect(app.store.size).toBe(0)
    }
  })

  it('and an error handler that uses the session is not held again', async () => {
    const refused = new Signal<unknown>('the refusal of save')
    const app = await open(
      (_req, res) => res.end('x'),
      (error, req, res) => {
        req.session.message = 'sorry'
        req.session.save().then(undefined, refused.resolve)
        void req.session.update(() => 1)
        res.statusCode = error.status
        res.end('error page')
        expect(res.headersSent).toBe(true)
        expect(hasLeft(res)).toBe(true)
      }
    )
    const answer = await app.get()
    expect(answer).toMatchObject({ status: 503, body: 'error page' })
    expect(answer.headers).not.toHaveProperty('set-cookie')
    expect(await refused.seen).toMatchObject({ code: 'ERR_SESSION_STORE' })
    expect(app.store.log).toBe('set get')
  })

  it('also to an error page, whose handler threw', async () => {
    const app = await HeldApp.open(kind, [
      prepare,
      () => {
        throw Object.assign(new Error('a handler'), { status: 418 })
      }
    ])
    app.store.always(fails, 'set')
    const { status, headers } = await app.get()
    expect(status).toBe(503)
    expect(headers).not.toHaveProperty('set-cookie')
  })

  it('to a save that nobody waits for', async () => {
    const app = await open((req, res) => {
      void req.session.save()
      res.end('x')
    })
    expect((await app.get()).status).toBe(503)
  })

  it('and is well again for the next request', async () => {
    const app = await open((req, res) => res.end(String(req.session.name)))
    expect((await app.get()).status).toBe(503)
    app.store.always(undefined)
    expect(await app.get()).toMatchObject({ status: 200, body: 'test' })
    expect(await app.stored()).toMatchObject({ name: 'test' })
  })
})

describe.each(['Express 5', 'Express 4'] as const)('the store says no, on %s', (kind) => {
  it('and error handlers of a router inside are not asked: the error is the session’s', async () => {
    let asked = false
    const router = Router()
    router.get('/page', (req, res) => {
      Object.assign(req.session, { n: 1 })
      res.json({ ok: 1 })
    })
    const inner: ErrorRequestHandler = (error, _req, _res, next) => {
      asked = true
      next(error)
    }
    router.use(inner)
    const app = await HeldApp.open(kind, [(req, res, next) => router(req as never, res as never, next)], {
      onError: (error, req, res) => {
        res.statusCode = error.status
        res.end(`outer ${req.url}`)
      }
    })
    app.store.always(fails, 'set')
    expect(await app.get({ path: '/page' })).toMatchObject({ status: 503, body: 'outer /page' })
    expect(asked).toBe(false)
  })
})
