import Redis from 'ioredis'
import { MemoryStore, type SessionIndex, type Store } from '../../lib'
import { RedisStore } from '../../lib/redis'
import { codeOf } from '../support/outcome'
import { type RedisServer, startRedis } from '../support/redis-server'
import { everyOrder, type Kept, type Scenario, type Site, someOrders } from './rig/users'

/** `npm run test:long` asks for all that there are. */
const isLong = process.env.TEST_LONG !== undefined

/** What is still stored of the user, by handle and by id. */
const ofUser = async (world: Parameters<Scenario<unknown>['check']>[0], user: string) => {
  const all = [...(await world.stored())].filter(([, record]) => record.user === user)
  return { ids: all.map(([id]) => id), handles: all.map(([, { handle }]) => handle) }
}

const must = (id: string | undefined): string => {
  if (id === undefined) throw new Error('no cookie was sent')
  return id
}

/** One session of U and one of W, each logged in before anything else happens. */
async function twoUsers(behind: Site): Promise<{ mine: string; handle: string; other: string }> {
  const mine = must(await behind.login('U'))
  const other = must(await behind.login('W'))
  return { mine, handle: (await behind.list('U'))[0]!, other }
}
type TwoUsers = Awaited<ReturnType<typeof twoUsers>>

/** A login of U's, elsewhere, while all of U's sessions are ended. */
function loginWhileDestroying(): Scenario<TwoUsers> {
  let ended = 0
  let fresh = ''
  return {
    seed: twoUsers,
    programs: (world) => [
      async () => (fresh = must(await world.site('login').login('U'))),
      async () => (ended = await world.site('ends').destroy('U'))
    ],
    async check(world) {
      const { ids } = await ofUser(world, 'U')
      // It was ended with the first, or it came after.
      expect([
        [1, [fresh]],
        [2, []]
      ]).toContainEqual([ended, ids])
      expect((await ofUser(world, 'W')).ids).toEqual([world.seed.other])
    }
  }
}

/** The session of U's gets another id while all are ended: it was logged in before, so it goes. */
function moveWhileDestroying(moves: number): Scenario<TwoUsers> {
  let ended = 0
  return {
    seed: twoUsers,
    programs: (world) => [
      async () => {
        let id: string | undefined = world.seed.mine
        for (let i = 0; i < moves && id !== undefined; i++) {
          const from: string = id
          id = undefined
          await codeOf(
            world
              .site(`move ${i}`)
              .move(from)
              .then((to) => (id = to))
          )
        }
      },
      async () => (ended = await world.site('ends').destroy('U'))
    ],
    async check(world) {
      const { handles } = await ofUser(world, 'U')
      // One that came too late for its session is an empty one now, and nobody's.
      expect(handles).toEqual([])
      expect(ended).toBeLessThanOrEqual(1)
      expect((await ofUser(world, 'W')).ids).toEqual([world.seed.other])
    }
  }
}

const change = (site: Site, id: string, user: string) =>
  codeOf(site.visit(id, (session) => void (session.user = user)))

/** A session goes from U to V while all sessions of U are ended. */
function changeWhileDestroying(): Scenario<TwoUsers> {
  let ended = 0
  let after: string | undefined
  return {
    seed: twoUsers,
    programs: (world) => [
      async () => {
        after = undefined
        const answer = world.site('changes').visit(world.seed.mine, (session) => void (session.user = 'V'))
        await codeOf(answer.then((id) => (after = id)))
      },
      async () => (ended = await world.site('ends').destroy('U'))
    ],
    async check(world) {
      const { ids, handles } = await ofUser(world, 'V')
      // Where U's end was first, the request was told, or made a session of its own.
      expect(after === world.seed.mine).toBe(ended === 0)
      expect(handles.includes(world.seed.handle)).toBe(ended === 0)
      expect((await ofUser(world, 'U')).ids).toEqual([])
      expect(await world.behind.destroy('V')).toBe(ids.length)
    }
  }
}

