import { once } from 'node:events'
import { constants, gunzipSync } from 'node:zlib'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import compression from 'compression'
import { fails } from '../support/counting-store'
import { HeldApp, type ErrorLayer, type Layer, type Response } from '../support/hold-app'
import { Signal, type Answer } from '../support/hold-http'

/** Above the threshold of compression, which is 1 KiB, and far above what its stream takes at once. */
const LARGE = 'a line of text that is the same all over\n'.repeat(20_000)
const SMALL = 'a line of text\n'
const CHUNK = 100_000

const gzip = { 'accept-encoding': 'gzip' }

function bodyOf({ headers, bytes }: Answer): string {
  return (headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString()
}

function partsOf(text: string): string[] {
  return Array.from({ length: Math.ceil(text.length / CHUNK) }, (_, at) =>
    text.slice(at * CHUNK, (at + 1) * CHUNK)
  )
}

/** What can be read of a body that has not come as a whole yet. */
function partOf(bytes: Buffer): string {
  return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString()
}

/** Sends the text as handlers do that stream: as much as is taken, and on after `drain`. */
async function stream(res: Response, text: string): Promise<void> {
  for (const part of partsOf(text)) if (!res.write(part)) await once(res, 'drain')
  res.end()
}

const SENDERS: [string, (res: Response, text: string) => unknown][] = [
  ['end', (res, text) => res.end(text)],
  ['write and end', (res, text) => (res.write(text), res.end())],
  ['writeHead and end', (res, text) => (res.writeHead(200, { 'X-A': '1' }), res.end(text))],
  ['writes at the pace of the client', stream],
  ['a pipeline', (res, text) => pipeline(Readable.from(partsOf(text)), res)],
  ['a pipe', (res, text) => Readable.from(partsOf(text)).pipe(res)]
]

const POSITIONS = ['before the session', 'after the session', 'after the first look at the session'] as const

const look: Layer = (req, _res, next) => {
  expect(req.session).toBeDefined()
  next()
}

/** An application whose handler is behind compression, and behind a session that is held outside or inside of it. */
function openApp(
  where: (typeof POSITIONS)[number],
  layer: Layer,
  handler: Layer,
  around: { onError?: ErrorLayer } = {}
) {
  if (where === 'before the session')
    return HeldApp.open('Express 5', [handler], { before: [layer], ...around })
  const first = where === 'after the session' ? [] : [look]
  return HeldApp.open('Express 5', [...first, layer, handler], around)
}

describe.each(POSITIONS)('compression mounted %s', (where) => {
  const open = (
    handler: (res: Response, asked: string) => unknown,
    threshold?: number,
    onError?: ErrorLayer
  ) => {
    const layer = compression(threshold === undefined ? {} : { threshold }) as unknown as Layer
    const change: Layer = (req, res) => {
      req.session.n = ((req.session.n as number | undefined) ?? 0) + 1
      res.setHeader('Content-Type', 'text/plain')
      return handler(res, req.url ?? '')
    }
    return openApp(where, layer, change, onError && { onError })
  }

  describe.each(SENDERS)('%s', (_what, send) => {
    it.each<[string, string, Record<string, string>, string | undefined]>([
      ['a small body', SMALL, gzip, undefined],
      ['a large body', LARGE, gzip, 'gzip'],
      ['a large body, to a client that knows no gzip', LARGE, {}, undefined]
    ])('%s', async (_body, text, headers, encoding) => {
      const app = await open((res) => send(res, text))
      const exchange = app.watch({ headers })
      const answer = await exchange.ended.seen
      expect(answer).toMatchObject({ status: 200, complete: true })
      expect(bodyOf(answer)).toBe(text)
      // Without a length, compression does not know that a body is small.
      if (text === LARGE) expect(answer.headers['content-encoding']).toBe(encoding)
      expect(answer.headers.vary).toContain('Cookie')
      expect(app.store.events).toEqual(['set', 'stored', 'first byte'])
      app.keep(answer.headers)
      expect(await app.stored()).toMatchObject({ n: 1 })
    })
  })

  it.each([true, false])('flushes what was written, held: %s', async (changed) => {
    const arrived = new Signal('the first part')
    const flushed = async (res: Response) => {
      res.setHeader('Content-Type', 'text/plain')
      ;(res as Response & { flush: () => void }).flush()
      for (const part of ['first part', ', second part']) {
        res.write(part)
        ;(res as Response & { flush: () => void }).flush()
        await arrived.seen
      }
      res.end()
    }
    const layer = compression({ threshold: 0 }) as unknown as Layer
    const handler: Layer = (req, res) => {
      if (changed) req.session.n = 1
      else expect(req.session.n).toBeUndefined()
      return flushed(res)
    }
    const app = await openApp(where, layer, handler)
    const exchange = app.ask({ headers: gzip })
    await exchange.holds((bytes) => partOf(bytes) === 'first part')
    arrived.resolve()
    expect(bodyOf(await exchange.ended.seen)).toBe('first part, second part')
  })

  it.each<[string, (res: Response, text: string) => unknown]>(SENDERS)(
    'the store says no, to %s: a 503, and nothing of the handler',
    async (_what, send) => {
      for (const text of [SMALL, LARGE]) {
        const ended = new Signal('the handler')
        const app = await open(
          async (res) => {
            try {
              await send(res, text)
            } catch {
              // A pipeline and a wait for drain hear of it.
            }
            ended.resolve()
          },
          undefined,
          (error, _req, res) => {
            res.statusCode = error.status
            res.end('error page')
          }
        )
        app.store.always(fails, 'set')
        const answer = await app.get({ headers: gzip })
        expect(answer).toMatchObject({ status: 503, complete: true })
        expect(['error page', 'Service Unavailable\n']).toContain(answer.body)
        expect(answer.headers).not.toHaveProperty('content-encoding')
        expect(answer.headers).not.toHaveProperty('set-cookie')
        await ended.seen
      }
    }
  )

  it('the store says no, to an end below the threshold: an error handler answers', async () => {
    const app = await open(
      (res) => res.end(SMALL),
      undefined,
      (error, _req, res) => {
        res.statusCode = error.status
        res.setHeader('Content-Type', 'text/plain')
        res.end(LARGE)
      }
    )
    app.store.always(fails, 'set')
    const answer = await app.get({ headers: gzip })
    expect(answer.status).toBe(503)
    expect(bodyOf(answer)).toBe(LARGE)
  })

  it('answers HEAD', async () => {
    const app = await open((res) => res.end(LARGE))
    expect(await app.get({ method: 'HEAD', headers: gzip })).toMatchObject({ status: 200, body: '' })
    expect(await app.stored()).toMatchObject({ n: 1 })
  })
})
