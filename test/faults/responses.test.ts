import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { Router } from 'express'
import { atEnd } from '../support/serve'
import { App, bagOf } from './support/app'
import { own } from './support/clients'
import { REQUESTS, Rig } from './support/rig'
import { Witness } from './support/witness'

/** Responses without a body, elsewhere, and of a handler that threw after its change. */
const ENDS: [method: string, path: string, status: number][] = [
  ['HEAD', '/mark', 200],
  ['GET', '/end/204', 204],
  ['GET', '/end/304', 304],
  ['GET', '/end/303', 303],
  ['GET', '/throw', 418]
]

/** A response as soon as its headers are there. */
async function headersOf(port: number, visitor: Witness, path: string, method = 'GET') {
  const headers = { cookie: `sid=${visitor.cookie}` }
  const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return response
}

test('HEAD, 204, 304, a redirect, a handler that throws: the change is there as soon as the headers are', async () => {
  const rig = await Rig.open()
  const store = atEnd(own.open(rig.server.url), (it) => it.close())
  await store.ready()
  const elsewhere = atEnd(await App.open(store.store), (it) => it.stop())
  const { visitors } = rig
  /** All visitors at once, each with one request after the other, of all kinds in turn. */
  const everybody = (ask: (visitor: Witness, key: string, end: (typeof ENDS)[number]) => Promise<void>) =>
    Promise.all(
      visitors.map(async (visitor, v) => {
        for (let i = 0; i < REQUESTS / visitors.length / 2; i++) {
          await ask(visitor, `key${i}`, ENDS[(i + v) % ENDS.length]!)
        }
      })
    )
  await store.ready()
  await rig.redis((redis) =>
    everybody(async (visitor, key, [method, path, status]) => {
      const response = await headersOf(rig.app.port, visitor, `${path}/${key}`, method)
      const stored = JSON.parse((await redis.get(`SESSION:${visitor.id}`))!) as object
      expect(response.resume().statusCode).toBe(status)
      expect(stored).toHaveProperty(key)
      visitor.acknowledged.add(key)
      if (status !== 303) return
      const there = new Witness(elsewhere.port, visitor.name, visitor.cookies)
      expect((await there.ask(response.headers.location!)).answer?.text).toContain(key)
    })
  )
  expect(await rig.audit()).toEqual([])

  const texts = await rig.texts()
  await rig.redis((redis) => redis.config('SET', 'maxmemory', '1'))
  await everybody(async (visitor, key, [method, path]) => {
    const response = await headersOf(rig.app.port, visitor, `${path}/refused-${key}`, method)
    expect(response.resume().statusCode).toBe(503)
    expect(response.headers.location).toBeUndefined()
    expect(response.headers['set-cookie']).toBeUndefined()
  })
  expect(await rig.texts()).toEqual(texts)
  expect(await rig.traces.left()).toEqual([])
})

describe('streaming: a change, a part, another change, and the end', () => {
  /** What lets the handler of a visitor go on after the first part. */
  const goOn = new Map<string, () => void>()
  const routes = Router().get('/stream/:key', async (req, res) => {
    const { key } = req.params
    bagOf(req)[`${key}-first`] = true
    res.write('first')
    await new Promise<void>((resolve) => goOn.set(key, resolve))
    bagOf(req)[`${key}-second`] = true
    res.write('second')
    res.end('end')
  })

  test('each part leaves after what was changed before; what cannot be stored breaks the response off', async () => {
    const rig = await Rig.open({ routes })
    for (let round = 0; round < REQUESTS / rig.visitors.length; round++) {
      const fails = round % 2 === 1
      const responses = await Promise.all(
        rig.visitors.map(async (visitor, v) => {
          const key = `key${round}-${v}`
          const response = await headersOf(rig.app.port, visitor, `/stream/${key}`)
          const parts = response[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>
          expect(String((await parts.next()).value)).toBe('first')
          visitor.acknowledged.add(`${key}-first`)
          return { visitor, key, parts }
        })
      )
      // The first part is here, the rest is not even made.
      expect(await rig.audit()).toEqual([])
      const texts = await rig.texts()
      if (fails) await rig.redis((redis) => redis.config('SET', 'maxmemory', '1'))
      for (const { visitor, key, parts } of responses) {
        goOn.get(key)!()
        const rest = await all(parts)
        expect(rest.endsWith('end')).toBe(!fails)
        if (!fails) visitor.acknowledged.add(`${key}-second`)
      }
      if (fails) expect(await rig.texts()).toEqual(texts)
      await rig.redis((redis) => redis.config('SET', 'maxmemory', '0'))
    }
    expect(await rig.audit()).toEqual([])
    goOn.clear()
    expect(await rig.traces.left()).toEqual([])
  })
})

/** What comes until the end, or until the connection breaks. */
async function all(parts: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  try {
    for await (const part of parts) text += part.toString()
  } catch (error) {
    expect(error).toMatchObject({ code: 'ECONNRESET' })
    text += ' (broken)'
  }
  return text
}
