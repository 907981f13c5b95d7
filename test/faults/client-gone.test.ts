import { once } from 'node:events'
import { request } from 'node:http'
import { Router, type Request, type Response } from 'express'
import { atEnd } from '../support/serve'
import { bagOf } from './support/app'
import { eventually } from './support/eventually'
import { REQUESTS, Rig } from './support/rig'
import type { Witness } from './support/witness'

/** What lets the client of a request hang up. */
const hangUps = new Map<string, () => void>()

/** The client of this request hangs up now. */
async function hangUp(req: Request, res: Response): Promise<void> {
  const closed = once(res, 'close')
  hangUps.get(req.url)!()
  await closed
}

const routes = Router()
  .get('/ended/:key', async (req, res) => {
    bagOf(req)[req.params.key] = true
    await hangUp(req, res)
    res.end('done')
  })
  .get('/begun/:key', async (req, res) => {
    await new Promise<void>((resolve) => res.write('begun', () => resolve()))
    bagOf(req)[req.params.key] = true
    await hangUp(req, res)
  })
  .get('/silent/:key', async (req, res) => {
    bagOf(req)[req.params.key] = true
    await hangUp(req, res)
  })

const MANNERS = ['ended', 'begun', 'silent'] as const

/** A request whose client hangs up when the handler wants it, and when `may` lets it. */
async function ask(port: number, { cookie }: Witness, path: string, may = () => Promise.resolve()) {
  const asked = request({ host: '127.0.0.1', port, path, headers: { cookie: `sid=${cookie}` }, agent: false })
  asked.on('error', () => undefined).on('response', (response) => response.resume())
  hangUps.set(path, () => void may().then(() => asked.destroy()))
  asked.end()
  // Its error is what happens, and would be taken by once().
  await new Promise((resolve) => asked.on('close', resolve))
  hangUps.delete(path)
}

test('the client hangs up: what a handler ended or began is stored, half of its work is not', async () => {
  const rig = await Rig.open({ routes })
  const { visitors } = rig
  let dropped = 0
  await Promise.all(
    visitors.map(async (visitor, v) => {
      for (let i = 0; i < REQUESTS / visitors.length; i++) {
        const manner = MANNERS[(i + v) % MANNERS.length]!
        const key = `${manner}${i}-${v}`
        if (manner === 'silent') dropped++
        else visitor.acknowledged.add(key)
        await ask(rig.app.port, visitor, `/${manner}/${key}`)
      }
    })
  )
  // Nobody is there to be told when: the commits come after the clients have gone.
  await eventually(async () => (await rig.audit()).length === 0)
  // When the client goes nobody knows that a handler will end its response all the same: that is told, too.
  await eventually(() => rig.heard('holdfast:dropped').length >= dropped)
  for (const text of await rig.texts()) expect(text).not.toContain('silent')
  expect(rig.app.errors).toEqual([])
  expect(await rig.traces.left()).toEqual([])
})

test('the client hangs up while Redis does not answer: nothing breaks, and it goes on', async () => {
  const rig = atEnd(await Rig.open({ routes }), (it) => it.server.resume())
  const { app, server, visitors } = rig
  let changed = 0
  let stop!: () => void
  const stopped = new Promise<void>((resolve) => (stop = resolve))
  const hangingUp = visitors.map((visitor, v) =>
    ask(app.port, visitor, `/ended/key${v}`, () => (changed++, stopped))
  )
  await eventually(() => changed === visitors.length)
  server.pause()
  stop()
  await Promise.all(hangingUp)
  await eventually(() => rig.heard('holdfast:error').length === visitors.length)
  server.resume()
  await rig.recovered()
  await rig.answersAll(REQUESTS / 4, 300)
  expect(await rig.problems()).toEqual([])
})
