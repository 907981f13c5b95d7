import type { Plan, RequestPlan, Step } from './plan'

const set = (key: string): Step => ({ do: 'set', key })

/** What requests do, each in as few steps as it takes. */
export const REQUESTS = {
  read: { steps: [] },
  touch: { steps: [{ do: 'touch' }] },
  'write a': { steps: [set('a')] },
  'write b': { steps: [set('b')] },
  'delete b': { steps: [{ do: 'delete', key: 'b' }] },
  'push to a list': { steps: [{ do: 'push', key: 'list' }] },
  'save twice': { steps: [set('a'), { do: 'save' }, set('c')] },
  'fail to count': { steps: [set('a'), { do: 'update', fn: 'throws' }], goesOn: true },
  'write and touch': { steps: [set('b'), { do: 'touch' }], goesOn: true },
  'change and reload': { steps: [set('a'), { do: 'reload' }, set('b')] },
  count: { steps: [{ do: 'update' }], lazy: true },
  'write and count': { steps: [set('a'), { do: 'update' }] },
  logout: { steps: [{ do: 'destroy' }] },
  'logout unread': { steps: [{ do: 'destroy' }], lazy: true },
  login: { steps: [{ do: 'regenerate' }, set('a')] },
  'login and count': { steps: [{ do: 'regenerate' }, { do: 'update' }] },
  'login with list': { steps: [{ do: 'regenerate', keep: ['list'] }, set('a')] },
  'new id': { steps: [{ do: 'regenerate', keep: true }] },
  'new id and write': { steps: [set('b'), { do: 'regenerate', keep: true }, set('c')] }
} as const satisfies Record<string, RequestPlan>

export type RequestName = keyof typeof REQUESTS

/** Requests at once, of one process or of one each. */
export function together(names: readonly RequestName[], oneProcess = false): Plan {
  return {
    requests: names.map((name) => ({ ...REQUESTS[name], ...(oneProcess ? { process: 0 } : {}) }))
  }
}

/** Every pair of the names, each with itself too. */
export function pairs<T>(names: readonly T[]): [T, T][] {
  return names.flatMap((one, i) => names.slice(i).map((other): [T, T] => [one, other]))
}

/** Every three of the names, in any number of each. */
export function triples<T>(names: readonly T[]): [T, T, T][] {
  return names.flatMap((one, i) => pairs(names.slice(i)).map(([two, three]): [T, T, T] => [one, two, three]))
}
