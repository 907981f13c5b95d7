import { atEnd } from '../support/serve'
import { App } from './support/app'
import { own, plain } from './support/clients'
import { eventually } from './support/eventually'
import { REQUESTS, Rig } from './support/rig'
import { Witness, type Outcome } from './support/witness'

let rig: Rig
/** A second process of the same application, whose way to Redis is free. */
let elsewhere: App

beforeEach(async () => {
  rig = await Rig.open({ kind: plain, visitors: REQUESTS / 4 })
  const { store, ready } = atEnd(own.open(rig.server.url), (it) => it.close())
  await ready()
  elsewhere = atEnd(await App.open(store), (it) => it.stop())
})

/**
 * Every visitor changes a session; the network keeps the write until its request was answered with 503 and until
 * `meanwhile` was done. Answers with what is stored after the write has arrived.
 */
async function writeLate(
  path: string,
  meanwhile: (visitor: Witness) => Promise<unknown>
): Promise<(Record<string, unknown> | null)[]> {
  const { app, proxy, visitors } = rig
  const asked: Promise<Outcome>[] = visitors.map((visitor) => visitor.ask(path))
  await eventually(() => app.waiting === visitors.length)
  proxy.hold()
  app.letGo()
  const outcomes = await Promise.all(asked)
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([503]))
  await Promise.all(visitors.map((visitor) => meanwhile(there(visitor))))
  proxy.forward()
  // Redis answers in order: this read comes after the write that was kept.
  expect(await rig.opened.store.get('none')).toBeNull()
  return (await rig.texts()).map((text) => JSON.parse(text ?? 'null') as Record<string, unknown> | null)
}

/** The same visitor at the other process. */
function there(visitor: Witness): Witness {
  return new Witness(elsewhere.port, visitor.name, visitor.cookies)
}

test('nobody else has written: it may be applied, and is once', async () => {
  for (const data of await writeLate('/wait/count', async () => undefined)) expect(data?.count).toBe(1)
  for (const visitor of rig.visitors) expect((await visitor.use('count')).status).toBe(200)
  for (const text of await rig.texts()) expect(JSON.parse(text!)).toMatchObject({ count: 2 })
})

test('somebody else has written: it is not applied', async () => {
  const stored = await writeLate('/wait/mark/late', (visitor) => visitor.ask('/mark/other'))
  for (const data of stored) {
    expect(data).toMatchObject({ other: true })
    expect(data).not.toHaveProperty('late')
  }
})

test('the old state has come back by chance: it is not applied', async () => {
  const stored = await writeLate('/wait/mark/late', async (visitor) => {
    await visitor.ask('/mark/other')
    await visitor.ask('/unmark/other')
  })
  for (const data of stored) {
    expect(data).toMatchObject({ user: 'somebody' })
    expect(data).not.toHaveProperty('late')
  }
})

test('the visitor has asked again elsewhere: it counts once', async () => {
  const stored = await writeLate('/wait/count', (visitor) => visitor.use('count'))
  for (const data of stored) expect(data?.count).toBe(1)
})

test.each(['/logout', '/login'])('the session has ended by %s: it does not come back', async (path) => {
  const stored = await writeLate('/wait/mark/late', (visitor) => visitor.ask(path))
  expect(stored).toEqual(rig.visitors.map(() => null))
})
