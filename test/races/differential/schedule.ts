import fc from 'fast-check'
import { ACTIONS, type ActionName } from './actions'

/** A request of a visitor who has a session already. All times are milliseconds. */
export interface Planned {
  readonly action: ActionName
  /** When it is sent, counted from the first possible moment. */
  readonly after: number
  /** How long its handler takes for other work, each time that it has some. */
  readonly thinks: number
}

/** What both implementations are sent. */
export interface Schedule {
  /** Whether the visitor has logged in. */
  readonly hasUser: boolean
  readonly requests: readonly Planned[]
  /** How long the calls of the store take, one after the other, and then from the beginning. */
  readonly latencies: readonly number[]
  readonly options: {
    readonly resave: boolean
    readonly rolling: boolean
    readonly cookie: { maxAge?: number }
  }
}

/** How long the calls of a store take, at least and at most. */
export type Latency = readonly [number, number]

/** The same for the same seed. */
export function schedules(seed: number, numRuns: number, [min, max]: Latency): Schedule[] {
  const action = fc.constantFrom(...(Object.keys(ACTIONS) as ActionName[]))
  const together = fc.record({ action, after: fc.constant(0), thinks: fc.constant(0) })
  const apart = fc.record({
    action,
    after: fc.oneof(fc.constant(0), fc.nat(60 + 2 * max)),
    thinks: fc.nat(30 + 2 * max)
  })
  const oneToFour = (request: fc.Arbitrary<Planned>): fc.Arbitrary<Planned[]> =>
    fc
      .integer({ min: 1, max: 4 })
      .chain((length) => fc.array(request, { minLength: length, maxLength: length }))
  const schedule = fc.record<Schedule>({
    hasUser: fc.nat(3).map((n) => n > 0),
    requests: fc.oneof(oneToFour(together), oneToFour(apart)),
    latencies: fc.array(fc.integer({ min, max }), { minLength: 32, maxLength: 32 }),
    options: fc.record({
      resave: fc.boolean(),
      rolling: fc.boolean(),
      cookie: fc.constantFrom({}, { maxAge: 3_600_000 })
    })
  })
  return fc.sample(schedule, { seed, numRuns })
}

/**
 * Everything that can come together with the end of its session. Both have read the session before, and the end is the
 * second by a hair, so that whoever only does what it is asked, when it is asked, undoes no end.
 */
export function pairs(): Schedule[] {
  const names = Object.keys(ACTIONS) as ActionName[]
  const ends = names.filter((name) => 'ends' in ACTIONS[name])
  return names.flatMap((name) => ends.map((end) => atOnce([name, end], 10, 50)))
}

/** Requests that all come at once, with handlers that take as long as the second number says. */
export function atOnce(actions: readonly ActionName[], latency = 0, thinks = 0): Schedule {
  return {
    hasUser: true,
    requests: actions.map((action) => ({ action, after: 0, thinks })),
    latencies: [latency],
    options: { resave: false, rolling: false, cookie: {} }
  }
}
