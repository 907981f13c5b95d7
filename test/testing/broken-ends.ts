import type { Ended } from '../../lib'
import type { MemoryStore } from '../../lib/stores/memory/memory-store'
import { broken, type Broken } from './broken'

type Listener = (ended: Ended) => void

/** Stores whose texts live for another time than they say, or that tell of ends in another way than they came. */
export const BROKEN_ENDS: Record<string, Broken> = {
  'says the life in seconds': life('life says how long a text will live', (real, id) =>
    real.life(id).then((left) => left && left / 1000)
  ),
  'says the life that a text had at first': broken('life says how long a text will live', (real) => {
    const lives = new Map<string, number>()
    return {
      set(id, text, ttl, expected) {
        lives.set(id, ttl)
        return real.set(id, text, ttl, expected)
      },
      life: async (id) => ((await real.get(id)) === null ? null : lives.get(id)!)
    }
  }),
  'says 0 where nothing is': life(
    'life says null where nothing is kept',
    async (real, id) => (await real.life(id)) ?? 0
  ),
  'renews when it is asked for the life': life('life renews nothing', async (real, id) =>
    (await real.touch(id, 60_000)) ? 60_000 : null
  ),
  'tells twice': watch('watch tells once of what is destroyed', (real, listener) =>
    real.watch((ended) => {
      listener(ended)
      listener(ended)
    })
  ),
  'tells no successors': broken('watch tells once of what moves, and where to', (real) => ({
    notify: (ended) => real.notify(ended),
    watch: (listener) => real.watch(({ id }) => listener({ id }))
  })),
  'destroys what moves': broken('watch tells once of what moves, and where to', (real) => ({
    async notify(ended) {
      await real.notify(ended)
      await real.destroy(ended.id)
    },
    watch: (listener) => real.watch(listener)
  })),
  'tells of each write': broken('watch tells of nothing that is there', (real) => {
    const listeners = new Set<Listener>()
    return {
      touch(id, ttl) {
        for (const listener of listeners) listener({ id })
        return real.touch(id, ttl)
      },
      watch(listener) {
        const stop = real.watch(listener)
        listeners.add(listener)
        return () => {
          listeners.delete(listener)
          stop()
        }
      }
    }
  }),
  'goes on telling': watch('all who watch hear of it, until they stop', (real, listener) => {
    real.watch(listener)
    return () => undefined
  }),
  // Last, as it takes its time to fail.
  'tells nobody': watch('watch tells once of what is destroyed', () => () => undefined)
}

function life(breaks: string, says: (real: MemoryStore, id: string) => Promise<number | null>): Broken {
  return broken(breaks, (real) => ({ life: (id) => says(real, id) }))
}

function watch(breaks: string, watches: (real: MemoryStore, listener: Listener) => () => void): Broken {
  return broken(breaks, (real) => ({ watch: (listener) => watches(real, listener) }))
}
