import { broken, type Broken } from './broken'

/** A good store, but for what it makes of the texts it is given. */
const changing = (breaks: string, changed: (text: string) => string): Broken =>
  broken(breaks, (real) => ({
    set: (id, text, ttl, expected) =>
      real.set(id, changed(text), ttl, expected === null ? null : changed(expected))
  }))

/** A good store, but for what it makes of ids. */
const renaming = (breaks: string, renamed: (id: string) => string): Broken =>
  broken(breaks, (real) => ({
    get: (id, ttl) => real.get(renamed(id), ttl),
    set: async (id, ...args) => {
      const result = await real.set(renamed(id), ...args)
      return 'id' in result ? { id } : result
    },
    touch: (id, ttl) => real.touch(renamed(id), ttl),
    destroy: (id, expected) => real.destroy(renamed(id), expected)
  }))

/** Stores that do not keep what they are given, or not under its id. */
export const BROKEN_CONTRACT: Record<string, Broken> = {
  'is of another contract': broken('says which contract it keeps', () => ({
    contract: 2 as 1
  })),
  'compares or not, nobody knows': broken('says which contract it keeps', () => ({
    conditional: 'no' as unknown as boolean
  })),
  'indexes, and cannot say what lives': broken('says which contract it keeps', ({ index }) => ({ index })),
  'tells of ends, and cannot say what lives': broken('says which contract it keeps', (real) => ({
    watch: (listener) => real.watch(listener)
  })),
  'keeps nothing': broken('keeps a text under the id that set answers with', () => ({
    set: (id) => Promise.resolve({ id })
  })),
  'says undefined for nothing': broken('answers null where nothing was ever saved', (real) => ({
    get: async (id, ttl) => (await real.get(id, ttl)) ?? (undefined as unknown as null)
  })),
  'takes nothing for an error': broken('answers null where nothing was ever saved', (real) => ({
    async get(id, ttl) {
      const text = await real.get(id, ttl)
      if (text === null) throw new Error('not found')
      return text
    }
  })),
  'takes an empty text for nothing': broken('keeps a text exactly: empty', (real) => ({
    get: async (id, ttl) => (await real.get(id, ttl)) || null
  })),
  'trims texts': changing('keeps a text exactly: blank', (text) => text.trim()),
  'ends texts at NUL': changing('keeps a text exactly: NUL in the middle', (text) => text.split('\0')[0]!),
  'keeps bytes for characters': changing('keeps a text exactly: chinese', (text) =>
    Buffer.from(text, 'latin1').toString('latin1')
  ),
  'composes letters': changing('keeps a text exactly: combining', (text) => text.normalize('NFC')),
  'keeps 64 KiB of a text': changing('keeps a text exactly: more than 1 MiB', (text) =>
    text.slice(0, 65_536)
  ),
  'makes ids of its own': broken('answers with the id that it was given', (real) => ({
    async set(id, ...args) {
      const result = await real.set(id, ...args)
      return 'id' in result ? { id: `${id}.1` } : result
    }
  })),
  'takes small letters for capitals': renaming('keeps ids apart', (id) => id.toLowerCase()),
  'keeps 43 characters of an id': renaming('keeps ids apart', (id) => id.slice(0, 43)),
  'finds what every object has': broken('takes any id: constructor', (real) => ({
    get: async (id, ttl) => (id in {} ? 'inherited' : real.get(id, ttl))
  })),

  'says of every touch that it worked': broken(
    'touch says false where nothing is kept, and makes nothing',
    (real) => ({
      async touch(id, ttl) {
        await real.touch(id, ttl)
        return true
      }
    })
  ),
  'makes a session by touch': broken('touch says false where nothing is kept, and makes nothing', (real) => ({
    async touch(id, ttl) {
      if (await real.touch(id, ttl)) return true
      await real.set(id, '{}', ttl, null)
      return false
    }
  })),
  'empties a text by touch': broken('touch changes nothing but the life', (real) => ({
    async touch(id, ttl) {
      const text = await real.get(id)
      return text !== null && 'id' in (await real.set(id, '{}', ttl, text))
    }
  })),
  'brings back by touch': broken('what was destroyed is not brought back by use', (real) => {
    const texts = new Map<string, string>()
    return {
      set(id, text, ttl, expected) {
        texts.set(id, text)
        return real.set(id, text, ttl, expected)
      },
      async touch(id, ttl) {
        const text = texts.get(id)
        if (text !== undefined) await real.set(id, text, ttl, null)
        return real.touch(id, ttl)
      }
    }
  }),
  'does not destroy': broken('destroy removes, and says whether something was there', () => ({
    destroy: () => Promise.resolve(true)
  })),
  'says that it destroyed nothing': broken(
    'destroy removes, and says whether something was there',
    (real) => ({
      async destroy(id) {
        await real.destroy(id)
        return false
      }
    })
  ),
  'destroys what is not there': broken('destroy removes, and says whether something was there', (real) => ({
    async destroy(id) {
      await real.destroy(id)
      return true
    }
  })),
  'has a new server each time': broken(
    'nodeOf, where there is one, answers with the same object each time',
    () => ({
      nodeOf: () => ({})
    })
  )
}
