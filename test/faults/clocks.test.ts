import { AppProcess } from '../support/app-process'
import { REQUESTS, Rig } from './support/rig'
import { byStatus, load, Witness } from './support/witness'

const MINUTE = 60_000

let rig: Rig
/** Processes whose clocks are wrong by so many minutes. Their sessions live for 10 minutes without use, 60 altogether. */
const processes = new Map<number, AppProcess>()
/** One whose clock goes on as a test says. */
let later: AppProcess
beforeAll(async () => {
  rig = await Rig.open({ visitors: 0 })
  const start = () => AppProcess.start('faults/child/main', { REDIS_URL: rig.server.url })
  for (const skew of [-10, 0, 10]) processes.set(skew, await set(await start(), skew))
  later = await start()
})

async function set(process: AppProcess, minutes: number): Promise<AppProcess> {
  expect((await process.post(`/clock/${minutes * MINUTE}`)).status).toBe(200)
  return process
}

test('processes whose clocks differ by twenty minutes: sessions live in Redis as long as they should', async () => {
  const ports = [...processes.values()].map(({ port }) => port)
  let next = 0
  for (let i = 0; i < 9; i++) {
    // Each request meets another process.
    const visitor = new Witness(() => ports[next++ % ports.length]!)
    await visitor.ask('/login')
    rig.visitors.push(visitor)
  }
  const outcomes = await load(rig.visitors, REQUESTS, 500)
  expect(byStatus(outcomes)).toEqual({ 200: REQUESTS })
  expect(await rig.audit()).toEqual([])
  for (const port of ports) {
    for (const { name, cookies } of rig.visitors) {
      expect((await new Witness(port, name, cookies).ask('/read')).status).toBe(200)
    }
    for (const { id } of rig.visitors) {
      const left = await rig.redis((redis) => redis.pttl(`SESSION:${id}`))
      expect(left).toBeLessThanOrEqual(10 * MINUTE)
      expect(left).toBeGreaterThan(9 * MINUTE)
    }
  }
})

test.each([
  [-10, 50],
  [0, 60],
  [10, 70]
])('a session begun where the clock is %d minutes off ends after %d minutes', async (skew, lifetime) => {
  let { port } = processes.get(skew)!
  const visitor = new Witness(() => port)
  expect((await visitor.ask('/login')).status).toBe(200)
  ;({ port } = await set(later, lifetime - 1))
  expect((await visitor.ask('/read')).answer?.text).toBe('{"user":"somebody"}')
  await set(later, lifetime + 1)
  expect((await visitor.ask('/read')).answer?.text).toBe('{}')
  // That clock may be the wrong one: it refuses the session, and Redis ends the record.
  const left = await rig.redis((redis) => redis.pttl(`SESSION:${visitor.id}`))
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(10 * MINUTE)
})
