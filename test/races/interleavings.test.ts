import { openBackends } from './rig/backends'
import { pairs, REQUESTS, type RequestName, together, triples } from './rig/catalogue'
import { explain, playAll } from './rig/explore'
import type { Plan } from './rig/plan'
import { isLong } from '../support/long'

const ALL = Object.keys(REQUESTS) as RequestName[]
/** One of each kind, as each schedule on Redis takes milliseconds. */
const CORE = ['write a', 'delete b', 'count', 'logout', 'login', 'login with list', 'new id'] as const
const SHORT = ['write a', 'delete b', 'count', 'logout unread', 'touch'] as const
const MOVES = ['login', 'login with list', 'login and count', 'new id', 'new id and write'] as const
/** One that carries some keys, and one that carries all. */
const CARRIED = ['login with list', 'new id'] as const

/** `npm run test:long` asks for more than what fits into half a minute. */

const backends = openBackends()

describe.each([
  ['MemoryStore', ALL, isLong ? ALL : CORE, isLong ? MOVES : CARRIED, isLong ? 10_000 : 4000],
  ['Redis', ...(isLong ? ([CORE, CORE, MOVES, 3000] as const) : ([SHORT, SHORT, ['new id'], 400] as const))]
] as const)('every interleaving on %s', (name, names, inOneProcess, moves, least) => {
  let count = 0

  async function all(plans: readonly Plan[]): Promise<void> {
    for (const plan of plans) {
      await playAll(plan, backends[name], (outcome, path) => {
        if (outcome.problems.length > 0) throw new Error(explain(plan, path, outcome))
        return ++count > 0
      })
    }
  }

  test('of two requests, each in a process of its own', () => all(pairs(names).map((two) => together(two))))

  test('of two requests in one process', () => all(pairs(inOneProcess).map((two) => together(two, true))))

  test('of a request and the end of the session in the store', () =>
    all(names.map((one) => ({ ...together([one]), events: ['expire'] }))))

  test('of two requests and the end of the session in the store', () =>
    all(pairs(SHORT).map((two) => ({ ...together(two), events: ['expire'] }))))

  test('of a request and the end of its lifetime', () =>
    all(names.map((one) => ({ ...together([one]), events: ['outlive'] }))))

  test('of a regenerate that is killed at any moment, and another request', () =>
    all(
      moves.flatMap((move) =>
        (['read', 'write a', 'count', 'logout'] as const).flatMap((other) =>
          [true, false].map((sent) => killed(together([move, other]), sent))
        )
      )
    ))

  if (isLong || name === 'MemoryStore')
    test('of three requests', () =>
      all((isLong ? triples(SHORT) : [SHORT.slice(0, 3)]).map((three) => together(three))))

  if (isLong) test('of three requests, one of which moves the session', () => all(moving()), 3_600_000)

  test('were enough', () => {
    process.stdout.write(`every interleaving on ${name}: ${count} schedules\n`)
    expect(count).toBeGreaterThan(least)
  })
})

function killed(plan: Plan, sent: boolean): Plan {
  const requests = plan.requests.map((request, process) => ({ ...request, process }))
  return { ...plan, requests, trouble: { fates: [], crash: { process: 0, sent } } }
}

function moving(): Plan[] {
  return MOVES.flatMap((move) => pairs(SHORT).map((two) => together([move, ...two])))
}
