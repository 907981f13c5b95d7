import session from 'express-session'
import withSession from 'memorystore'
import { suite } from './suite'

/** The cache of memorystore, lru-cache 4. */
interface Cache {
  dump(): { k: string; v: string; e: number }[]
  load(entries: { k: string; v: string; e: number }[]): void
}

suite('memorystore', () => {
  const store = new (withSession(session as never))({}) as unknown as session.Store & { store: Cache }
  return {
    store,
    pass: (id, ms, age) => {
      const entries = store.store.dump()
      store.store.load(entries.map((one) => (one.k === id ? { k: id, v: age(one.v), e: one.e - ms } : one)))
    }
  }
})
