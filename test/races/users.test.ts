import { MemoryStore, type Store } from '../../lib'
import { codeOf } from '../support/outcome'
import { openRedis } from '../support/redis'
import { everyOrder, type Kept, type Scenario, type World, type Process, someOrders } from './rig/users'
import { isLong } from '../support/long'

/** Milliseconds; `npm run test:long` asks for all orders that there are. */
const PATIENCE = isLong ? 3_600_000 : 600_000
/** Orders of a scenario that has thousands. */
const MANY = 200
/** Orders at most until a mistake shows; the first one ends the search. */
const TRIES = 1000

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
async function twoUsers(behind: Process): Promise<{ mine: string; handle: string; other: string }> {
  const mine = must(await behind.login('U'))
  const other = must(await behind.login('W'))
  return { mine, handle: (await behind.list('U'))[0]!, other }
}
type TwoUsers = Awaited<ReturnType<typeof twoUsers>>

/** A login that runs while all of its user's are ended is ended with them, or refused, or comes after. */
function loginWhileDestroying(): Scenario<TwoUsers> {
  let ended = 0
  let fresh: string | undefined
  return {
    seed: twoUsers,
    programs: (world) => [
      async () => {
        fresh = undefined
        const login = world.site('login').login('U')
        const code = await codeOf(login.then((id) => (fresh = must(id))))
        expect(['done', 'ERR_SESSION_GONE']).toContain(code)
      },
      async () => (ended = await world.site('ends').destroy('U'))
    ],
    async check(world) {
      const { ids } = await ofUser(world, 'U')
      if (ids.length > 0) expect([ended, ids]).toEqual([1, [fresh]])
      else expect([1, 2]).toContain(ended)
      // Who was refused has no session.
      if (fresh === undefined) expect(ids).toEqual([])
      expect((await ofUser(world, 'W')).ids).toEqual([world.seed.other])
    }
  }
}

type Keep = true | 'user'[]

/** Gives the session of U's other ids, one after the other, each in a process of its own, as far as it gets. */
const moving = (world: World<TwoUsers>, moves: number, keep: Keep) => async () => {
  let id: string | undefined = world.seed.mine
  for (let i = 0; i < moves && id !== undefined; i++) {
    const from: string = id
    id = undefined
    const move = world.site(`move ${i}`).move(from, keep)
    await codeOf(move.then((to) => (id = to)))
  }
}

type End = (site: Process, seed: TwoUsers) => Promise<unknown>

/** The session gets other ids, one after the other, while `end` ends it. Nothing of it is left when that was answered. */
function moveWhileEnding(end: End, moves: number, keep: Keep): Scenario<TwoUsers> {
  return {
    seed: twoUsers,
    programs: (world) => [moving(world, moves, keep), () => end(world.site('ends'), world.seed)],
    async check(world) {
      expect((await ofUser(world, 'U')).ids).toEqual([])
      expect((await ofUser(world, 'W')).ids).toEqual([world.seed.other])
    }
  }
}

/**
 * The session of U's gets another id while all are ended: it was logged in before, so it goes. One that came too late
 * for its session is an empty one then, and nobody's.
 */
function moveWhileDestroying(moves: number, keep: Keep = true): Scenario<TwoUsers> {
  const end: End = async (site) => {
    const ended = await site.destroy('U')
    if (keep === true) expect(ended).toBeLessThanOrEqual(1)
  }
  return moveWhileEnding(end, moves, keep)
}

/** What ends one session, by whoever has it. */
const ENDS: [string, End][] = [
  ['a logout', (site, { mine }) => site.visit(mine, (s) => s.destroy())],
  ['a WebSocket or a worker that holds it', async (site, { mine }) => (await site.hold(mine)).destroy()]
]

const change = (site: Process, id: string, user: string) =>
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

function redisKept({ store, client }: ReturnType<typeof openRedis>): Kept {
  return {
    store,
    async texts() {
      const keys = (await client.keys('SESSION:*')).filter((key) => !key.startsWith('SESSION:user:'))
      const texts = await Promise.all(keys.map((key) => client.get(key)))
      return keys.flatMap((key, i) => (texts[i] === null ? [] : [[key.slice(8), texts[i]!] as const]))
    },
    async clear() {
      await client.flushdb()
    }
  }
}

function memoryKept(): Kept {
  const store = new MemoryStore()
  return { store, texts: () => Promise.resolve([...store.entries()]), clear: () => store.close() }
}

