import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Response } from 'express'
import { fails, takes } from '../support/counting-store'
import { HeldApp, type Layer } from '../support/hold-app'
import { Signal } from '../support/hold-http'
import { onFinished, onHeaders } from '../support/hold-listeners'

let folder: string
let file: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-hold-'))
  file = join(folder, 'page.txt')
  writeFileSync(file, 'line of the file\n'.repeat(20_000))
})

afterAll(() => rmSync(folder, { recursive: true }))

describe.each(['Express 5', 'Express 4'] as const)('%s', (kind) => {
  /** A handler of Express's own response, after a change of the session. */
  const open = (handler: (res: Response) => unknown, before: Layer[] = []) =>
    HeldApp.open(
      kind,
      [
        (req, res) => {
          req.session.n = ((req.session.n as number | undefined) ?? 0) + 1
          return handler(res as unknown as Response)
        }
      ],
      { before }
    )

  it('redirects a client that follows on the first header byte to what was stored', async () => {
    const app = await HeldApp.open(kind, (req, res) => {
      if (req.url === '/next') return res.end(String(req.session.user))
      req.session.user = 'test'
      ;(res as unknown as Response).redirect('/next')
    })
    app.store.next('set', takes(200))
    const exchange = app.ask({ path: '/' })
    const { status, headers } = await exchange.begun.seen
    app.keep(headers)
    expect({ status, location: headers.location }).toEqual({ status: 302, location: '/next' })
    expect((await app.get({ path: '/next' })).body).toBe('test')
    await exchange.ended.seen
  })

  it('answers json and send, with their length and tag', async () => {
    const app = await open((res) => res.json({ ok: 1, message: '成功' }))
    const { headers, body } = await app.get()
    expect(JSON.parse(body)).toEqual({ ok: 1, message: '成功' })
    expect(headers).toMatchObject({ 'content-length': '27', etag: expect.any(String) as string })
  })

  it('answers 304 to whoever has the page, after the commit', async () => {
    const app = await open((res) => res.send('the same page'))
    const { etag } = (await app.get()).headers
    const answer = await app.get({ headers: { 'if-none-match': etag as string } })
    expect(answer).toMatchObject({ status: 304, body: '' })
    expect(await app.stored()).toMatchObject({ n: 2 })
  })

  it('answers HEAD, after the commit', async () => {
    const app = await open((res) => res.send('the page'))
    const { status, headers, body } = await app.get({ method: 'HEAD' })
    expect({ status, length: headers['content-length'], body }).toEqual({
      status: 200,
      length: '8',
      body: ''
    })
    expect(await app.stored()).toMatchObject({ n: 1 })
  })

  it('sends a file, whole and in part', async () => {
    const sent = new Signal<unknown>('sendFile')
    const app = await open((res) => res.sendFile(file, sent.resolve))
    const { headers, bytes } = await app.get()
    expect(bytes).toHaveLength(statSync(file).size)
    expect(headers['content-type']).toContain('text/plain')
    expect(await sent.seen).toBeUndefined()
    const part = await app.get({ headers: { range: 'bytes=5-11' } })
    expect(part).toMatchObject({ status: 206, body: 'of the ' })
    expect((await app.get({ method: 'HEAD' })).headers['content-length']).toBe(String(statSync(file).size))
    expect(await app.stored()).toMatchObject({ n: 3 })
  })

  it('sends no file where the store says no', async () => {
    const sent = new Signal('sendFile')
    const app = await open((res) => res.sendFile(file, () => sent.resolve()))
    app.store.always(fails, 'set')
    const { status, headers, body, complete } = await app.get()
    expect({ status, body, complete }).toEqual({ status: 503, body: 'Service Unavailable\n', complete: true })
    for (const name of ['etag', 'last-modified', 'accept-ranges', 'set-cookie'])
      expect(headers).not.toHaveProperty(name)
    await sent.seen
  })

  it('tells listeners of the headers and of the end what is so', async () => {
    const log: string[] = []
    const finished = [new Signal('the first end'), new Signal('the second end')]
    let requests = 0
    const listening: Layer = (_req, res, next) => {
      const end = finished[requests++]
      onHeaders(res, function () {
        this.setHeader('X-Outer', '1')
        log.push(
          `headers ${this.statusCode} ${this.getHeader('Set-Cookie') === undefined ? 'no cookie' : 'cookie'}`
        )
      })
      onFinished(res, (_error, message) => {
        log.push(`finished ${(message as typeof res).statusCode}`)
        end?.resolve()
      })
      next()
    }
    const app = await open(
      (res) => {
        onHeaders(res, () => void res.setHeader('X-Inner', '1'))
        if (requests === 1) return res.status(201).json({ ok: 1 })
        res.write('streaming')
      },
      [listening]
    )
    expect((await app.get()).headers).toMatchObject({ 'x-outer': '1', 'x-inner': '1' })
    await finished[0]!.seen
    app.store.always(fails, 'set')
    const { headers } = await app.get()
    expect(headers).toMatchObject({ 'x-outer': '1' })
    expect(headers).not.toHaveProperty('x-inner')
    await finished[1]!.seen
    expect(log).toEqual(['headers 201 cookie', 'finished 201', 'headers 503 no cookie', 'finished 503'])
  })
})
