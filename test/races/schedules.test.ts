import fc from 'fast-check'
import { calm, path, troubled } from './rig/arbitrary'
import { type Backend, memoryBackend, redisBackend } from './rig/backends'
import { explain, playPath } from './rig/explore'
import { resumeTime, stopTime } from './rig/time'

/**
 * A failure prints its seed and its path: RACE_SEED and RACE_PATH run the same schedule again. RACE_RUNS is how many
 * there are of each kind on MemoryStore; on Redis, a fifth of it.
 */
const { RACE_SEED, RACE_PATH, RACE_RUNS = process.env.TEST_LONG ? 500 : 100 } = process.env
const seed = Number(RACE_SEED ?? Date.now() % 2 ** 31)
const runs = Number(RACE_RUNS)

describe.each([
  ['MemoryStore', memoryBackend, runs],
  ['Redis', redisBackend, Math.ceil(runs / 5)]
] as const)('%s', (_name, start, numRuns) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await start()
    stopTime()
  })
  afterAll(async () => {
    resumeTime()
    await backend.stop()
  })

  test.each([
    ['all goes well', calm],
    ['commands fail', troubled]
  ] as const)(
    '%s',
    async (_name, plans) => {
      await fc.assert(
        fc.asyncProperty(plans, path, async (plan, taken) => {
          const outcome = await playPath(plan, taken, backend)
          if (outcome.problems.length > 0) throw new Error(explain(plan, taken, outcome))
        }),
        { seed, numRuns, ...(RACE_PATH ? { path: RACE_PATH } : {}) }
      )
    },
    Math.max(900_000, runs * 60)
  )
})
