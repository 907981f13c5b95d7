import { own } from './support/clients'
import { runFor } from './support/lag'
import { REQUESTS, Rig } from './support/rig'
import { answeredWell, byStatus, late, type Outcome } from './support/witness'

const outages: [name: string, begin: (rig: Rig) => Promise<void>, end: (rig: Rig) => Promise<unknown>][] = [
  ['silent', async ({ server }) => server.pause(), async ({ server }) => server.resume()],
  ['not there', ({ server }) => server.kill(), ({ server }) => server.start()]
]

const isRead = ({ path }: Outcome) => path === '/read' || path === '/free'

test.each(outages)("whenUnreadable 'anonymous', Redis is %s", async (_, begin, end) => {
  const rig = await Rig.open({
    kind: own,
    args: ['--appendonly', 'yes', '--appendfsync', 'always'],
    // A cookie with an age, as it would be renewed.
    options: { whenUnreadable: 'anonymous', cookie: { maxAge: 3_600_000 } }
  })
  await rig.answersAll(REQUESTS / 4, 300)
  const [cookies, texts] = [rig.visitors.map(({ cookie }) => cookie), await rig.texts()]

  await begin(rig)
  const during = await rig.load(REQUESTS / 2, 2000)
  expect(late(during)).toEqual([])
  // Reading goes on, and sees nothing; what cannot be kept is not promised.
  expect(during.filter(isRead).every(answeredWell)).toBe(true)
  const writes = during.filter((one) => !isRead(one))
  expect(byStatus(writes)).toEqual({ 503: writes.length })
  for (const path of ['/read', '/login', '/logout', '/save/key', '/mark/key']) {
    const { status, answer } = await rig.visitors[0]!.ask(path)
    expect([path, status]).toEqual([path, path === '/read' ? 200 : 503])
    expect(answer?.setCookies).toEqual([])
    if (path === '/read') expect(answer?.text).toBe('{}')
  }
  expect(rig.visitors.map(({ cookie }) => cookie)).toEqual(cookies)

  await end(rig)
  await runFor(1000)
  // Nothing of it was written, neither then nor later.
  expect(await rig.texts()).toEqual(texts)
  await rig.answersAll(REQUESTS / 4, 300)
  for (const visitor of rig.visitors) {
    expect((await visitor.ask('/read')).answer?.text).toMatch(/"user":"somebody"/)
  }
  expect(await rig.problems()).toEqual([])
  expect(rig.heard('holdfast:error').length).toBeGreaterThan(0)
})

test.each(outages)(
  "whenUnreadable 'throw', Redis is %s: 503 with Retry-After where the store is needed",
  async (_, begin, end) => {
    const rig = await Rig.open({ kind: own, args: ['--appendonly', 'yes'] })
    await begin(rig)
    for (const path of ['/read', '/login', '/logout', '/save/key', '/mark/key', '/count']) {
      const { status, answer } = await rig.visitors[0]!.ask(path)
      expect([path, status, answer?.headers['retry-after']]).toEqual([path, 503, '1'])
    }
    await rig.answersAll(REQUESTS / 4, 100, ['free'])
    await end(rig)
    await rig.recovered()
  }
)
