import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { App } from '../support/app'

/**
 * The application in a process of its own. It prints its port. In the environment: `REDIS_URL`; `SKEW`, milliseconds
 * by which its clock is wrong; `KILLED`, where in a write it ends as by a power cut: `before` the command is sent, when
 * it was `sent`, when it was `answered`, when the response was `finished`; and `AT`, in which of its writes.
 */
const skew = Number(process.env.SKEW ?? 0)
const now = Date.now
Date.now = () => now() + skew

const { REDIS_URL = '', KILLED, AT } = process.env
let writes = 0

function passes(point: string): void {
  if (point === KILLED && ++writes === Number(AT)) process.kill(process.pid, 'SIGKILL')
}

async function main(): Promise<void> {
  const store = RedisStore.connect(REDIS_URL)
  const set = store.set.bind(store)
  store.set = async (...args) => {
    passes('before')
    const answer = set(...args)
    // Two turns, in which the store has looked at its connection and written to it.
    await new Promise(setImmediate)
    passes('sent')
    const result = await answer
    passes('answered')
    return result
  }
  const app = await App.open(store, { lifetime: 60 * 60_000, idleTimeout: 10 * 60_000 })
  app.onFinish = () => passes('finished')
  console.log(app.port)
  process.once('SIGTERM', () => void app.stop().then(() => store.close()))
}

void main()
