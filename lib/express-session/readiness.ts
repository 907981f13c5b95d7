import type { EventEmitter } from 'node:events'

/** Whether a store is connected, as its events tell. */
export interface Readiness {
  ready: boolean
}

const known = new WeakMap<object, Readiness>()

/** One pair of listeners for each store, however many middlewares share it. */
export function readinessOf(store: Partial<EventEmitter>): Readiness {
  let readiness = known.get(store)
  if (!readiness) {
    const made: Readiness = (readiness = { ready: true })
    known.set(store, made)
    store.on?.('disconnect', () => (made.ready = false))
    store.on?.('connect', () => (made.ready = true))
  }
  return readiness
}
