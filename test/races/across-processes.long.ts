import { openRedis } from '../support/redis'
import { AppProcess } from '../support/app-process'

const PAIRS = 1000
/** Visitors at once. */
const AT_ONCE = 10
const LIBRARIES = [
  'express-session',
  'holdfast/express-session',
  'holdfast',
  'holdfast on its RedisStore'
] as const

const redis = openRedis()

/** Two requests of one session, each of which another process answers. */
const CASES: Record<
  string,
  { readonly requests: readonly [string, string]; isWrong(left: object): boolean }
> = {
  'a logout and a write': {
    requests: ['/destroy', '/write/a'],
    isWrong: (left) => 'user' in left
  },
  'a regenerate and a write': {
    requests: ['/regenerate', '/write/a'],
    isWrong: (left) => 'user' in left
  },
  'two writes of different keys': {
    requests: ['/write/a', '/write/b'],
    isWrong: (left) => !('a' in left && 'b' in left)
  }
}

/** How many of the pairs went wrong although both were answered with 200. */
async function wrong(library: string, name: string): Promise<number> {
  const { requests, isWrong } = CASES[name]!
  const env = { REDIS_URL: redis.url, LIBRARY: library }
  const [one, other] = await Promise.all([
    AppProcess.start('races/child/callbacks', env),
    AppProcess.start('races/child/callbacks', env)
  ])
  let count = 0
  for (let round = 0; round < PAIRS / AT_ONCE; round++) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const login = await one.post('/write/user')
        const cookie = /^sid=([^;]+)/.exec(login.setCookies[0]!)![1]!
        // Each process has each of the two as often as the other.
        const [first, second] = round % 2 === 0 ? [one, other] : [other, one]
        const [a, b] = await Promise.all([first.post(requests[0], cookie), second.post(requests[1], cookie)])
        const left = JSON.parse((await one.post('/read', cookie)).text) as object
        const isEnd = name !== 'two writes of different keys'
        if (a.status === 200 && (isEnd || b.status === 200) && isWrong(left)) count++
      })
    )
  }
  await Promise.all([one.kill(), other.kill()])
  return count
}

test.each(Object.keys(CASES))(
  'across processes, over a store without conditions, %s go wrong no more often than with express-session',
  async (name) => {
    const counts: number[] = []
    for (const library of LIBRARIES) counts.push(await wrong(library, name))
    const figures = LIBRARIES.map((library, i) => `${library} ${counts[i]}`)
    process.stdout.write(`${name}, of ${PAIRS}: ${figures.join(', ')}\n`)
    // A store with conditions leaves no window.
    expect(counts.at(-1)).toBe(0)
    const [theirs, ...ours] = counts as [number, ...number[]]
    expect(Math.max(...ours)).toBeLessThanOrEqual(theirs)
    // Else the two did not meet.
    expect(theirs).toBeGreaterThan(0)
  },
  600_000
)