function redisKept(server: RedisServer): Kept & { stop(): Promise<void> } {
  const store = RedisStore.connect(server.url)
  const admin = new Redis(server.url)
  return {
    store,
    async texts() {
      const keys = (await admin.keys('SESSION:*')).filter((key) => !key.startsWith('SESSION:user:'))
      const texts = await Promise.all(keys.map((key) => admin.get(key)))
      return keys.flatMap((key, i) => (texts[i] === null ? [] : [[key.slice(8), texts[i]!] as const]))
    },
    async clear() {
      await admin.flushdb()
    },
    async stop() {
      admin.disconnect()
      await store.close()
    }
  }
}

function memoryKept(): Kept {
  const store = new MemoryStore()
  return { store, texts: () => Promise.resolve([...store.entries()]), clear: () => store.close() }
}

describe('every interleaving on a MemoryStore', () => {
  const kept = memoryKept()

  test('a login while all sessions of its user are ended', async () => {
    expect(await everyOrder(kept, loginWhileDestroying())).toBeGreaterThan(20)
  })

  test('a second login from a session of the same user', async () => {
    let ended = 0
    let fresh = ''
    const count = await everyOrder<TwoUsers>(kept, {
      seed: twoUsers,
      programs: (world) => [
        async () => (fresh = must(await world.site('login').login('U', world.seed.mine))),
        async () => (ended = await world.site('ends').destroy('U'))
      ],
      async check(world) {
        const { ids } = await ofUser(world, 'U')
        expect(ids.filter((id) => id !== fresh)).toEqual([])
        expect(ended + ids.length).toBeGreaterThanOrEqual(1)
      }
    })
    expect(count).toBeGreaterThan(20)
  })

  test('regenerate with keep: true while all sessions of its user are ended', async () => {
    await (isLong ? everyOrder : someOrders)(kept, moveWhileDestroying(1))
  }, 600_000)

  test('a chain of them while all sessions of its user are ended', async () => {
    await someOrders(kept, moveWhileDestroying(2))
    await someOrders(kept, moveWhileDestroying(4))
  }, 600_000)

  test('regenerate with keep: true while all others are ended: it stays, under one id', async () => {
    let ended = 0
    await everyOrder<TwoUsers>(kept, {
      seed: twoUsers,
      programs: (world) => [
        () => world.site('move').move(world.seed.mine),
        async () => (ended = await world.site('ends').destroy('U', { handle: 'of nobody' }))
      ],
      async check(world) {
        expect([ended, (await ofUser(world, 'U')).handles]).toEqual([0, [world.seed.handle]])
      }
    })
  })

  test('regenerate with keep: true while sessions are listed: it is there, once', async () => {
    let seen: string[] = []
    await everyOrder<TwoUsers>(kept, {
      seed: twoUsers,
      programs: (world) => [
        () => world.site('move').move(world.seed.mine),
        async () => (seen = await world.site('lists').list('U'))
      ],
      check: (world) => Promise.resolve(expect(seen).toEqual([world.seed.handle]))
    })
  })

  test('a write of a session that is ended is refused, and brings nothing back', async () => {
    let code = ''
    await everyOrder<TwoUsers>(kept, {
      seed: twoUsers,
      programs: (world) => [
        async () => (code = await codeOf(world.site('writes').visit(world.seed.mine, (s) => void (s.a = 1)))),
        () => world.site('ends').destroy('U')
      ],
      async check(world) {
        expect((await ofUser(world, 'U')).ids).toEqual([])
        expect(['done', 'ERR_SESSION_GONE']).toContain(code)
      }
    })
  })

  test('twice at once: each session is ended once', async () => {
    const counts: number[] = []
    await everyOrder<TwoUsers>(kept, {
      seed: twoUsers,
      programs: (world) => [
        async () => (counts[0] = await world.site('one').destroy('U')),
        async () => (counts[1] = await world.site('two').destroy('U'))
      ],
      async check(world) {
        expect((await ofUser(world, 'U')).ids).toEqual([])
        expect(counts[0]! + counts[1]!).toBe(1)
      }
    })
  })

  test('a session goes from U to V: U’s end spares it then, V’s does not', async () => {
    await everyOrder(kept, changeWhileDestroying())
  })

  test('a session goes from U to V and back to U', async () => {
    let ended = 0
    const count = await everyOrder<TwoUsers>(kept, {
      seed: twoUsers,
      programs: (world) => [
        async () => {
          await change(world.site('there'), world.seed.mine, 'V')
          await change(world.site('back'), world.seed.mine, 'U')
        },
        async () => (ended = await world.site('ends').destroy('U'))
      ],
      async check(world) {
        const { handles } = await ofUser(world, 'U')
        // Where it was V's at that moment, it came back after.
        if (ended === 1) expect(handles).not.toContain(world.seed.handle)
        expect((await ofUser(world, 'W')).ids).toEqual([world.seed.other])
      }
    })
    expect(count).toBeGreaterThan(100)
  })

  test.each([
    ['logs in', (site: Site) => site.login('U')],
    ['lists them', (site: Site) => site.list('U')]
  ])(
    'the index is repaired by one who %s, while a session comes back to its user',
    async (_, other) => {
      const count = await everyOrder<TwoUsers>(kept, {
        aged: true,
        async seed(behind) {
          const seed = await twoUsers(behind)
          await change(behind, seed.mine, 'V')
          return seed
        },
        programs: (world) => [
          () => change(world.site('back'), world.seed.mine, 'U'),
          () => other(world.site('other'))
        ],
        async check(world) {
          const { ids } = await ofUser(world, 'U')
          expect(ids).toContain(world.seed.mine)
          expect(await world.behind.destroy('U')).toBe(ids.length)
        }
      })
      expect(count).toBeGreaterThan(10)
    },
    120_000
  )

  test('the index is repaired while a session in it moves', async () => {
    await (isLong ? everyOrder : someOrders)<TwoUsers>(kept, {
      aged: true,
      seed: twoUsers,
      programs: (world) => [
        () => world.site('move').move(world.seed.mine),
        () => world.site('login').login('U')
      ],
      async check(world) {
        expect((await ofUser(world, 'U')).handles).toContain(world.seed.handle)
        expect(await world.behind.destroy('U')).toBe(2)
      }
    })
  }, 600_000)
})

