import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import express5 from 'express'
import express4 from 'express4'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { makeDictionaries, type Linked } from '../lib/request'
import { send } from './support/send'
import { serve } from './support/serve'
import { portOf } from './support/server'
import { Site } from './support/site'

/** V8's own answer, by a function of its that is not JavaScript's. */
setFlagsFromString('--allow-natives-syntax')
// Compiled at its first call, while the flag holds.
const isFast = runInNewContext('(object) => %HasFastProperties(object)') as (object: object) => boolean
isFast({})
setFlagsFromString('--no-allow-natives-syntax')

async function objectsOf(listener: (seen: Seen) => RequestListener): Promise<Seen> {
  const seen = {} as Seen
  const server = await serve(listener(seen))
  expect(await send(portOf(server), '/')).toMatchObject({ status: 200, text: 'done' })
  return seen
}

interface Seen {
  fast: boolean[]
  linked: boolean
  keys: string[]
}

function look(seen: Seen, req: IncomingMessage & Linked, res: ServerResponse, version = '20.0.0'): void {
  const before = Object.keys(res).sort()
  makeDictionaries(req, res, version)
  Object.assign(seen, { fast: [isFast(req), isFast(res)], linked: req.res === res && res.req === req })
  expect(Object.keys(res).sort()).toEqual(before)
  res.end('done')
}

describe.each([
  ['Express 5', express5],
  ['Express 4', express4]
])('the request and the response of %s', (_name, express) => {
  it('become dictionaries, and are linked as before', async () => {
    const seen = await objectsOf((to) => express().use((req, res) => look(to, req as never, res as never)))
    expect(seen).toMatchObject({ fast: [false, false], linked: true })
  })

  it.each(['24.0.0', '26.1.0'])(
    'are left alone from Node 24 on, where it only costs: %s',
    async (version) => {
      const app = express().use((req, res) => {
        // A dictionary would have its link behind it.
        Object.assign(req, { last: true })
        const before = Object.keys(req)
        makeDictionaries(req as never, res as never, version)
        res.end(JSON.stringify([before, Object.keys(req)]))
      })
      const site = await Site.listen(app as RequestListener)
      const [before, after] = JSON.parse((await site.visitor().visit(() => null)).text) as [
        string[],
        string[]
      ]
      expect(after).toEqual(before)
      expect(after.at(-1)).toBe('last')
    }
  )
})

it('leaves those of node:http alone', async () => {
  const seen = await objectsOf((to) => (req, res) => look(to, req, res))
  expect(seen.fast).toEqual([true, true])
})

test.each([
  ['cannot be deleted', { writable: true, configurable: false }],
  ['cannot be written', { writable: false, configurable: false }]
])('a req.res that %s stops no request', async (_what, how) => {
  const app = express5()
  app.use((req, res, next) => {
    Object.defineProperty(req, 'res', { value: res, ...how })
    next()
  })
  const site = await Site.open({}, undefined, app)
  expect((await site.visitor().visit((s) => void (s.n = 1))).status).toBe(200)
})
