import session, {
  MemoryStore,
  SessionError,
  type SessionInfo,
  type SessionOptions,
  type Sessions,
  type Store
} from '../../lib'
import { advance } from '../support/clock'
import { after, before, CountingStore, fails } from '../support/counting-store'
import { listen } from '../support/events'
import { codeOf } from '../support/outcome'
import { type Bag, secret, Site, type Visitor } from '../support/site'
import { onBothStores } from '../races/support/stores'

const user = (session: object): string | undefined => (session as Bag).userinfo as string | undefined
const MINUTE = 60_000

/** A site where people log in, and what another part of the application does with their sessions. */
async function open(store: Store, options: Partial<SessionOptions> = {}) {
  const own = { timeout: 20_000, user, ...options }
  const site = await Site.open({ ...own, store })
  const sessions = session({ secret, ...own, store })
  const login = async (userinfo: string, data: object = {}): Promise<Visitor> => {
    const visitor = site.visitor()
    await visitor.ask(async (s) => void Object.assign(await s.regenerate(), { userinfo, ...data }))
    return visitor
  }
  return { site, sessions, login }
}

const listOf = ({ data }: SessionInfo): number[] => (data as { list: number[] }).list
const handleOf = (visitor: Visitor): Promise<string> => visitor.ask((s) => s.handle)
const nameOf = (visitor: Visitor): Promise<unknown> => visitor.ask((s) => s.userinfo ?? null)

