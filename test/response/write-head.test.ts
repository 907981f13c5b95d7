import type { ServerResponse } from 'node:http'
import { PROTOCOLS, type Protocol } from '../support/hold-http'
import { HeldServer } from '../support/hold-rig'

type WriteHead = (res: ServerResponse) => unknown

/** As a session does it: its cookie joins those that are there. */
function addCookie(res: ServerResponse): void {
  const present = res.getHeader('Set-Cookie') ?? []
  res.setHeader('Set-Cookie', [present, 'gate=1'].flat() as string[])
}

async function wire(protocol: Protocol, changed: boolean, writeHead: WriteHead) {
  const rig = await HeldServer.open(protocol, ({ res, gate }) => {
    gate.changed = changed
    gate.onHeaders = () => addCookie(res)
    writeHead(res)
    res.end('x')
  })
  const { status, message, headers } = await rig.get()
  const { 'set-cookie': cookies, 'x-a': a, 'x-b': b } = headers
  expect(rig.errors).toEqual([])
  return { status, message, cookies, a, b }
}

describe.each(PROTOCOLS.flatMap((protocol) => [true, false].map((changed) => ({ protocol, changed }))))(
  'writeHead over $protocol, held: $changed',
  ({ protocol, changed }) => {
    it.each<[string, WriteHead]>([
      ['an object', (res) => res.writeHead(201, { 'X-A': '1', 'X-B': ['2', '3'] })],
      ['nothing and an object', (res) => res.writeHead(201, undefined, { 'X-A': '1', 'X-B': ['2', '3'] })],
      ['a flat list', (res) => res.writeHead(201, ['X-A', '1', 'X-B', '2', 'X-B', '3'])],
      [
        'a list of pairs',
        (res) =>
          res.writeHead(201, [
            ['X-A', '1'],
            ['X-B', '2'],
            ['x-b', '3']
          ] as never)
      ]
    ])('takes headers as %s', async (_what, writeHead) => {
      const { status, a, b, cookies } = await wire(protocol, changed, writeHead)
      expect({ status, a, b, cookies }).toEqual({ status: 201, a: '1', b: '2, 3', cookies: ['gate=1'] })
    })

    it('takes a status alone', async () => {
      expect(await wire(protocol, changed, (res) => res.writeHead(404))).toMatchObject({ status: 404 })
    })

    it.each<[string, WriteHead]>([
      ['an object', (res) => res.writeHead(200, { 'Set-Cookie': ['a=1', 'b=2'] })],
      ['a flat list', (res) => res.writeHead(200, ['Set-Cookie', 'a=1', 'set-cookie', 'b=2'])],
      [
        'a list of pairs',
        (res) =>
          res.writeHead(200, [
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2']
          ] as never)
      ]
    ])('keeps every Set-Cookie in %s', async (_what, writeHead) => {
      expect((await wire(protocol, changed, writeHead)).cookies).toEqual(['a=1', 'b=2', 'gate=1'])
    })

    it('keeps a Set-Cookie from before', async () => {
      const { cookies } = await wire(protocol, changed, (res) => {
        res.setHeader('Set-Cookie', 'before=1')
        res.writeHead(200, { 'X-A': '1' })
      })
      expect(cookies).toEqual(['before=1', 'gate=1'])
    })

    it('replaces what was set before by what is given, as Node does', async () => {
      const { a, cookies } = await wire(protocol, changed, (res) => {
        res.setHeader('Set-Cookie', 'before=1')
        res.setHeader('X-A', 'before')
        res.writeHead(200, ['Set-Cookie', 'inside=1', 'X-A', 'inside'])
      })
      expect({ a, cookies }).toEqual({ a: 'inside', cookies: ['inside=1', 'gate=1'] })
    })

    it('passes over a name that is empty', async () => {
      expect(
        await wire(protocol, changed, (res) => res.writeHead(200, { '': 'x', 'X-A': '1' }))
      ).toMatchObject({ a: '1' })
      expect(await wire(protocol, changed, (res) => res.writeHead(200, ['', 'x', 'X-A', '1']))).toMatchObject(
        { a: '1' }
      )
    })

    it('shows the headers as they will be', async () => {
      await wire(protocol, changed, (res) => {
        res.writeHead(200, { 'X-A': '1' })
        expect(res.getHeader('X-A')).toBe('1')
      })
    })
  }
)

describe.each([true, false])('writeHead over HTTP/1.1, held: %s', (changed) => {
  it('takes a message, alone and with headers', async () => {
    expect(await wire('HTTP/1.1', changed, (res) => res.writeHead(201, 'Made'))).toMatchObject({
      status: 201,
      message: 'Made'
    })
    expect(
      await wire('HTTP/1.1', changed, (res) => res.writeHead(201, 'Made', { 'X-A': '1' }))
    ).toMatchObject({
      message: 'Made',
      a: '1'
    })
  })

  it('takes the message that was set before', async () => {
    const { message } = await wire('HTTP/1.1', changed, (res) => {
      res.statusMessage = 'Made'
      res.writeHead(201)
      res.statusMessage = 'Too late'
    })
    expect(message).toBe('Made')
  })

  it('gives a status the message that belongs to it', async () => {
    expect(await wire('HTTP/1.1', changed, (res) => res.writeHead(404))).toMatchObject({
      message: 'Not Found'
    })
  })

  it('keeps the case of the names', async () => {
    const rig = await HeldServer.open('HTTP/1.1', ({ res, gate }) => {
      gate.changed = changed
      res.writeHead(200, ['X-lIKE-THIS', '1'])
      expect((res as unknown as { getRawHeaderNames(): string[] }).getRawHeaderNames()).toEqual([
        'X-lIKE-THIS'
      ])
      res.end()
    })
    await rig.get()
  })
})
