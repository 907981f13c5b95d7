import type { Store } from '../stores/store'

/** One sentence of the contract, and what finds out whether a store keeps it. */
export interface Sentence {
  readonly name: string
  /** Rejects where the store breaks it. */
  readonly check: (store: Store) => Promise<void>
}

/** What is asked of every store. */
export const always = (name: string, check: Sentence['check']): Sentence => ({ name, check })

/** What is asked of every store that keeps something: of a stateless one, nothing can be renewed or taken back. */
export const lasting = (name: string, check: Sentence['check']): Sentence => ({
  name,
  check: async (store) => {
    if (!store.stateless) await check(store)
  }
})

/** What is asked of stores that compare. */
export const conditional = (name: string, check: Sentence['check']): Sentence => ({
  name,
  check: async (store) => {
    if (store.conditional !== false) await check(store)
  }
})
