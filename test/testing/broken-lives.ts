import { broken, type Broken } from './broken'

const MINUTE = 60_000

/** Stores whose texts live for another time than was said. */
export const BROKEN_LIVES: Record<string, Broken> = {
  'never forgets': broken('forgets a text when its life is over, and not before', (real) => ({
    set: (id, text, _ttl, expected) => real.set(id, text, MINUTE, expected)
  })),
  'forgets too early': broken('forgets a text when its life is over, and not before', (real) => ({
    // At once: later, a busy machine may see it in time.
    async set(...args) {
      const result = await real.set(...args)
      await real.destroy(args[0])
      return result
    }
  })),
  'takes milliseconds for seconds': broken(
    'forgets a text when its life is over, and not before',
    (real) => ({
      set: (id, text, ttl, expected) => real.set(id, text, ttl * 1000, expected)
    })
  ),
  'keeps the first life': broken('set gives the new text a life of its own', (real) => {
    const ends = new Map<string, number>()
    return {
      set(id, text, ttl, expected) {
        const end = ends.get(id) ?? performance.now() + ttl
        ends.set(id, end)
        return real.set(id, text, Math.max(1, end - performance.now()), expected)
      }
    }
  }),
  'does not renew when it reads': broken('get with a ttl renews the life', (real) => ({
    get: (id) => real.get(id)
  })),
  'renews whenever it reads': broken('get without a ttl leaves the life as it is', (real) => ({
    get: (id, ttl = MINUTE) => real.get(id, ttl)
  })),
  'never shortens a life': broken('touch can shorten the life', (real) => ({
    touch: (id, ttl) => real.touch(id, Math.max(ttl, MINUTE))
  })),
  'does not renew by touch': broken('touch renews the life', (real) => ({
    touch: async (id) => (await real.get(id)) !== null
  }))
}
