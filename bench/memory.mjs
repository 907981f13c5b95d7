import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const FILL = fileURLToPath(new URL('fill-memory.mjs', import.meta.url))
const COUNTS = [1000, 1_000_000]
const QUICK_COUNTS = [100_000]

/**
 * What sessions of about 450 bytes take where they are kept.
 *
 * @returns a list of `{ store, sessions, text, bytes, ratio, pause? }`: bytes of one text and of one session, and the
 *   longest time in ms for which the event loop stood still while all of them expired
 */
export async function measureMemory(redis, { quick }, node, progress) {
  const results = []
  const add = async (store, sessions, run) => {
    progress(`${sessions.toLocaleString('en')} sessions, ${store}`)
    const { text, bytes, pause } = await run()
    results.push({ store, sessions, text, bytes, ratio: bytes / text, pause })
  }
  for (const sessions of quick ? QUICK_COUNTS : COUNTS) {
    await add('MemoryStore of Holdfast', sessions, () => inProcess(node, 'holdfast', sessions))
    if (quick) continue
    await add('MemoryStore of express-session', sessions, () => inProcess(node, 'express-session', sessions))
    await add('RedisStore of Holdfast', sessions, () => inRedis(redis, 'RedisStore', sessions))
    await add('connect-redis', sessions, () => inRedis(redis, 'connect-redis', sessions))
  }
  return results
}

/** Each in a process of its own, whose heap holds nothing else. */
async function inProcess(node, store, sessions) {
  const options = { execPath: node, execArgv: ['--expose-gc'], env: { ...process.env, NODE_ENV: 'test' } }
  const child = fork(FILL, [store, `${sessions}`], options)
  const ended = once(child, 'exit')
  const [result] = await Promise.race([once(child, 'message'), ended])
  await ended
  if (typeof result !== 'object') throw new Error(`${store} with ${sessions} sessions: the process ended`)
  return result
}

async function inRedis(redis, store, sessions) {
  const { fillRedis } = await import('./fill-redis.mjs')
  await redis.client.flushall()
  const empty = Number((await redis.info()).used_memory)
  const text = await fillRedis(store, redis.url, sessions)
  const full = Number((await redis.info()).used_memory)
  await redis.client.flushall()
  return { text, bytes: (full - empty) / sessions }
}
