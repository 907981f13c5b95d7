import { clients } from './support/clients'
import { lagBetween, runFor } from './support/lag'
import { REQUESTS, Rig } from './support/rig'
import { late, needsStore } from './support/witness'

test.each(clients)('a black hole swallows everything, and nothing closes, $name', async (kind) => {
  const rig = await Rig.open({ kind })
  const loading = rig.load(REQUESTS, 5000)
  await runFor(500)
  rig.proxy.swallow()
  const swallowedAt = performance.now()
  await runFor(4000)
  // Clients that notice nothing need somebody else to: the operating system, after a quarter of an hour.
  if (!kind.noticesSilence) rig.proxy.cut()
  rig.proxy.forward()
  const openAt = performance.now()
  await rig.recovered()
  // The attempt to connect that is in the hole is given up after three seconds, and followed within one. A Redis that does
  // not get its turn may take longer.
  const recoveredAt = performance.now()
  expect(recoveredAt - openAt - lagBetween(openAt, recoveredAt)).toBeLessThan(10_000)
  const during = (await loading).filter(({ began, ended }) => began > swallowedAt && ended < openAt)
  // On a busy machine no request may begin and end in that time.
  expect(during.filter((one) => needsStore(one) && one.status !== 503)).toEqual([])
  expect(late(rig.outcomes)).toEqual([])
  await rig.answersAll(REQUESTS / 4, 300)
  expect(await rig.problems()).toEqual([])
})
