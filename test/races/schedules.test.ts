import fc from 'fast-check'
import { calm, path, troubled } from './rig/arbitrary'
import { openBackends } from './rig/backends'
import { explain, playPath } from './rig/explore'
import { isLong } from '../support/long'

/**
 * A failure prints its seed and its path: RACE_SEED and RACE_PATH run the same schedule again. RACE_RUNS is how many
 * there are of each kind on MemoryStore; on Redis, a fifth of it.
 */
const { RACE_SEED, RACE_PATH, RACE_RUNS = isLong ? 500 : 100 } = process.env
const seed = Number(RACE_SEED ?? (isLong ? Date.now() % 2 ** 31 : 1))
const runs = Number(RACE_RUNS)

const backends = openBackends()

describe.each([
  ['MemoryStore', runs],
  ['Redis', Math.ceil(runs / 5)]
] as const)('%s', (name, numRuns) => {
  test.each([
    ['all goes well', calm],
    ['commands fail', troubled]
  ] as const)(
    '%s',
    async (_name, plans) => {
      await fc.assert(
        fc.asyncProperty(plans, path, async (plan, taken) => {
          const outcome = await playPath(plan, taken, backends[name])
          if (outcome.problems.length > 0) throw new Error(explain(plan, taken, outcome))
        }),
        { seed, numRuns, ...(RACE_PATH ? { path: RACE_PATH } : {}) }
      )
    },
    Math.max(900_000, runs * 60)
  )
})
