import fc from 'fast-check'
import type { Event, Fate, Plan, RequestPlan, Step, Trouble } from './plan'

const key = fc.constantFrom('a', 'b', 'c')

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('set' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'push', key: 'list' }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'save' }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Step>(
      { do: 'update' },
      { do: 'update' },
      { do: 'update', fn: 'waits' },
      { do: 'update', fn: 'throws' }
    )
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Step>(
      { do: 'regenerate' },
      { do: 'regenerate', keep: ['a', 'list'] },
      { do: 'regenerate', keep: true },
      { do: 'regenerate', keep: true }
    )
  },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ do: 'destroy' }, { do: 'touch' }, { do: 'reload' }) }
)

const request: fc.Arbitrary<RequestPlan> = fc.record({
  steps: fc.array(step, { maxLength: 4 }),
  process: fc.nat(2),
  cookie: fc.constantFrom('first', 'first', 'first', 'jar'),
  lazy: fc.boolean(),
  goesOn: fc.boolean()
})

const events = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Event[]>([]) },
  { weight: 2, arbitrary: fc.constant<Event[]>(['expire']) },
  { weight: 1, arbitrary: fc.constant<Event[]>(['outlive']) }
)

const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Fate>('ok') },
  { weight: 4, arbitrary: fc.constantFrom<Fate>('slow', 'refused', 'lost', 'twice') }
)

const trouble: fc.Arbitrary<Trouble> = fc.record(
  {
    fates: fc.array(fate, { maxLength: 24, size: 'max' }),
    ticks: fc.constantFrom(0, 0, 2, 4),
    crash: fc.record({ process: fc.nat(2), sent: fc.boolean() })
  },
  { requiredKeys: ['fates', 'ticks'] }
)

const requests = fc.array(request, { minLength: 2, maxLength: 4 })
const foreign = fc.constantFrom(false, false, false, true)
const renew = fc.constantFrom<Plan['renew']>('half', 'half', 'always')

/** Two to four requests of one session, and where all goes well with the store. */
export const calm: fc.Arbitrary<Plan> = fc.record({ requests, events, foreign, renew })

/** The same, with a store that fails. */
export const troubled: fc.Arbitrary<Plan> = fc.record({ requests, events, foreign, renew, trouble })

/** Which move to take, at each choice of a schedule. */
export const path: fc.Arbitrary<number[]> = fc.array(fc.nat(59), { minLength: 40, maxLength: 40 })
