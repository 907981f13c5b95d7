import { Router } from 'express'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { App } from '../support/app'

/**
 * The application in a process of its own, on the Redis at `REDIS_URL`. It prints its port. After `/clock/…` its clock is
 * wrong by so many milliseconds. After `/die/…` it ends as by a power cut in so many writes: `before` the command is sent,
 * when it was `sent`, when it was `answered`, or when the response was `finished`.
 */
let skew = 0
const now = Date.now
Date.now = () => now() + skew

let left = Infinity
let deadly = ''

function passes(point: string): void {
  if (point === deadly && --left === 0) process.kill(process.pid, 'SIGKILL')
}

const more = Router()
more.post('/clock/:skew', (req, res) => {
  skew = Number(req.params.skew)
  res.end()
})
more.post('/die/:point/:writes', (req, res) => {
  deadly = req.params.point
  left = Number(req.params.writes)
  res.end()
})

async function main(): Promise<void> {
  const store = RedisStore.connect(process.env.REDIS_URL ?? '')
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
  const app = await App.open(store, { lifetime: 60 * 60_000, idleTimeout: 10 * 60_000 }, more)
  app.onFinish = () => passes('finished')
  console.log(app.port)
  process.once('SIGTERM', () => void app.stop().then(() => store.close()))
}

void main()
