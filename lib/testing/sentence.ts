import type { Store } from '../stores/store'

/** One sentence of the contract, and what finds out whether a store keeps it. */
export interface Sentence {
  readonly name: string
  /** Rejects where the store breaks it. */
  readonly check: (store: Store) => Promise<void>
}

/** Rules for every store. */
export const always = (name: string, check: Sentence['check']): Sentence => ({ name, check })

/** Rules for every store that keeps something: a stateless one can renew and take back nothing. */
export const lasting = (name: string, check: Sentence['check']): Sentence => ({
  name,
  check: async (store) => {
    if (!store.stateless) await check(store)
  }
})

/** Rules for stores that compare. */
export const conditional = (name: string, check: Sentence['check']): Sentence => ({
  name,
  check: async (store) => {
    if (store.conditional !== false) await check(store)
  }
})

/** Rules for stores that say how long a text lives. */
export const telling = (name: string, check: (store: With<'life'>) => Promise<void>): Sentence => ({
  name,
  check: async (store) => {
    if (can(store, 'life')) await check(store)
  }
})

/** Rules for stores that report what was destroyed. */
export const watching = (name: string, check: (store: With<'watch'>) => Promise<void>): Sentence => ({
  name,
  check: async (store) => {
    if (can(store, 'watch')) await check(store)
  }
})

/** Rules for stores that index sessions by user. */
export const indexed = (name: string, check: (store: With<'index'>) => Promise<void>): Sentence => ({
  name,
  check: async (store) => {
    if (can(store, 'index')) await check(store)
  }
})

/** A store with a method that stores may lack. */
export type With<Method extends 'life' | 'watch' | 'index'> = Store & Required<Pick<Store, Method>>

function can<Method extends 'life' | 'watch' | 'index'>(store: Store, method: Method): store is With<Method> {
  return store[method] !== undefined
}
