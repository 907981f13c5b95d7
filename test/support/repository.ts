import { Budget } from '../../lib/repository/budget'
import { createHandle, encodeData } from '../../lib/repository/record'
import type { Data } from '../../lib/repository/merge'
import { RecordRepository } from '../../lib/repository/record-repository'
import type { Draft } from '../../lib/repository/repository'
import type { StoredRecord } from '../../lib/repository/record'
import { CountingStore } from './counting-store'

export const MINUTE = 60_000
export const limits = { bytes: 2 ** 20, depth: 100 }
export const handle = createHandle()
export const patient = () => new Budget(30_000)

/** What a commit wants to be stored, with these data. */
export function draft(data: Data, more: Partial<Draft> = {}): Draft {
  return { handle, text: encodeData(data), cookie: undefined, sent: undefined, ttl: MINUTE, ...more }
}

/** A repository on a store that counts. */
export function setUp(timeout = 30_000) {
  const store = new CountingStore()
  const repository = new RecordRepository(store, limits, timeout)
  /** Another process with the same store. */
  const elsewhere = () => new RecordRepository(store, limits, timeout)
  const load = async (id = 'a'): Promise<StoredRecord> => (await repository.load(id, patient()))!
  const create = async (data: Data, id = 'a') => {
    await repository.commit(id, null, () => draft(data), patient())
    const known = await load(id)
    store.forget()
    return known
  }
  /** Sets keys of the stored session, from another process. */
  const change = async (data: Data, id = 'a', other = elsewhere()) => {
    const known = (await other.load(id, patient()))!
    await other.commit(id, known, (latest) => draft({ ...latest!.data(), ...data }), patient())
  }
  /** Counts up, as `update` does. */
  const count = (known: StoredRecord, by = repository) =>
    by.commit('a', known, (latest) => draft({ n: Number(latest!.data().n) + 1 }), patient())
  return { store, repository, elsewhere, load, create, change, count }
}
