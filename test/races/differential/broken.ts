import session from 'express-session'
import { CommitQueue, type QueuedJob } from '../../../lib/repository/commit-queue'
import { call, type ExpressStore } from '../../../lib/repository/express-store'
import { ExpressStoreRepository } from '../../../lib/repository/express-store-repository'
import type { AnyStore } from '../../express-session/support/implementations'
import type { Kind } from './anomalies'
import { atOnce, type Schedule } from './schedule'

/** A drop-in that does something as it must not, until it is mended, and schedules in which that shows. */
export interface BrokenDropIn {
  readonly finds: Kind
  readonly schedules: readonly Schedule[]
  breakIt(): jest.SpyInstance
}

/** What the comparison has to find: the drop-in was like this once, and express-session never was. */
export const BROKEN_DROP_INS: Record<string, BrokenDropIn> = {
  'an end that does not wait for its turn, and falls between the read and the write of a commit': {
    finds: 'undone logout',
    schedules: [atOnce(['write a key', 'logout'], 500)],
    breakIt: () =>
      jest.spyOn(ExpressStoreRepository.prototype, 'end').mockImplementation(async function (
        this: ExpressStoreRepository,
        id
      ) {
        await call((this as unknown as { store: ExpressStore }).store, 'destroy', id)
      })
  },
  'a commit that does not wait for its turn': {
    finds: 'lost acknowledged write',
    schedules: [atOnce(Array<'write a key'>(20).fill('write a key'), 60)],
    breakIt: () =>
      jest.spyOn(CommitQueue.prototype, 'push').mockImplementation(function (
        this: CommitQueue<QueuedJob>,
        id,
        job
      ) {
        const { work } = this as unknown as Record<
          'work',
          (id: string, jobs: [QueuedJob], ended: () => void) => void
        >
        work(id, [job], () => undefined)
      })
  }
}

type Done = (error?: unknown, found?: unknown) => void
type Method = (...args: unknown[]) => unknown

export interface Broken {
  readonly finds: Kind
  readonly schedule: Schedule
  /** Milliseconds after which a request counts as hung. */
  readonly patience?: number
  /** What does not work, of express-session's MemoryStore. */
  readonly method?: (native: Record<'get' | 'set' | 'destroy', Method>) => Record<string, Method>
}

const forgetsToDestroy: Broken['method'] = () => ({ destroy: (_id, done) => setImmediate(done as Done) })

/** Only the first `set`, that of the beginning, is done as it should be. */
function afterTheFirst(native: Method, broken: Method): Method {
  let calls = 0
  return (...args) => (calls++ === 0 ? native(...args) : broken(...args))
}

/** What the judge has to find, in schedules where nothing is wrong with express-session itself. */
export const BROKEN: Record<string, Broken> = {
  'a logout that removes nothing': {
    finds: 'undone logout',
    schedule: atOnce(['logout']),
    method: forgetsToDestroy
  },
  'a new login that leaves the old id': {
    finds: 'lost regenerate',
    schedule: atOnce(['login']),
    method: forgetsToDestroy
  },
  'a new id that leaves the old one': {
    finds: 'lost regenerate',
    schedule: atOnce(['change the id']),
    method: forgetsToDestroy
  },
  'a guest whose session is there after its end': {
    finds: 'resurrected session',
    schedule: { ...atOnce(['logout']), hasUser: false },
    method: forgetsToDestroy
  },
  'a write that is answered and not done': {
    finds: 'lost acknowledged write',
    schedule: atOnce(['write a key']),
    method: ({ set }) => ({ set: afterTheFirst(set, (_id, _session, done) => setImmediate(done as Done)) })
  },
  'a write that is done after its answer': {
    finds: 'lost acknowledged write',
    schedule: atOnce(['write the shared key']),
    method: ({ set }) => ({
      set: afterTheFirst(set, (id, kept, done) => {
        setImmediate(done as Done)
        setTimeout(set, 2000, id, kept, () => undefined)
      })
    })
  },
  'a login that is answered and not stored': {
    finds: 'lost acknowledged write',
    schedule: atOnce(['login']),
    method: ({ set }) => ({ set: afterTheFirst(set, (_id, _session, done) => setImmediate(done as Done)) })
  },
  'a session that goes by itself': {
    finds: 'lost acknowledged write',
    schedule: atOnce(['touch']),
    method: ({ destroy }) => ({
      touch: (id, _session, done) => destroy(id, done)
    })
  },
  'a store that fails': {
    finds: 'wrong status',
    schedule: atOnce(['save']),
    method: ({ set }) => ({
      set: afterTheFirst(set, (_id, _session, done) => setImmediate(done as Done, new Error('no')))
    })
  },
  'a store that never answers': {
    finds: 'hung request',
    schedule: atOnce(['write a key']),
    patience: 1000,
    method: ({ set }) => ({ set: afterTheFirst(set, () => undefined) })
  },
  'a login that an application copies while it ends': {
    finds: 'copy outlives logout',
    schedule: atOnce(['change the id', 'logout'], 0, 2000)
  },
  'a write that puts back what another one has read before': {
    finds: 'lost acknowledged write',
    schedule: atOnce(['write a key', 'write a key'], 0, 2000)
  },
  'a write that comes after a logout': {
    finds: 'undone logout',
    schedule: {
      ...atOnce([]),
      requests: [
        { action: 'logout', after: 0, thinks: 2000 },
        { action: 'write a key', after: 0, thinks: 4000 }
      ]
    }
  }
}

export function brokenStore({ method }: Broken): AnyStore {
  const store = new session.MemoryStore()
  const { get, set, destroy } = store
  const native = { get: get.bind(store), set: set.bind(store), destroy: destroy.bind(store) }
  return Object.assign(store, method?.(native as Record<keyof typeof native, Method>))
}
