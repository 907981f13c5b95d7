import { encodeRecord, decodeRecord, type StoredRecord } from '../../../lib/repository/record'
import { isGone } from '../../../lib/repository/repository'
import type { RecordRepository } from '../../../lib/repository/record-repository'
import type { Store } from '../../../lib/stores/store'
import type { Backend } from './backends'
import { REQUESTS, together } from './catalogue'
import { asking } from './gated-store'
import type { Plan } from './plan'
import type { Parts } from './run'

/** Something that is wrong on purpose, and what the rig has to say about it. */
export interface Broken {
  readonly parts: Parts
  readonly plans: readonly Plan[]
  readonly finds: RegExp
  /** Only on Redis can it be seen. */
  readonly redis?: true
}

const LIMITS = { bytes: 10_000, depth: 20 }
const TWICE: Plan = {
  requests: [{ steps: [{ do: 'update' }] }, { steps: [{ do: 'update' }] }],
  trouble: { fates: ['ok', 'ok', 'twice'] }
}
/** One request makes a value and takes it back, while a write of another one is on its way. */
const BACK_AND_FORTH: Plan = {
  requests: [
    { steps: [{ do: 'set', key: 'a' }] },
    { steps: [{ do: 'set', key: 'c' }, { do: 'save' }, { do: 'delete', key: 'c' }] }
  ],
  trouble: { fates: [], ticks: 2 }
}

/** A store of which some methods are replaced. */
function store(change: (real: Store, backend: Backend) => Partial<Store>): Parts {
  return {
    store: (real, backend) => ({
      contract: 1,
      get: (id, ttl) => real.get(id, ttl),
      set: (...args) => real.set(...args),
      touch: (id, ttl) => real.touch(id, ttl),
      destroy: (...args) => real.destroy(...args),
      ...change(real, backend)
    })
  }
}

/** A repository of which some methods are replaced. */
function repository(change: (real: RecordRepository, first: string) => Partial<RecordRepository>): Parts {
  return {
    repository: (real, first) =>
      Object.assign(Object.create(real) as RecordRepository, bound(real), change(real, first))
  }
}

/** A repository that takes what it has read before for what is there, when it is asked by an operation of this kind. */
function remembers(kind: string): Parts {
  return repository((real) => {
    let before: StoredRecord | null = null
    return {
      async load(...args) {
        const found = await real.load(...args)
        if (found) before = found
        return asking.getStore()!.operation.kind === kind ? before : found
      }
    }
  })
}

/** Methods with private members work on the real thing only. */
function bound(real: RecordRepository): Partial<RecordRepository> {
  return {
    load: real.load.bind(real),
    changed: real.changed.bind(real),
    merge: real.merge.bind(real),
    commit: real.commit.bind(real),
    close: real.close.bind(real),
    touch: real.touch.bind(real),
    destroy: real.destroy.bind(real)
  }
}

/** The text with its revisions taken out. */
function withoutRevisions(text: string): string {
  const { data, ...frame } = decodeRecord(text, LIMITS)
  return encodeRecord(JSON.stringify(data), { ...frame, revs: [] })
}

