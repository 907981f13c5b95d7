import { openBackends } from './rig/backends'
import { type Broken, BROKEN } from './rig/broken'
import { together } from './rig/catalogue'
import { type Path, playAll, playPath } from './rig/explore'

const backends = openBackends()

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
  await playAll(plan, backends.MemoryStore, ({ trace }, path) => {
    expect(seen.has(steps(trace))).toBe(false)
    seen.set(steps(trace), path)
    return true
  })
  expect(seen.size).toBeGreaterThan(20)
  for (const [taken, path] of seen) {
    expect(steps((await playPath(plan, path, backends.MemoryStore)).trace)).toBe(taken)
  }
})

async function firstProblem({ parts, plans, redis: onRedis }: Broken): Promise<string> {
  let problem = 'none'
  for (const plan of plans) {
    await playAll(
      plan,
      backends[onRedis ? 'Redis' : 'MemoryStore'],
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
