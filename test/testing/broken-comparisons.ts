import { broken, overwrite, type Broken } from './broken'

/** Stores that lose what somebody else has written. */
export const BROKEN_COMPARISONS: Record<string, Broken> = {
  'does not compare': broken(
    'set, a text expected and another there: conflict with what is there',
    (real) => ({ set: (...args) => overwrite(real, ...args) })
  ),
  'compares the whole text': broken('set, the end of a text expected and there: keeps', (real) => ({
    async set(id, text, ttl, expected) {
      const kept = await real.get(id)
      return kept === expected ? real.set(id, text, ttl, expected) : { conflict: kept }
    }
  })),
  'compares the whole text when it removes': broken(
    'destroy, the end of a text expected and there: removes',
    (real) => ({
      async destroy(id, expected) {
        const kept = await real.get(id)
        if (expected === undefined || kept === null || kept === expected) return real.destroy(id)
        return { conflict: kept }
      }
    })
  ),
  'removes without looking': broken(
    'destroy, a text expected and another there: conflict, and nothing is removed',
    (real) => ({ destroy: (id) => real.destroy(id) })
  ),
  'compares and removes one after the other': broken(
    'of a set and a destroy with the same expectation exactly one does it',
    (real) => ({
      async destroy(id, expected = '') {
        const kept = await real.get(id)
        if (kept !== null && !kept.endsWith(expected)) return { conflict: kept }
        await new Promise(setImmediate)
        return real.destroy(id)
      }
    })
  ),
  'takes null for whatever': broken(
    'set, nothing expected and something there: conflict with what is there',
    (real) => ({ set: (...args) => (args[3] === null ? overwrite(real, ...args) : real.set(...args)) })
  ),
  'takes an empty text for nothing when it compares': broken(
    'set, nothing expected and an empty text there: conflict',
    (real) => ({
      set: async (...args) =>
        args[3] === null && (await real.get(args[0])) === '' ? overwrite(real, ...args) : real.set(...args)
    })
  ),
  'compares numbers': broken(
    'compares exactly: neither numbers nor composed letters are taken for equal',
    (real) => ({
      async set(id, text, ttl, expected) {
        const kept = await real.get(id)
        const equal = expected !== null && Number(kept) === Number(expected)
        return real.set(id, text, ttl, equal ? kept : expected)
      }
    })
  ),
  'stores what is gone': broken(
    'set, a text expected and nothing there: conflict with null, and nothing is made',
    (real) => ({
      set: async (id, text, ttl, expected) =>
        real.set(id, text, ttl, (await real.get(id)) === null ? null : expected)
    })
  ),
  'remembers what was destroyed': broken(
    'set, a text expected that was destroyed or has expired: conflict with null',
    (real) => {
      const texts = new Map<string, string>()
      return {
        async set(id, text, ttl, expected) {
          const isOld = expected !== null && texts.get(id) === expected && (await real.get(id)) === null
          texts.set(id, text)
          return real.set(id, text, ttl, isOld ? null : expected)
        }
      }
    }
  ),
  'says kept at a conflict': broken(
    'set, a text expected and another there: conflict with what is there',
    (real) => ({
      async set(...args) {
        await real.set(...args)
        return { id: args[0] }
      }
    })
  ),
  'keeps at a conflict': broken(
    'set, a text expected and another there: conflict with what is there',
    (real) => ({
      async set(...args) {
        const result = await real.set(...args)
        if ('conflict' in result) await overwrite(real, ...args)
        return result
      }
    })
  ),
  'does not say what is in conflict': broken(
    'set, nothing expected and something there: conflict with what is there',
    (real) => ({
      async set(...args) {
        const result = await real.set(...args)
        return 'id' in result ? result : { conflict: null }
      }
    })
  ),
  'renews at a conflict': broken('a conflict leaves the life as it is', (real) => ({
    async set(...args) {
      const result = await real.set(...args)
      if ('conflict' in result) await real.touch(args[0], args[2])
      return result
    }
  })),
  'compares and writes one after the other': broken(
    'of two sets with the same expectation exactly one keeps its text',
    (real) => ({
      async set(...args) {
        const kept = await real.get(args[0])
        return kept === args[3] ? overwrite(real, ...args) : { conflict: kept }
      }
    })
  )
}
