import express, { type Request } from 'express'
import session, { type Store } from '../../../lib'
import { RedisStore } from '../../../lib/redis'

/**
 * An application in a process of its own, on the Redis at `REDIS_URL`. It prints its port, and ends with its input.
 * With `/regenerate?halt=n` it prints a line when the n-th store command of that request has been applied, and the request
 * stays where it is. After `/stop/n` the process prints a line and stops when its n-th command from then on is on its way.
 */
const { REDIS_URL = '', SECRET = '', TIMEOUT = '20000' } = process.env

let left = Infinity
let untilStop = Infinity

function stop(): void {
  console.log('stops')
  process.kill(process.pid, 'SIGSTOP')
}

function counted(store: Store): Store {
  const count = async <T>(answer: Promise<T>): Promise<T> => {
    if (--untilStop === 0) setImmediate(stop)
    const value = await answer
    if (--left !== 0) return value
    console.log('halted')
    return new Promise(() => undefined)
  }
  return {
    contract: 1,
    get: (id, ttl) => count(store.get(id, ttl)),
    set: (...args) => count(store.set(...args)),
    touch: (id, ttl) => count(store.touch(id, ttl)),
    destroy: (id) => count(store.destroy(id))
  }
}

type Bag = session.Session & Record<string, unknown>
const bag = (req: Request): Bag => req.session as Bag

const app = express()
app.use((req, _res, next) => {
  left = Number(req.query.halt ?? Infinity)
  next()
})
app.use(session({ secret: SECRET, store: counted(RedisStore.connect(REDIS_URL)), timeout: Number(TIMEOUT) }))

app.post('/stop/:command', (req, res) => {
  untilStop = Number(req.params.command)
  res.end()
})

app.post('/count', async (req, res) => {
  const count = await bag(req).update((draft) => (draft.count = Number(draft.count ?? 0) + 1))
  res.json(count)
})

app.post('/regenerate', async (req, res) => {
  const { keep, user } = req.query
  const fresh = await bag(req).regenerate({ keep: keep === 'all' ? true : ((keep ? [keep] : []) as never[]) })
  fresh.user = user
  res.json('done')
})

const server = app.listen(0, '127.0.0.1', () => {
  console.log((server.address() as { port: number }).port)
})

process.stdin.on('end', () => process.exit()).resume()
