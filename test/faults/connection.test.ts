import { clients } from './support/clients'
import { runFor } from './support/lag'
import { REQUESTS, Rig } from './support/rig'
import { byStatus, late, needsStore } from './support/witness'

describe.each(clients)('$name', (kind) => {
  let rig: Rig
  beforeAll(async () => (rig = await Rig.open({ kind })))

  test('answers get lost, and the connection with them', async () => {
    for (let i = 0; i < REQUESTS / 4; i++) {
      const visitor = rig.visitors[i % rig.visitors.length]!
      await rig.opened.ready()
      // Only GETEX has this argument, and only the script has a revision.
      rig.proxy.loseAnswerTo(i % 2 ? 'PX' : 'revs')
      const outcome = await visitor.use(i % 2 ? 'read' : 'count')
      if (i % 2) expect(outcome.status).toBe(200)
      rig.outcomes.push(outcome)
    }
    await rig.recovered()
    await rig.load(REQUESTS / 4, 300)
    expect(late(rig.outcomes)).toEqual([])
    expect(await rig.problems()).toEqual([])
  })

  test.each([
    ['the network breaks connections', async ({ proxy }: Rig) => proxy.cut()],
    [
      'Redis does (CLIENT KILL)',
      (rig: Rig) => rig.redis((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'normal'))
    ]
  ])('%s, again and again', async (_, cut) => {
    const loading = rig.load(REQUESTS, 2000)
    for (let i = 0; i < 10; i++) {
      await runFor(200)
      await cut(rig)
    }
    const during = await loading
    expect(late(during)).toEqual([])
    expect(byStatus(during.filter((one) => !needsStore(one)))).toEqual({ 200: REQUESTS / 5 })
    await rig.recovered()
    await rig.answersAll(REQUESTS / 4, 300)
    expect(await rig.problems()).toEqual([])
  })
})
