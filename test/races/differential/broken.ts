import session from 'express-session'
import type { AnyStore } from '../../express-session/support/implementations'
import type { Kind } from './anomalies'
import { atOnce, type Schedule } from './schedule'

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
        setTimeout(set, 200, id, kept, () => undefined)
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
    schedule: atOnce(['change the id', 'logout'], 0, 500)
  },
  'a write that puts back what another one has read before': {
    finds: 'lost acknowledged write',
    schedule: atOnce(['write a key', 'write a key'], 0, 500)
  },
  'a write that comes after a logout': {
    finds: 'undone logout',
    schedule: {
      ...atOnce([]),
      requests: [
        { action: 'logout', after: 0, thinks: 500 },
        { action: 'write a key', after: 0, thinks: 1000 }
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
