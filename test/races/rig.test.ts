import { type Backend, memoryBackend, redisBackend } from './rig/backends'
import { type Broken, BROKEN } from './rig/broken'
import { together } from './rig/catalogue'
import { type Path, playAll, playPath } from './rig/explore'
import { resumeTime, stopTime } from './rig/time'

let memory: Backend
let redis: Backend
beforeAll(async () => {
  ;[memory, redis] = await Promise.all([memoryBackend(), redisBackend()])
  stopTime()
})
afterAll(async () => {
  resumeTime()
  await Promise.all([memory.stop(), redis.stop()])
})

describe('the rig finds', () => {
  test.each(Object.entries(BROKEN))('%s', async (_name, broken) => {
    expect(await firstProblem(broken)).toMatch(broken.finds)
  })
})

test('nothing is wrong with the real thing in the plans that show what is broken', async () => {
  for (const broken of Object.values(BROKEN)) {
    expect(await firstProblem({ ...broken, parts: {} })).toBe('none')
  }
})

test('a path replays its schedule', async () => {
  const plan = together(['save twice', 'new id and write'])
  const seen = new Map<string, Path>()
  await playAll(plan, memory, ({ trace }, path) => {
    expect(seen.has(steps(trace))).toBe(false)
    seen.set(steps(trace), path)
    return true
  })
  expect(seen.size).toBeGreaterThan(20)
  for (const [taken, path] of seen) {
    expect(steps((await playPath(plan, path, memory)).trace)).toBe(taken)
  }
})

async function firstProblem({ parts, plans, redis: onRedis }: Broken): Promise<string> {
  let problem = 'none'
  for (const plan of plans) {
    await playAll(
      plan,
      onRedis ? redis : memory,
      ({ problems }) => {
        if (problems[0] !== undefined) problem = problems[0]
        return problem === 'none'
      },
      parts
    )
  }
  return problem
}

/** What happened, without texts, whose revisions are never the same. */
function steps(trace: readonly string[]): string {
  return trace.map((line) => line.replace(/ → .*/, '')).join('; ')
}
