import { inspect } from 'node:util'
import Redis from 'ioredis'
import { monitor } from '../../support/monitor'
import type { RedisServer } from '../../support/redis-server'

/** An id that no error may mention. */
export const SECRET_ID = 'SeCrEt-Id-0123456789'

/** The error of a promise that must be rejected; whatever can be printed of it does not hold the id. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  const error = await promise.then(
    () => Promise.reject(new Error('it should have failed')),
    (reason: unknown) => reason as Error
  )
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain(SECRET_ID)
  return error
}

/** Whether a promise settles while the event loop turns a few times: nobody waited for a network. */
export async function atOnce(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const done = (): void => void (settled = true)
  promise.then(done, done)
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  return settled
}

/** The commands about sessions that the server gets while `run` runs, as MONITOR shows them. */
export async function commandsDuring(server: RedisServer, run: () => Promise<unknown>): Promise<string[][]> {
  const admin = new Redis(server.url)
  const seen: string[][] = []
  const marker = `marker ${Math.random()}`
  let isDone!: () => void
  const done = new Promise<void>((resolve) => (isDone = resolve))
  const stop = await monitor(admin, (args, source) => {
    if (args[1] === marker) isDone()
    else if (source !== 'lua' && /get|set|eval|expire|del|touch|ttl/i.test(args[0]!)) seen.push(args)
  })
  try {
    await run()
    await admin.echo(marker)
    await done
    return seen
  } finally {
    stop()
    admin.disconnect()
  }
}

/** Fails where a promise takes longer: it was in a queue that is worked off when a server is back. */
export async function soon<T>(promise: Promise<T>, milliseconds = 3000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it takes too long')), milliseconds)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Tries until it works. */
export async function untilItWorks<T>(call: () => Promise<T>): Promise<T> {
  const end = performance.now() + 60_000
  for (;;) {
    try {
      return await soon(call())
    } catch (error) {
      if (performance.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
