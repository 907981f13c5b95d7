import type { IndexEntry, SessionIndex, Store } from '../../lib/stores/store'
import { broken, type Broken } from './broken'

/** A good index of which some methods are replaced. */
function index(breaks: string, change: (real: SessionIndex, store: Store) => Partial<SessionIndex>): Broken {
  return broken(breaks, (store) => {
    const real = store.index
    return {
      index: {
        add: (...args) => real.add(...args),
        list: (user) => real.list(user),
        renew: (user, entry) => real.renew(user, entry),
        remove: (user, entry) => real.remove(user, entry),
        ...change(real, store)
      }
    }
  })
}

const ghost: IndexEntry = { id: 'ghost', noted: 1, age: 1 }

/** The entry of an id as it is now, whichever noting was given. */
async function newest(real: SessionIndex, user: string, { id }: IndexEntry): Promise<IndexEntry> {
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
      await real.add(user, id, ttl)
      return (await real.list(user)).filter((one) => one.id !== id).slice(-2)
    }
  })),
  'tells the age in seconds': index('an entry says when it was noted, and how long ago that is', (real) => ({
    list: async (user) => (await real.list(user)).map((entry) => ({ ...entry, age: entry.age / 1000 }))
  })),
  'notes an id once': index('an id that is noted anew comes last, with another noting', (real) => ({
    add: async (user, id, ttl) => {
      const known = await newest(real, user, { ...ghost, id })
      return known === ghost ? real.add(user, id, ttl) : []
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
  )
}
