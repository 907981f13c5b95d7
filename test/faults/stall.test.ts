import { atEnd } from '../support/serve'
import { clients, own } from './support/clients'
import { lagBetween, runFor } from './support/lag'
import { REQUESTS, Rig } from './support/rig'
import { answeredWell, late, needsStore } from './support/witness'
import { isLong } from '../support/long'

/** Milliseconds; Redis takes no command that would end it. */
const PAUSE = 4500

const stopped = {
  name: 'stopped (SIGSTOP)',
  ms: 2500,
  lasts: Infinity,
  begin: async ({ server }: Rig): Promise<unknown> => server.pause(),
  end: async ({ server }: Rig): Promise<unknown> => server.resume()
}
const stalls = [
  ...(isLong ? clients : [own]).map((kind) => ({ ...stopped, kind })),
  ...clients.map((kind) => ({
    ...stopped,
    kind,
    name: 'stopped for longer than clients wait for a socket',
    ms: 4500
  })),
  {
    name: 'paused (CLIENT PAUSE)',
    kind: own,
    ms: 2500,
    begin: (rig: Rig) => rig.redis((redis) => redis.call('CLIENT', 'PAUSE', `${PAUSE}`, 'ALL')),
    lasts: PAUSE,
    // The pause itself keeps this waiting until it is over.
    end: (rig: Rig) => rig.redis((redis) => redis.ping())
  }
]

test.each(stalls)('Redis is $name under load, $kind.name', async ({ kind, ms, lasts, begin, end }) => {
  const rig = atEnd(await Rig.open({ kind }), (it) => end(it).catch(() => undefined))
  await rig.answersAll(REQUESTS / 4, 300)

  const loading = rig.load(REQUESTS / 2, ms)
  await runFor(200)
  const beforeStall = performance.now()
  await begin(rig)
  const stalledAt = performance.now()
  // On a slow machine the load takes longer than the pause.
  const during = (await loading).filter(
    ({ began, ended }) => began > stalledAt && ended < beforeStall + lasts
  )
  // Every request settled while Redis was silent, and those that needed it said so.
  expect(late(rig.outcomes)).toEqual([])
  expect(during.filter((one) => needsStore(one) && one.status !== 503)).toEqual([])
  expect(during.filter((one) => !needsStore(one)).every(answeredWell)).toBe(true)
  // After the first deadlines nobody waits for one, but for one request in five seconds that looks whether Redis is back.
  const slow = during.filter(
    ({ began, ended }) =>
      began > stalledAt + 1500 + lagBetween(stalledAt, began) &&
      ended - began - lagBetween(began, ended) > 500
  )
  expect(slow.length).toBeLessThanOrEqual(Math.floor((performance.now() - stalledAt) / 5000))

  await end(rig)
  await runFor(1000)
  const after = await rig.answersAll(REQUESTS / 4, 300)
  expect(late(after)).toEqual([])
  expect(await rig.problems()).toEqual([])
})