describe('every interleaving on a MemoryStore', () => {
  const kept = memoryKept()
  const every = (scenario: Omit<Scenario<TwoUsers>, 'seed'>) =>
    everyOrder(kept, { seed: twoUsers, ...scenario })
  const many = async (scenario: Scenario<TwoUsers>) => {
    if (!isLong) return someOrders(kept, scenario, MANY)
    expect(await everyOrder(kept, scenario)).toBeGreaterThan(10)
  }

  test('a login while all sessions of its user are ended', () => many(loginWhileDestroying()))

  test('a second login from a session of the same user', async () => {
    let ended = 0
    let fresh: string | undefined
    const scenario: Scenario<TwoUsers> = {
      seed: twoUsers,
      programs: (world) => [
        async () => {
          fresh = undefined
          const login = world.site('login').login('U', world.seed.mine)
          await codeOf(login.then((id) => (fresh = must(id))))
        },
        async () => (ended = await world.site('ends').destroy('U'))
      ],
      async check(world) {
        const { ids } = await ofUser(world, 'U')
        expect(ids.filter((id) => id !== fresh)).toEqual([])
        expect(ended + ids.length).toBeGreaterThanOrEqual(1)
      }
    }
    await many(scenario)
  })

  test(
    'regenerate with keep: true while all sessions of its user are ended',
    async () => {
      await (isLong ? everyOrder : someOrders)(kept, moveWhileDestroying(1))
    },
    PATIENCE
  )

  test.each<[string, number, Keep]>([
    ['a chain of two with keep: true', 2, true],
    ['a chain of four with keep: true', 4, true],
    ['regenerate with a list of keys', 1, ['user']],
    ['a chain with a list of keys', 2, ['user']]
  ])(
    '%s while all sessions of its user are ended',
    (_how, moves, keep) => someOrders(kept, moveWhileDestroying(moves, keep)),
    600_000
  )

  describe.each(ENDS)('%s ends what is carried to another id', (_name, end) => {
    test.each<[string, number, Keep]>([
      ['regenerate with keep: true', 1, true],
      ['regenerate with a list of keys', 1, ['user']],
      ['a chain with keep: true', 3, true],
      ['a chain with a list of keys', 3, ['user']]
    ])('by %s', (_how, moves, keep) => someOrders(kept, moveWhileEnding(end, moves, keep)))
  })

  test('an end by handle ends what is carried with everything to other ids', () => {
    const end: End = async (site, { handle }) => expect(await site.destroy('U', { handle })).toBe(1)
    return someOrders(kept, moveWhileEnding(end, 2, true))
  })

  test('regenerate with keep: true while all others are ended: it stays, under one id', async () => {
    let ended = 0
    await every({
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
    await many({
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
    await every({
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
    await every({
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
    const count = await every({
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
    ['logs in', (site: Process) => site.login('U')],
    ['lists them', (site: Process) => site.list('U')]
  ])(
    'the index is repaired by one who %s, while a session comes back to its user',
    (_, other) =>
      many({
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
      }),
    120_000
  )

  test(
    'the index is repaired while a session in it moves',
    async () => {
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
    },
    PATIENCE
  )
})

describe('the rig finds', () => {
  const kept = memoryKept()
  const ending =
    (change: (store: Store) => Partial<Store>): Scenario<unknown>['broken'] =>
    (store, name) =>
      name === 'ends' ? { ...store, ...change(store) } : store

  test.each<[string, Scenario<unknown>['broken']]>([
    [
      'a login that does not look at the mark after its commit',
      (store) => ({ ...store, index: { ...store.index!, ended: () => Promise.resolve(null) } })
    ],
    [
      'an end that leaves no mark',
      ending(({ index }) => ({ index: { ...index!, end: (user) => index!.list(user) } }))
    ],
    [
      'a login that begins anew with each id',
      (store) => ({
        ...store,
        get: async (...args) =>
          (await store.get(...args))?.replace(/"since":\d+/, `"since":${2 ** 52}`) ?? null
      })
    ],
    [
      'a note that goes before its session does',
      (store) => ({
        ...store,
        async destroy(id, expected) {
          await store.index!.remove('U', { id })
          return store.destroy(id, expected)
        }
      })
    ]
  ])('%s', async (_name, broken) => {
    await expect(someOrders(kept, { ...moveWhileDestroying(2), broken }, TRIES)).rejects.toThrow('RACE_SEED')
  })

  test.each<[string, (store: Store) => Partial<Store>]>([
    [
      'a closed id that does not name its successor',
      ({ set }) => ({ set: (id, text, ...rest) => set(id, text.replace(/,"to":"[^"]*"/, ''), ...rest) })
    ],
    ['a logout that removes without comparing', ({ destroy }) => ({ destroy: (id) => destroy(id) })]
  ])('%s', async (_name, change) => {
    for (const [, end] of ENDS) {
      const scenario = moveWhileEnding(end, 1, ['user'])
      const broken: typeof scenario.broken = (store) => ({ ...store, ...change(store) })
      await expect(someOrders(kept, { ...scenario, broken }, TRIES)).rejects.toThrow('RACE_SEED')
    }
  })

  test('a session that is ended without a look at whose it is by then', async () => {
    const broken = ending(({ destroy }) => ({ destroy: (id) => destroy(id) }))
    await expect(everyOrder(kept, { ...changeWhileDestroying(), broken })).rejects.toThrow('')
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
            return Promise.resolve({ noted: 2 ** 52, oldest: [] })
          }
        }
      }
    }
    await expect(everyOrder(kept, { ...loginWhileDestroying(), broken })).rejects.toThrow('')
  })
})

describe('every interleaving on Redis', () => {
  const redis = openRedis()
  let kept: Kept
  beforeAll(() => void (kept = redisKept(redis)))

  test(
    'a login while all sessions of its user are ended',
    async () => {
      if (isLong) await everyOrder(kept, loginWhileDestroying())
      else await someOrders(kept, loginWhileDestroying(), 30)
    },
    isLong ? PATIENCE : 120_000
  )
})