export const BROKEN: Record<string, Broken> = {
  'a store that does not compare': {
    parts: store((real) => ({
      set: async (id, text, ttl) => real.set(id, text, ttl, await real.get(id))
    })),
    plans: [together(['write a', 'write b'])],
    finds: /lost or mixed up/
  },
  'a store that stores what is gone': {
    parts: store((real) => ({
      set: async (id, text, ttl, expected) =>
        real.set(id, text, ttl, (await real.get(id)) === null ? null : expected)
    })),
    plans: [together(['write a', 'logout'])],
    finds: /s0 came back/
  },
  'a store that says kept at a conflict': {
    parts: store((real) => ({
      async set(...args) {
        await real.set(...args)
        return { id: args[0] }
      }
    })),
    plans: [together(['write a', 'write b'])],
    finds: /acknowledged, but nothing was stored/
  },
  'a store that does not destroy': {
    parts: store(() => ({ destroy: async () => true })),
    plans: [together(['logout', 'read'])],
    finds: /destroy was acknowledged, but s0 lives/
  },
  'a store that brings back what it has read before': {
    parts: store((real) => {
      const texts = new Map<string, string>()
      return {
        async get(id, ttl) {
          const text = await real.get(id, ttl)
          if (text !== null) texts.set(id, text)
          else await real.set(id, texts.get(id) ?? '{}', 60_000, null)
          return text
        }
      }
    }),
    plans: [together(['touch', 'logout'])],
    finds: /get changed what s0 holds/
  },
  'a touch that takes a closed id for the session': {
    parts: remembers('touch'),
    plans: [{ requests: [{ steps: [{ do: 'touch' }, { do: 'touch' }] }, REQUESTS['new id']] }],
    finds: /touch: s0 was not there/
  },
  'a store that reads from a replica': {
    parts: store((real) => {
      const before = new Map<string, string | null>()
      return {
        get: async (id, ttl) => (before.has(id) ? before.get(id)! : real.get(id, ttl)),
        async set(id, text, ttl, expected) {
          before.set(id, await real.get(id))
          return real.set(id, text, ttl, expected)
        }
      }
    }),
    plans: [together(['write a', 'change and reload'])],
    finds: /reload: its session s0 is .* which was not stored/
  },
  'a store that writes when it reads': {
    parts: store((real) => ({
      async get(id, ttl) {
        const text = await real.get(id, ttl)
        if (text !== null) await real.set(id, `${text} `, 60_000, text)
        return text
      }
    })),
    plans: [together(['read', 'read'])],
    finds: /get changed what s0 holds/
  },
  'a store that drops the revisions: sent twice': {
    parts: withRevisionsDropped(),
    plans: [TWICE],
    finds: /counted twice/
  },
  'a store that drops the revisions: a late write': {
    parts: withRevisionsDropped(),
    plans: [BACK_AND_FORTH],
    finds: /applied late/
  },
  'a store whose sessions live for ever': {
    parts: store((real, { persist }) => ({
      async set(...args) {
        const result = await real.set(...args)
        await persist?.(args[0])
        return result
      }
    })),
    plans: [together(['write a', 'read'])],
    finds: /s0 is kept without a life/,
    redis: true
  },
  'a merge that takes all of mine': {
    parts: { merge: (_base, mine) => mine },
    plans: [together(['write a', 'write b'])],
    finds: /lost or mixed up/
  },
  'a merge that takes all of theirs': {
    parts: { merge: (_base, _mine, theirs) => theirs },
    plans: [together(['write a', 'write b'])],
    finds: /lost or mixed up/
  },
  'a merge that keeps what I deleted': {
    parts: { merge: (_base, mine, theirs) => ({ ...theirs, ...mine }) },
    plans: [together(['write a', 'delete b'])],
    finds: /lost or mixed up/
  },
  'a commit that starts a session anew where it is gone': {
    parts: repository((real) => ({
      async commit(id, known, draft, budget) {
        try {
          return await real.commit(id, known, draft, budget)
        } catch (error) {
          if (!isGone(error)) throw error
          return real.commit(id, null, draft, budget)
        }
      }
    })),
    plans: [together(['write a', 'logout'])],
    finds: /s0 came back/
  },
  'a commit that tries again by itself after a failure': {
    parts: repository((real) => ({
      async commit(id, known, draft, budget) {
        try {
          return await real.commit(id, known, draft, budget)
        } catch {
          await real.load(id, budget)
          return real.commit(id, known, draft, budget)
        }
      }
    })),
    plans: [{ ...TWICE, trouble: { fates: ['ok', 'ok', 'lost'] } }],
    finds: /counted twice/
  },
  'a regenerate that ends the old one first': {
    parts: repository((real, first) => ({
      async commit(id, known, draft, budget) {
        if (known === null) await real.destroy(first, budget)
        return real.commit(id, known, draft, budget)
      }
    })),
    plans: [together(['login', 'read'])],
    finds: /ended s0 before the new session was there/
  },
  'a regenerate that leaves the old one': {
    parts: repository((real, first) => ({
      destroy: async (id, budget) => id === first || real.destroy(id, budget)
    })),
    plans: [together(['login', 'read'])],
    finds: /acknowledged, but s0 lives/
  },
  'a move that does not look at what others stored': {
    parts: repository((real) => ({
      async close(id, _known, _successor, _rev, budget) {
        await real.destroy(id, budget)
        return undefined
      }
    })),
    plans: [together(['new id', 'write a'])],
    finds: /moved to .* instead of|left behind/
  },
  'a list of kept keys that is copied from the loaded state': {
    parts: repository((real) => ({
      merge: (known, mine, latest, keys) => (keys ? mine : real.merge(known, mine, latest, keys))
    })),
    plans: [together(['login with list', 'push to a list'])],
    finds: /moved s0, and .* is nowhere|moved to .* instead of|lost or mixed up/
  },
  'a list of kept keys that a logout does not stop': {
    parts: repository(movesWhatIsGone),
    plans: [together(['login with list', 'logout'])],
    finds: /s0 was ended, and s1, which was carried from it, lives/
  },
  'a new id that a logout does not stop': {
    parts: repository(movesWhatIsGone),
    plans: [together(['new id', 'logout'])],
    finds: /s0 was ended, and s1, which was carried from it, lives/
  },
  'a new record that stays where the session was gone': {
    parts: repository((real, first) => ({
      destroy: async (id, ...rest) => id !== first || real.destroy(id, ...rest)
    })),
    plans: [together(['login with list', 'logout'])],
    finds: /was told nothing was written: s1 is there/
  },
  'a closed id that does not name its successor': {
    parts: store((real) => ({
      set: (id, text, ...rest) => real.set(id, text.replace(/,"to":"[^"]*"/, ''), ...rest)
    })),
    plans: [together(['new id', 'logout'])],
    finds: /destroy was acknowledged, but s1 lives/
  },
  'a logout that does not follow the session': {
    parts: repository((real) => ({
      async destroy(id, budget) {
        const now = await real.load(id, budget)
        return now !== null && real.destroy(id, budget, now)
      }
    })),
    plans: [together(['login with list', 'logout'])],
    finds: /destroy was acknowledged, but s1 lives/
  },
  'a logout that removes without comparing': {
    parts: store((real) => ({ destroy: (id) => real.destroy(id) })),
    plans: [together(['new id', 'logout'])],
    finds: /destroy was acknowledged, but s1 lives|s0 was ended, and s1/
  },
  'a logout that ends nothing for a cookie that leads nowhere any more': {
    parts: repository((real) => ({
      destroy: async (id, budget, known, meant) => known !== null && real.destroy(id, budget, known, meant)
    })),
    plans: [together(['new id', 'logout'])],
    finds: /destroy was acknowledged, but s1 lives/
  },
  'a response that renews a cookie without asking whether its session is still there': {
    parts: remembers('commit'),
    plans: [{ ...together(['read', 'new id']), renew: 'always' }],
    finds: /sent the cookie of s0, which was over/
  },
  'a commit that does not look at what others stored': {
    parts: repository((real) => ({
      commit: (id, known, draft, budget) => real.commit(id, known, (latest) => draft(known ?? latest), budget)
    })),
    plans: [together(['write a', 'write b'], true)],
    finds: /lost or mixed up/
  },
  'commits at once of which only the first is written': {
    parts: repository((real) => {
      const running = new Map<string, ReturnType<RecordRepository['commit']>>()
      return {
        commit(id, ...rest) {
          const first = running.get(id)
          if (first) return first
          const commit = real.commit(id, ...rest).finally(() => running.delete(id))
          running.set(id, commit)
          return commit
        }
      }
    }),
    plans: [together(['write a', 'write b'], true)],
    finds: /acknowledged, but nothing was stored/
  }
}

/** What is carried goes to its new id, whatever became of the old one. */
function movesWhatIsGone(real: RecordRepository): Partial<RecordRepository> {
  return {
    async close(...move) {
      try {
        return await real.close(...move)
      } catch (error) {
        if (isGone(error)) return undefined
        throw error
      }
    }
  }
}

function withRevisionsDropped(): Parts {
  return store((real) => {
    /** Texts without their revisions, by the end by which they are recognised. */
    const bare = new Map<string, string>()
    const note = (text: string) => bare.set(text.slice(-13), withoutRevisions(text))
    return {
      async get(id, ttl) {
        const text = await real.get(id, ttl)
        if (text !== null) note(text)
        return text
      },
      async set(id, text, ttl, expected) {
        note(text)
        const kept = await real.get(id)
        const isSame = kept !== null && withoutRevisions(kept) === (bare.get(expected ?? '') ?? expected)
        return real.set(id, withoutRevisions(text), ttl, isSame ? kept : expected)
      }
    }
  })
}
