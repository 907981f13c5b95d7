import type { EndMark, IndexEntry, SessionIndex, Store } from '../../lib/stores/store'
import { broken, type Broken } from './broken'

/** A good index of which some methods are replaced. */
function index(breaks: string, change: (real: SessionIndex, store: Store) => Partial<SessionIndex>): Broken {
  return broken(breaks, (store) => {
    const real = store.index
    return {
      index: {
        add: (...args) => real.add(...args),
        list: (user) => real.list(user),
        end: (...args) => real.end(...args),
        ended: (user) => real.ended(user),
        renew: (user, entry) => real.renew(user, entry),
        remove: (user, entry) => real.remove(user, entry),
        ...change(real, store)
      }
    }
  })
}

const ghost: IndexEntry = { id: 'ghost', noted: 1, age: 1 }

/** The entry of an id as it is now, whichever noting was given. */
async function newest(real: SessionIndex, user: string, { id }: Pick<IndexEntry, 'id'>): Promise<IndexEntry> {
  return (await real.list(user)).find((one) => one.id === id) ?? ghost
}

/** Indexes that mix up what is whose, or since when. */
export const BROKEN_USERS: Record<string, Broken> = {
  'lists what nobody noted': index(
    'of a user for whom nothing was noted, the index lists nothing',
    (real) => ({
      list: async (user) => [...(await real.list(user)), ghost]
    })
  ),
  'lists in no order': index('the index lists what was noted, noted longest ago first', (real) => ({
    list: async (user) => [...(await real.list(user))].sort((one, other) => (one.id < other.id ? -1 : 1))
  })),
  'takes capitals for small letters': index('the index keeps users apart, whatever their names', (real) => ({
    add: (user, ...rest) => real.add(user.toLowerCase(), ...rest),
    list: (user) => real.list(user.toLowerCase())
  })),
  'has each id under one user': index('the index may have one id under several users', (real) => {
    const users = new Map<string, string>()
    return {
      async add(user, id, ttl) {
        const before = users.get(id)
        if (before !== undefined) await real.remove(before, await newest(real, before, { ...ghost, id }))
        users.set(id, user)
        return real.add(user, id, ttl)
      }
    }
  }),
  'keeps what is noted under the same names': index(
    'what is noted is not kept: neither as a text nor in the way of one',
    (real, store) => ({
      async add(user, id, ttl) {
        await store.set(user, id, ttl, null)
        return real.add(user, id, ttl)
      }
    })
  ),
  'forgets what is changed': index(
    'a text stays in the index while it is changed and renewed',
    (real, store) => ({
      list: async (user) => {
        const entries = await real.list(user)
        const texts = await Promise.all(entries.map(({ id }) => store.get(id)))
        return entries.filter((_, i) => texts[i] !== 'two')
      }
    })
  ),
  'answers with the newest': index('add answers with the two others that were noted longest ago', (real) => ({
    add: async (user, id, ttl) => {
      const { noted } = await real.add(user, id, ttl)
      return { noted, oldest: (await real.list(user)).filter((one) => one.id !== id).slice(-2) }
    }
  })),
  'tells the age in seconds': index('an entry says when it was noted, and how long ago that is', (real) => ({
    list: async (user) => (await real.list(user)).map((entry) => ({ ...entry, age: entry.age / 1000 }))
  })),
  'notes an id once': index('an id that is noted anew comes last, with another noting', (real) => ({
    add: async (user, id, ttl) => {
      const known = await newest(real, user, { ...ghost, id })
      return known === ghost ? real.add(user, id, ttl) : { noted: known.noted, oldest: [] }
    }
  })),
  'renews nothing': index('renew notes an id anew', () => ({ renew: () => Promise.resolve() })),
  'removes nothing': index('remove takes an id out', () => ({ remove: () => Promise.resolve() })),
  'removes whatever the noting is': index(
    'neither renew nor remove does anything to an id that was noted anew',
    (real) => ({ remove: async (user, entry) => real.remove(user, await newest(real, user, entry)) })
  ),
  'renews whatever the noting is': index(
    'neither renew nor remove does anything to an id that was noted anew',
    (real) => ({ renew: async (user, entry) => real.renew(user, await newest(real, user, entry)) })
  ),
  'brings back what it renews': index('neither renew nor remove brings anything back', (real) => ({
    renew: (user, { id }) => real.add(user, id, 1000).then(() => undefined)
  })),
  'takes the last life for all': index(
    'what is noted stays for its life, however short that of others is',
    (real) => {
      let end = Infinity
      return {
        add: (user, id, ttl) => {
          end = performance.now() + ttl
          return real.add(user, id, ttl)
        },
        list: async (user) => (performance.now() > end ? [] : real.list(user))
      }
    }
  ),
  'answers with the moment in milliseconds': index('add answers with the moment of the noting', (real) => ({
    add: async (...args) => {
      const { noted, oldest } = await real.add(...args)
      return { noted: noted / 1000, oldest }
    }
  })),
  'has everybody ended': index('no logins of a user are ended before end was called', (real) => ({
    ended: async (user) => (await real.ended(user)) ?? { at: 0 }
  })),
  'marks the moment of the first login': index(
    'end answers with all ids, and its mark lies after them and before those to come',
    (real) => ({
      async ended(user) {
        const mark = await real.ended(user)
        return mark && { ...mark, at: (await real.list(user))[0]?.noted ?? mark.at }
      }
    })
  ),
  'marks, and lists nothing': index(
    'end answers with all ids, and its mark lies after them and before those to come',
    (real) => ({ end: (...args) => real.end(...args).then(() => []) })
  ),
  'keeps the first mark': index(
    'a later mark replaces an earlier one, with its exception and its life',
    (real) => ({
      end: async (user, ...rest) => ((await real.ended(user)) ? real.list(user) : real.end(user, ...rest))
    })
  ),
  'keeps the exception of before': index(
    'a later mark replaces an earlier one, with its exception and its life',
    (real) => ({
      end: async (user, ttl, except) => real.end(user, ttl, except ?? (await real.ended(user))?.except)
    })
  ),
  'never forgets a mark': index('a mark counts for its time, and goes although the ids stay', (real) => ({
    end: (user, _ttl, except) => real.end(user, 60_000, except)
  })),
  'forgets the ids with a mark': index(
    'a mark counts for its time, and goes although the ids stay',
    (real) => ({
      list: async (user) => ((await real.ended(user)) ? real.list(user) : [])
    })
  ),
  'forgets a mark with the last id': index(
    'a mark outlives the last id, and concerns no other user',
    (real) => ({
      ended: async (user) => ((await real.list(user)).length > 0 ? real.ended(user) : null)
    })
  ),
  'marks everybody': index('a mark outlives the last id, and concerns no other user', (real) => {
    let mark: EndMark | null = null
    return {
      async end(user, ttl, except) {
        const entries = await real.end(user, ttl, except)
        mark = await real.ended(user)
        return entries
      },
      ended: () => Promise.resolve(mark)
    }
  })
}