describe('the rig finds', () => {
  const kept = memoryKept()
  const ending =
    (change: (store: Store) => Partial<Store>): Scenario<unknown>['broken'] =>
    (store, name) =>
      name === 'ends' ? { ...store, ...change(store) } : store

  test('an index that is read once only', async () => {
    const broken = ending(({ index }) => {
      let first: ReturnType<SessionIndex['list']> | undefined
      return { index: { ...index!, list: (user) => (first ??= index!.list(user)) } }
    })
    await expect(someOrders(kept, { ...moveWhileDestroying(1), broken })).rejects.toThrow('RACE_SEED')
  }, 600_000)

  test('an id at which nobody looks again', async () => {
    const broken = ending(({ get }) => {
      const nothing = new Set<string>()
      return {
        get: async (id) => {
          const text = nothing.has(id) ? null : await get(id)
          if (text === null) nothing.add(id)
          return text
        }
      }
    })
    await expect(someOrders(kept, { ...moveWhileDestroying(2), broken })).rejects.toThrow('RACE_SEED')
  }, 600_000)

  test('a session that is ended without a look at whose it is by then', async () => {
    const broken = ending(({ set, get }) => ({
      set: async (id, text, ttl) => set(id, text, ttl, await get(id))
    }))
    const scenario = changeWhileDestroying()
    await expect(everyOrder(kept, { ...scenario, broken })).rejects.toThrow('')
  })

  test('an id that is noted after its session is stored', async () => {
    const broken: Scenario<unknown>['broken'] = (store) => {
      let later = () => Promise.resolve()
      return {
        ...store,
        set: (...args) => store.set(...args).finally(() => later()),
        index: {
          ...store.index!,
          add: (...args) => {
            later = () => store.index!.add(...args).then(() => undefined)
            return Promise.resolve([])
          }
        }
      }
    }
    await expect(everyOrder(kept, { ...loginWhileDestroying(), broken })).rejects.toThrow('')
  })
})

describe('every interleaving on Redis', () => {
  let server: RedisServer
  let kept: ReturnType<typeof redisKept>
  beforeAll(async () => {
    server = await startRedis()
    kept = redisKept(server)
  })
  afterAll(async () => {
    await kept.stop()
    await server.stop()
  })

  test('a login while all sessions of its user are ended', async () => {
    expect(await everyOrder(kept, loginWhileDestroying())).toBeGreaterThan(20)
  }, 120_000)
})