onBothStores((store) => {
  describe('list', () => {
    test("tells of all of a user's sessions, the newest first, and of nobody else's", async () => {
      const { sessions, login } = await open(store())
      const before = Date.now()
      const visitors = [
        await login('list', { device: 'one' }),
        await login('list', { device: 'two' }),
        await login('else')
      ]
      const handles = await Promise.all(visitors.map(handleOf))
      const found = await sessions.list('list')
      expect(found.map(({ handle, data }) => [handle, data])).toEqual([
        [handles[1], { userinfo: 'list', device: 'two' }],
        [handles[0], { userinfo: 'list', device: 'one' }]
      ])
      for (const { createdAt, lastSeenAt, expiresAt } of found) {
        expect(createdAt.getTime()).toBeGreaterThanOrEqual(before)
        expect(lastSeenAt.getTime()).toBeGreaterThanOrEqual(createdAt.getTime())
        expect(lastSeenAt.getTime()).toBeLessThanOrEqual(Date.now())
        expect(expiresAt.getTime()).toBeGreaterThan(Date.now() + 23 * 60 * MINUTE)
      }
      for (const former of ['created', 'lastSeen', 'expires']) {
        expect(() => found[0]![former as never] as unknown).toThrow(/At now$/)
      }
      expect(JSON.stringify(found)).not.toContain(visitors[0]!.id)
      expect(await sessions.list('nobody')).toEqual([])
    })

    test('gives copies, and renews nothing', async () => {
      const { sessions, login, site } = await open(store())
      const visitor = await login('copies', { list: [1] })
      const [first] = await sessions.list('copies')
      listOf(first!).push(2)
      const life = await store().life!(visitor.id)
      await sessions.list('copies')
      expect(listOf((await sessions.list('copies'))[0]!)).toEqual([1])
      expect(await store().life!(visitor.id)).toBeLessThanOrEqual(life!)
      expect(await site.stored(visitor.id)).toMatchObject({ list: [1] })
    })

    test('of a session with a life of its own, tells when that was used', async () => {
      const { sessions, login } = await open(store())
      const visitor = await login('own')
      await visitor.ask((s) => void (s.cookie.maxAge = 5 * MINUTE))
      const [info] = await sessions.list('own')
      expect(info!.lastSeenAt.getTime()).toBeGreaterThanOrEqual(info!.createdAt.getTime())
      expect(Date.now() - info!.lastSeenAt.getTime()).toBeLessThan(30_000)
      expect(info!.expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(5 * MINUTE)
    })
  })

  describe('destroy', () => {
    test("ends all of a user's sessions, and nobody else's", async () => {
      const { sessions, login } = await open(store())
      const mine = [await login('all'), await login('all'), await login('all')]
      const other = await login('other')
      expect(await sessions.destroy('all')).toBe(3)
      for (const visitor of mine) expect(await nameOf(visitor)).toBeNull()
      expect(await nameOf(other)).toBe('other')
      expect(await sessions.list('all')).toEqual([])
      expect(await sessions.destroy('all')).toBe(0)
    })

    test.each(['eager', 'lazy'] as const)(
      'ends all of the user’s if it is given one of them, and a session of nobody alone, %s',
      async (load) => {
        const { site, sessions, login } = await open(store(), { load })
        const [here, there] = [await login(`given ${load}`), await login(`given ${load}`)]
        const [nobody, other] = [site.visitor(), site.visitor()]
        for (const one of [nobody, other]) await one.ask(async (s) => void ((await s.load()).cart = ['tea']))
        const cartOf = (visitor: Visitor) => visitor.ask(async (s) => (await s.load()).cart ?? null)
        expect(await nobody.ask((s) => sessions.destroy(s, { others: true }))).toBe(0)
        expect(await cartOf(nobody)).toEqual(['tea'])
        expect(await nobody.ask((s) => sessions.destroy(s))).toBe(1)
        expect([await cartOf(nobody), await cartOf(other)]).toEqual([null, ['tea']])
        expect(await here.ask((s) => sessions.destroy(s))).toBe(2)
        const names = [here, there].map((visitor) =>
          visitor.ask(async (s) => (await s.load()).userinfo ?? null)
        )
        expect(await Promise.all(names)).toEqual([null, null])
      }
    )

    test('a session that it is given before it was ever stored is not stored', async () => {
      const { site, sessions } = await open(store())
      const visitor = site.visitor()
      const { setCookies, status } = await visitor.visit(async (s) => {
        s.cart = ['tea']
        await sessions.destroy(s)
      })
      expect([status, setCookies, await visitor.ask((s) => s.cart ?? null)]).toEqual([200, [], null])
    })

    test('ends the session that it is given although it is stored without its user, or is getting another id', async () => {
      const before = await open(store(), { user: undefined })
      const [old, moving] = [await before.login('old'), await before.login('moving')]
      const { site, sessions } = await open(store())
      const ended = await site.visitor(old.cookie).ask((s) => sessions.destroy(s))
      const moved = await site.visitor(moving.cookie).visit(async (s) => {
        await sessions.destroy(await s.regenerate({ keep: true }))
      })
      expect([ended, moved.status]).toEqual([1, 409])
      expect([await nameOf(old), await nameOf(moving)]).toEqual([null, null])
    })

    test('ends one, by its handle', async () => {
      const { sessions, login } = await open(store())
      const [one, two] = [await login('one'), await login('one')]
      const handle = await handleOf(one)
      expect(await sessions.destroy('else', { handle })).toBe(0)
      expect(await sessions.destroy('one', { handle })).toBe(1)
      expect([await nameOf(one), await nameOf(two)]).toEqual([null, 'one'])
    })

    test.each(['eager', 'lazy'] as const)('ends all but the one that asks, %s', async (load) => {
      const { sessions, login } = await open(store(), { load })
      const [here, there] = [await login(load), await login(load)]
      const count = await here.ask((s) => sessions.destroy(load, { except: s }))
      expect(count).toBe(1)
      const names = [here, there].map((visitor) =>
        visitor.ask(async (s) => (await s.load()).userinfo ?? null)
      )
      expect(await Promise.all(names)).toEqual([load, null])
    })

    test('spares a session that is getting another id in the same request', async () => {
      const { sessions, login, site } = await open(store())
      const [here, there] = [await login('moving'), await login('moving')]
      const old = here.id
      await here.ask(async (s) => {
        const moved = await s.regenerate({ keep: true })
        return sessions.destroy('moving', { except: moved })
      })
      expect([await nameOf(here), await nameOf(there)]).toEqual(['moving', null])
      expect(await site.store.inner.get(old)).toContain('"moved":true')
    })

    test('of a user who changed their name in the session, ends what is under the new one', async () => {
      const { sessions, login } = await open(store())
      const visitor = await login('before')
      await visitor.ask((s) => void (s.userinfo = 'after'))
      expect(await sessions.destroy('before')).toBe(0)
      expect((await sessions.list('after')).length).toBe(1)
      expect(await sessions.destroy('after')).toBe(1)
      expect(await nameOf(visitor)).toBeNull()
    })

    test('finds what update and save made somebody’s, and what was merged', async () => {
      const { sessions, site } = await open(store())
      const visitor = site.visitor()
      await visitor.ask((s) => void (s.a = 1))
      await visitor.ask((s) => s.update((draft) => void (draft.userinfo = 'update')))
      expect((await sessions.list('update')).length).toBe(1)
      // One request logs in while another one, which read before, changes something else.
      await visitor.ask(async (s) => {
        await visitor.clone().ask((other) => void (other.userinfo = 'merged'))
        s.b = 1
        await s.save()
      })
      expect((await sessions.list('merged')).map(({ data }) => data)).toEqual([
        { a: 1, b: 1, userinfo: 'merged' }
      ])
      await visitor.ask((s) => delete s.userinfo)
      expect(await sessions.destroy('merged')).toBe(0)
      expect(await visitor.ask((s) => s.b)).toBe(1)
    })
  })

  describe.each<[string, Partial<SessionOptions>, Partial<SessionOptions>]>([
    ['another codec', { codec: codec('v1') }, { codec: codec('v2') }],
    ['more bytes', { limits: { bytes: 1000 } }, {}],
    ['more depth', { limits: { depth: 5 } }, {}]
  ])('in a process that cannot read a session, which has %s', (name, here, there) => {
    const data = { big: 'x'.repeat(5000), deep: JSON.parse('['.repeat(20) + ']'.repeat(20)) as unknown }

    test('destroy ends it, with all of the user’s or by its handle', async () => {
      const { login } = await open(store(), there)
      const sessions = session({ secret, user, store: store(), timeout: 20_000, ...here })
      const mine = [await login(name, data), await login(name, data), await login(name)]
      const handle = await handleOf(mine[0]!)
      const other = await login('else', data)
      expect(await sessions.destroy('else', { handle })).toBe(0)
      expect(await sessions.destroy(name, { handle })).toBe(1)
      expect(await sessions.destroy(name)).toBe(2)
      expect(await Promise.all(mine.map(nameOf))).toEqual([null, null, null])
      expect(await nameOf(other)).toBe('else')
    })

    test('list tells of it, without data', async () => {
      const { login } = await open(store(), there)
      const sessions = session({ secret, user, store: store(), timeout: 20_000, ...here })
      const visitor = await login(name, data)
      const [found] = await sessions.list(name)
      expect(found).toMatchObject({ handle: await handleOf(visitor), data: {} })
    })

    test('its own logout ends it', async () => {
      const { login } = await open(store(), there)
      const { site } = await open(store(), here)
      const visitor = await login(name, data)
      await site.visitor(visitor.cookie).ask((s) => s.destroy())
      expect(await nameOf(visitor)).toBeNull()
    })
  })

  test('destroy spares the session that asks, whatever another process has stored in it since', async () => {
    const { login } = await open(store())
    const { sessions } = await open(store(), { limits: { bytes: 1000 } })
    const [asking, other] = [await login('spared'), await login('spared')]
    const own = await sessions.open({ headers: { cookie: `sid=${asking.cookie}` } })
    for (const visitor of [asking, other]) await visitor.ask((s) => void (s.big = 'x'.repeat(5000)))
    expect(await sessions.destroy('spared', { except: own! })).toBe(1)
    expect([await nameOf(asking), await nameOf(other)]).toEqual(['spared', null])
  })

  test('what no process of this version can read makes destroy and list reject, and stays', async () => {
    const { sessions, login } = await open(store())
    const [first, second] = [await login('foreign'), await login('foreign')]
    await store().set(first.id, '{"@":{"v":2}}', MINUTE, await store().get(first.id))
    await expect(sessions.list('foreign')).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    await expect(sessions.destroy('foreign')).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    expect(await store().get(first.id)).toBe('{"@":{"v":2}}')
    expect(await nameOf(second)).toBeNull()
    const handle = await handleOf(await login('foreign'))
    await expect(sessions.destroy('foreign', { handle })).rejects.toBeInstanceOf(SessionError)
  })
})

/** A form that begins with its version, and is refused by programs with another one. */
function codec(version: string): NonNullable<SessionOptions['codec']> {
  return {
    encode: (data) => version + JSON.stringify(data),
    decode: (text) => {
      if (!text.startsWith(version)) throw new Error('unknown version')
      return JSON.parse(text.slice(version.length)) as Record<string, unknown>
    }
  }
}

describe('times', () => {
  test('tell when a session began, was used, and would end', async () => {
    const store = new MemoryStore()
    const { sessions, login } = await open(store, { idleTimeout: 60 * MINUTE, lifetime: 90 * MINUTE })
    const visitor = await login('times')
    const began = Date.now()
    const near = (date: Date) => Math.abs(Math.round((date.getTime() - began) / MINUTE))
    const seen = async () => {
      const infos = await sessions.list('times')
      return infos.map(({ createdAt, lastSeenAt, expiresAt }) => [createdAt, lastSeenAt, expiresAt].map(near))
    }
    expect(await seen()).toEqual([[0, 0, 60]])
    advance(20 * MINUTE)
    expect(await seen()).toEqual([[0, 0, 60]])
    await visitor.ask(() => null)
    advance(10 * MINUTE)
    expect(await seen()).toEqual([[0, 20, 80]])
    advance(30 * MINUTE)
    await visitor.ask(() => null)
    expect(await seen()).toEqual([[0, 60, 90]])
    advance(31 * MINUTE)
    // It is still stored, and past its lifetime.
    expect(await store.get(visitor.id)).not.toBeNull()
    expect(await seen()).toEqual([])
  })
})

describe('what a commit costs', () => {
  test('two commands more where a session becomes a user’s, none otherwise', async () => {
    const real = new MemoryStore()
    const store = Object.assign(new CountingStore(real), {
      index: new Proxy(real.index, {
        get: (index, name: 'add') => {
          const method = index[name] as unknown
          if (typeof method !== 'function') return method
          return (...args: unknown[]) => {
            store.calls.push({ operation: `index.${name}` as 'get', id: '', ttl: undefined })
            return (method as (...args: unknown[]) => unknown).apply(index, args)
          }
        }
      })
    })
    const { site, login } = await open(store)
    const visitor = await login('cost')
    expect(store.log).toBe('index.add set index.ended')
    store.forget()
    await visitor.ask((s) => s.userinfo)
    await visitor.ask((s) => void (s.a = 1))
    await visitor.ask((s) => s.update((draft) => void (draft.b = 1)))
    expect(store.log).toBe('get get set get set')
    store.forget()
    await visitor.ask((s) => delete s.userinfo)
    expect(store.log).toBe('get set')
    store.forget()
    await visitor.ask((s) => s.regenerate({ keep: true }).then(() => null))
    expect(store.log).toBe('get set set')
    await site.stop()
  })
})

describe('a store that fails', () => {
  test('in between ends all others, and then says so', async () => {
    const store = new CountingStore()
    const { sessions, login } = await open(store)
    const visitors = [await login('fails'), await login('fails'), await login('fails')]
    const { 'holdfast:error': heard } = listen()
    store.next('get', fails)
    await expect(sessions.destroy('fails')).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    expect(heard.map(({ operation }) => operation)).toEqual(['commit'])
    const names = await Promise.all(visitors.map(nameOf))
    expect(names.filter((name) => name === null).length).toBe(2)
    expect(await sessions.destroy('fails')).toBe(1)
  })

  test.each(['eager', 'lazy'] as const)(
    'at the read of the session that asks, %s, ends and lists nothing, and says so',
    async (load) => {
      const store = new CountingStore()
      const { site, sessions, login } = await open(store, { whenUnreadable: 'anonymous', load })
      const [here, there] = [await login('unread'), await login('unread')]
      const calls: ((s: Bag) => Promise<unknown>)[] = [
        (s) => sessions.destroy(s),
        (s) => sessions.destroy(s, { others: true }),
        (s) => sessions.destroy('unread', { except: s }),
        (s) => sessions.list(s)
      ]
      for (const call of calls) {
        store.next('get', fails)
        expect((await here.visit(call)).status).toBe(503)
      }
      expect(site.errors.map(({ code }) => code)).toEqual(Array(4).fill('ERR_SESSION_STORE'))
      const name = (visitor: Visitor) => visitor.ask(async (s) => (await s.load()).userinfo)
      expect([await name(here), await name(there)]).toEqual(['unread', 'unread'])
    }
  )

  test('at the index fails the login, and nothing is stored', async () => {
    const real = new MemoryStore()
    const down = () => Promise.reject(new Error('down'))
    const broken = Object.assign(real.index, { add: down, list: down, end: down })
    const store = Object.assign(new CountingStore(real), { index: broken })
    const { site, sessions } = await open(store)
    const answer = await site.visitor().visit((s) => void (s.userinfo = 'nobody'))
    expect([answer.status, answer.setCookies]).toEqual([503, []])
    expect(real.size).toBe(0)
    await expect(sessions.list('nobody')).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    await expect(sessions.destroy('nobody')).rejects.toBeInstanceOf(SessionError)
  })
})

describe('wrong use', () => {
  const refused = { code: 'ERR_SESSION_OPTIONS' }
  const sessions = (options: Partial<SessionOptions>): Sessions => session({ secret, ...options })

  test('without the option user there is nothing to list', async () => {
    const without = sessions({})
    for (const call of [without.list('a'), without.destroy('a')]) {
      await expect(call).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining('user') as string
      })
    }
  })

  test('a store without an index is an error at start', () => {
    const real = new MemoryStore()
    const store: Store = {
      contract: 1,
      get: (id) => real.get(id),
      set: (...args) => real.set(...args),
      touch: (id, ttl) => real.touch(id, ttl),
      destroy: (id) => real.destroy(id)
    }
    expect(() => sessions({ user, store })).toThrow(expect.objectContaining(refused))
    expect(() => sessions({ user, store: new session.CookieStore() })).toThrow(
      expect.objectContaining(refused)
    )
  })

  test('where each request chooses its store, there is none to ask', async () => {
    const store = new MemoryStore()
    await expect(sessions({ user, store: () => store }).list('a')).rejects.toMatchObject(refused)
  })

  test.each(['', undefined, null, 7, 'half \ud800'])('%p is no user', async (name) => {
    await expect(sessions({ user }).list(name as string)).rejects.toMatchObject(refused)
    await expect(sessions({ user }).destroy(name as string)).rejects.toMatchObject(refused)
  })

  test.each([null, {}, { handle: undefined }, { except: undefined }, { except: {} }, 'all'])(
    '%p ends nothing, and certainly not everything',
    async (which) => {
      const { sessions, login } = await open(new MemoryStore())
      const visitor = await login('safe')
      await expect(sessions.destroy('safe', which as never)).rejects.toMatchObject(refused)
      expect(await nameOf(visitor)).toBe('safe')
    }
  )

  test('the error says what destroy takes, where it got a handle alone', async () => {
    const destroyed = sessions({ user }).destroy('a', 'b' as never)
    await expect(destroyed).rejects.toMatchObject({
      message: expect.stringMatching(/^destroy takes \{ handle/)
    })
  })

  test('the error says that the handle is missing, which a form may have left out', async () => {
    await expect(sessions({ user }).destroy('a', { handle: undefined as never })).rejects.toMatchObject({
      message: 'handle must be a string, and it is undefined: nothing was ended'
    })
  })

  test.each([
    [7, 'ERR_SESSION_OPTIONS'],
    [{}, 'ERR_SESSION_OPTIONS'],
    [Promise.reject(new Error('late')), 'ERR_SESSION_OPTIONS'],
    ['half \ud800', 'ERR_SESSION_DATA']
  ])('a function that says %p fails the commit', async (said, code) => {
    const { site } = await open(new MemoryStore(), { user: () => said as string })
    expect(await site.visitor().ask((s) => codeOf(Object.assign(s, { a: 1 }).save()))).toBe(code)
  })

  test.each(['', null, undefined])('%p is nobody', async (said) => {
    const { site } = await open(new MemoryStore(), { user: () => said })
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.a = 1))
    expect(await site.stored(visitor.id)).not.toHaveProperty('@.user')
  })

  test('the function cannot change what is stored, nor call its methods', async () => {
    const seen: unknown[] = []
    const { site } = await open(new MemoryStore(), {
      user: (s) => {
        Object.assign(s, { sneaked: 1 })
        seen.push([s.isNew, typeof s.handle])
        void s.save().catch((error: unknown) => seen.push((error as SessionError).code))
        return 'a'
      }
    })
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.a = 1))
    expect(await site.stored(visitor.id)).toMatchObject({ a: 1, '@': { user: 'a' } })
    expect(await site.stored(visitor.id)).not.toHaveProperty('sneaked')
    expect(seen).toEqual([[true, 'string'], 'ERR_SESSION_DATA'])
  })
})

