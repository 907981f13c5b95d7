import { setTimeout as delay } from 'node:timers/promises'
import { AppProcess } from '../support/app-process'
import { openRedis } from '../support/redis'
import { Site } from '../support/site'

const REQUESTS = 20
/** Milliseconds: more than Redis waits for its turn, and much less than the 3 s after which the client gives a connection up. */
const TIMEOUT = 1500

const redis = openRedis()
let child: AppProcess
beforeAll(async () => {
  child = await AppProcess.start('races/child/main', { REDIS_URL: redis.url, TIMEOUT: `${TIMEOUT}` })
})

test.each([1, REQUESTS, REQUESTS + 1, REQUESTS + 10])(
  'a process that stops at its command %i, for longer than the timeout, refuses nobody when it goes on',
  async (command) => {
    const site = await Site.open({ store: redis.store })
    const visitors = Array.from({ length: REQUESTS }, () => site.visitor())
    for (const visitor of visitors) await visitor.ask((s) => void (s.count = 0))
    expect((await child.post(`/stop/${command}`)).status).toBe(200)
    const answers = Promise.all(visitors.map(({ cookie }) => child.post('/count', cookie)))
    await child.says()
    await delay(TIMEOUT + 200)
    child.resume()
    expect((await answers).map(({ status, text }) => [status, text])).toEqual(
      Array(REQUESTS).fill([200, '1'])
    )
  }
)
