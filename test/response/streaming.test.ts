import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, mkdtempSync, rmSync, writeFileSync, type ReadStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { listen } from '../support/events'
import { HeldApp, KINDS } from '../support/hold-app'
import { fails } from '../support/counting-store'
import { Signal } from '../support/hold-http'

/** More than all the buffers on the way take. */
const SIZE = 16 * 1024 * 1024

describe.each(KINDS)('streaming on %s', (kind) => {
  it('a big file to a slow client goes at the client’s pace', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-hold-'))
    const file = join(folder, 'big')
    const content = randomBytes(SIZE)
    writeFileSync(file, content)
    let source: ReadStream | undefined
    const ended = new Signal('the pipeline')
    const app = await HeldApp.open(kind, (req, res) => {
      if (req.url !== '/') return res.end()
      req.session.name = 'test'
      source = createReadStream(file, { highWaterMark: 1024 * 1024 })
      return pipeline(source, res).then(() => ended.resolve())
    })
    const { asked, answer } = app.store.holdNext()
    const exchange = app.ask()
    await asked.seen
    // Held, it has not been read beyond the first chunks.
    await app.server.get({ path: '/other' })
    expect(source!.bytesRead).toBeLessThanOrEqual(2 * source!.readableHighWaterMark)
    answer.resolve()
    await exchange.begun.seen
    exchange.pause()
    // It is read until every buffer on the way is full.
    let before = -1
    while (source!.bytesRead !== before) {
      before = source!.bytesRead
      for (let times = 0; times < 3; times++) await app.server.get({ path: '/other' })
    }
    expect(before).toBeLessThan(SIZE)
    exchange.resume()
    const { bytes, complete } = await exchange.ended.seen
    await ended.seen
    expect(complete).toBe(true)
    expect(digest(bytes)).toBe(digest(content))
    rmSync(folder, { recursive: true })
  })

  it('server-sent events: each leaves when it is written, and what changed between is committed', async () => {
    const next = [new Signal('event 2'), new Signal('event 3')]
    const closed = new Signal('close')
    const app = await HeldApp.open(kind, async (req, res) => {
      res.on('close', () => closed.resolve())
      req.session.name = 'test'
      res.writeHead(200, { 'Content-Type': 'text/event-stream' })
      res.flushHeaders()
      res.write('data: 1\n\n')
      await next[0]!.seen
      expect(res.write('data: 2\n\n')).toBe(true)
      req.session.middle = 'changed'
      await next[1]!.seen
      res.write('data: 3\n\n')
    })
    const exchange = app.ask()
    const { headers } = await exchange.begun.seen
    expect(headers['content-type']).toBe('text/event-stream')
    app.keep(headers)
    await exchange.received('data: 1')
    expect(app.store.events).toEqual(['set', 'stored'])
    next[0]!.resolve()
    await exchange.received('data: 2')
    next[1]!.resolve()
    await exchange.received('data: 3')
    expect(await app.stored()).toEqual(expect.not.objectContaining({ middle: 'changed' }))
    // The client goes, as clients of events do: the response had begun, so what changed is kept.
    const { answer, done } = app.store.holdNext()
    answer.resolve()
    exchange.hangUp()
    await closed.seen
    await done.seen
    expect(await app.stored()).toMatchObject({ name: 'test', middle: 'changed' })
  })

  it('what changes after the headers is committed before the end', async () => {
    const app = await HeldApp.open(kind, async (req, res) => {
      req.session.first = 1
      res.write('a')
      await exchange.received('a')
      req.session.second = 2
      res.write('b')
      await exchange.received('ab')
      res.end('c')
    })
    const exchange = app.ask()
    const { asked, answer } = app.store.holdNext()
    await asked.seen
    answer.resolve()
    const last = app.store.holdNext()
    await last.asked.seen
    expect(exchange.size).toBe(2)
    last.answer.resolve()
    const { headers, body, complete } = await exchange.ended.seen
    expect({ body, complete }).toEqual({ body: 'abc', complete: true })
    app.keep(headers)
    expect(await app.stored()).toMatchObject({ first: 1, second: 2 })
  })

  it('what changes after the headers and cannot be stored breaks the response off', async () => {
    const told = new Signal<unknown>('the callback')
    const app = await HeldApp.open(kind, async (req, res) => {
      if (req.url === '/well') return res.end('well')
      req.session.first = 1
      res.write('a')
      await exchange.received('a')
      req.session.second = 2
      app.store.always(fails, 'set')
      res.end('c', told.resolve as () => void)
    })
    const exchange = app.ask()
    const { status, headers, body, complete } = await exchange.ended.seen
    expect({ status, body, complete }).toEqual({ status: 200, body: 'a', complete: false })
    expect(await told.seen).toMatchObject({ code: 'ERR_SESSION_STORE' })
    app.keep(headers)
    expect(await app.stored()).toEqual(expect.not.objectContaining({ second: 2 }))
    expect((await app.get({ path: '/well' })).body).toBe('well')
  })

  it('a session created after the headers is not stored, and the client knows', async () => {
    const told = new Signal<unknown>('the callback')
    const app = await HeldApp.open(kind, async (req, res) => {
      touch(req.session)
      res.write('a')
      await exchange.received('a')
      req.session.name = 'test'
      res.end('c', told.resolve as () => void)
    })
    const exchange = app.ask()
    expect(await exchange.ended.seen).toMatchObject({ status: 200, body: 'a', complete: false })
    expect(await told.seen).toMatchObject({ code: 'ERR_SESSION_HEADERS_SENT' })
    expect(app.store.log).toBe('')
  })

  it('a save after the headers says so to its caller, and the response goes on', async () => {
    const app = await HeldApp.open(kind, async (req, res) => {
      touch(req.session)
      res.write('a')
      await exchange.received('a')
      req.session.name = 'test'
      const code = await req.session.save().catch((error: unknown) => (error as { code: string }).code)
      res.end(code as string)
    })
    const exchange = app.ask()
    expect(await exchange.ended.seen).toMatchObject({ body: 'aERR_SESSION_HEADERS_SENT', complete: true })
    expect(app.store.size).toBe(0)
  })

  describe('and the client hangs up', () => {
    it('a commit at the end happens all the same', async () => {
      const closed = new Signal('close')
      const app = await HeldApp.open(kind, async (req, res) => {
        res.on('close', () => closed.resolve())
        req.session.name = 'test'
        exchange.hangUp()
        await closed.seen
        res.end('x')
      })
      const { answer, done } = app.store.holdNext()
      answer.resolve()
      const exchange = app.ask()
      await done.seen
      expect(app.store.size).toBe(1)
    })

    it('before the response began: half of a handler’s work is not stored', async () => {
      const heard = listen()
      const closed = new Signal('close')
      const app = await HeldApp.open(kind, (req, res) => {
        if (req.url === '/well') return res.end(String(req.session.name))
        res.on('close', () => closed.resolve())
        req.session.name = 'test'
        exchange.hangUp()
      })
      const exchange = app.ask()
      await closed.seen
      await turn()
      expect(heard['holdfast:dropped']).toEqual([
        { handle: expect.any(String) as string, reason: 'client closed' }
      ])
      expect((await app.get({ path: '/well' })).body).toBe('undefined')
      expect(app.store.log).toBe('')
    })

    it('while its begun response is held: all of it is stored, and nothing is said', async () => {
      const heard = listen()
      const closed = new Signal('close')
      const app = await HeldApp.open(kind, (req, res) => {
        res.on('close', () => closed.resolve())
        req.session.name = 'test'
        res.write('x')
        req.session.more = 'of it'
      })
      const { asked, answer, done } = app.store.holdNext()
      const exchange = app.ask()
      await asked.seen
      exchange.hangUp()
      await closed.seen
      answer.resolve()
      await done.seen
      expect(app.store.size).toBe(1)
      expect(heard['holdfast:dropped']).toEqual([])
    })

    it('nothing changed: nothing is said', async () => {
      const heard = listen()
      const closed = new Signal('close')
      const app = await HeldApp.open(kind, (req, res) => {
        res.on('close', () => closed.resolve())
        touch(req.session)
        exchange.hangUp()
      })
      const exchange = app.ask()
      await closed.seen
      expect(heard['holdfast:dropped']).toEqual([])
    })
  })
})

/** Looks at a session, and leaves it as it is. */
function touch(session: unknown): void {
  expect(session).toBeDefined()
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
