import { shared } from '../copies'

/**
 * What a session object started from in a store of Holdfast's, which by it writes on condition. Null: it was never
 * stored; undefined: nobody knows, so that it is stored as it is.
 */
const origins = shared('origins', () => new WeakMap<object, object | null>())

export function originOf(session: object): object | null | undefined {
  return origins.get(session)
}

export function setOrigin(session: object, origin: object | null): void {
  origins.set(session, origin)
}

/** The object that an application is given is not the one that the store gave. */
export function carryOrigin(from: object, to: object): void {
  const origin = origins.get(from)
  if (origin !== undefined) origins.set(to, origin)
}