test('a program without the option leaves whose a session is as it stands', async () => {
  const store = new MemoryStore()
  const { sessions, login } = await open(store)
  const visitor = await login('kept')
  const other = await Site.open({ store })
  const same = other.visitor(visitor.cookie)
  await same.ask((s) => void (s.b = 1))
  expect((await sessions.list('kept')).map(({ data }) => data)).toEqual([{ userinfo: 'kept', b: 1 }])
})

test('a session that a process without the option user moves stays its user’s', async () => {
  const store = new CountingStore()
  const one = await Site.open({ store, user: (s) => (s as { u?: string }).u })
  const other = await Site.open({ store })
  const visitor = one.visitor()
  await visitor.ask((s) => void Object.assign(s, { u: 'ann' }))
  const mover = other.visitor(visitor.cookie)
  await mover.ask(async (s) => await s.regenerate({ keep: true }).then(() => undefined))
  const sessions = session({ secret, store, user: () => 'x' })
  expect(await sessions.destroy('ann')).toBe(1)
  expect(await store.inner.get(mover.id)).toBeNull()
})

test('list shows a session that moves to another id, and to the next one, while it is asked for', async () => {
  const store = new MemoryStore()
  const { site, login } = await open(store)
  const visitor = await login('moving', { n: 1 })
  const handle = await handleOf(visitor)
  const asked = new CountingStore(store)
  const move = () => visitor.ask((s) => s.regenerate({ keep: true }).then(() => null))
  asked.next('get', after(move), (ask) => ask(), before(move))
  const found = await session({ secret, user, store: asked }).list('moving')
  expect(found).toMatchObject([{ handle, data: { userinfo: 'moving', n: 1 } }])
  expect(await nameOf(visitor)).toBe('moving')
  await site.stop()
})
