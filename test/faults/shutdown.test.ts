import { Agent } from 'node:http'
import Redis from 'ioredis'
import { buildDemo, DemoProcess } from '../demo/support/process'
import { Browser } from '../support/browser'
import { type RedisServer, startRedis } from '../support/redis-server'
import { atEnd } from '../support/serve'
import { lagBetween, runFor } from './support/lag'
import { REQUESTS } from './support/rig'

let server: RedisServer
let agent: Agent

beforeAll(buildDemo)
beforeEach(async () => {
  server = atEnd(await startRedis(), (it) => it.stop())
  agent = atEnd(new Agent({ keepAlive: true }), (it) => it.destroy())
})

/** A visitor of the demo, who counts what was acknowledged. Half of the visitors keep their connection. */
class Guest extends Browser {
  asked = 0
  acknowledged = 0
  statuses: number[] = []

  constructor(
    port: number,
    private readonly keepsConnection: boolean
  ) {
    super(port)
  }

  async login(): Promise<void> {
    await this.call('POST', '/users/login', { username: 'test', password: 'x' })
  }

  /** Asks until the server is no more, or has said so often enough that it cannot. */
  async countOn(times: number): Promise<void> {
    while (this.asked < times && this.statuses.at(-1) !== 0) {
      this.asked++
      const answer = await this.send('/count', this.keepsConnection ? { agent } : {}).catch(() => ({
        status: 0
      }))
      this.statuses.push(answer.status)
      if (answer.status === 200) this.acknowledged++
    }
  }
}

async function guests(url: string): Promise<Guest[]> {
  const all = Array.from({ length: 10 }, (_, i) => new Guest(Number(new URL(url).port), i % 2 === 0))
  await Promise.all(all.map((guest) => guest.login()))
  return all
}

const start = () =>
  atEnd(new DemoProcess({ REDIS_URL: server.url, SECRET: 'a secret for tests, of thirty-two bytes' }), (it) =>
    it.kill()
  )

/** Sends SIGTERM, and waits until it has ended: with 0, and soon. */
async function terminate(demo: DemoProcess): Promise<void> {
  demo.signal('SIGTERM')
  const signalledAt = performance.now()
  expect(await demo.ended()).toBe(0)
  const endedAt = performance.now()
  expect(endedAt - signalledAt).toBeLessThan(10_000 + lagBetween(signalledAt, endedAt))
}

test('SIGTERM under load: what runs is finished, what was acknowledged is there, and it ends with 0', async () => {
  const demo = start()
  const all = await guests(await demo.url())
  const counting = all.map((guest) => guest.countOn(Infinity))
  while (all.reduce((sum, guest) => sum + guest.acknowledged, 0) < REQUESTS) await runFor(5)
  await terminate(demo)
  await Promise.all(counting)

  const redis = new Redis(server.url)
  for (const guest of all) {
    // Every answer was a good one, up to the connection that was refused.
    expect(guest.statuses).toEqual([...guest.statuses.slice(0, -1).map(() => 200), 0])
    const stored = JSON.parse((await redis.get(`SESSION:${guest.id}`))!) as { count: number }
    expect(stored.count).toBeGreaterThanOrEqual(guest.acknowledged)
    expect(stored.count).toBeLessThanOrEqual(guest.asked)
  }
  redis.disconnect()
})

test('SIGTERM while Redis does not answer: it ends all the same', async () => {
  const demo = start()
  const all = await guests(await demo.url())
  atEnd(server, (it) => it.resume()).pause()
  const counting = all.map((guest) => guest.countOn(5))
  await runFor(200)
  await terminate(demo)
  await Promise.all(counting)
  for (const { statuses } of all) expect(statuses[0]).toBe(503)
})
