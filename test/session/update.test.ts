import real from 'express-session'
import { CountingStore, fails, takes } from '../support/counting-store'
import { gate } from '../support/gate'
import { codeOf } from '../support/outcome'
import { dataOf, Site, type Bag, type Handler, returning, until } from '../support/site'

describe('update', () => {
  const count: Handler = (s) => s.update((draft) => (draft.n = Number(draft.n ?? 0) + 1))

  it.each(['eager', 'lazy'] as const)('is exact for 100 at once, with about 100 writes: %s', async (load) => {
    const { site, visitor } = await returning({ load, timeout: 20_000 }, { n: 0 })
    const answers = await Promise.all(Array.from({ length: 100 }, () => visitor.clone().visit(count)))
    const numbers = answers.map(({ text }) => Number(text)).sort((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    const writes = site.store.calls.filter(({ operation }) => operation === 'set').length
    expect(writes).toBeGreaterThanOrEqual(100)
    expect(writes).toBeLessThanOrEqual(110)
    expect(await visitor.visit(count)).toMatchObject({ text: '101' })
  })

  it('is exact for 100 at once in one request', async () => {
    const { site, visitor } = await returning({}, { n: 0 })
    const numbers = await visitor.ask((s) =>
      Promise.all(Array.from({ length: 100 }, () => s.update((draft) => (draft.n = Number(draft.n) + 1))))
    )
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    expect(await dataOf(site, visitor)).toEqual({ n: 100 })
  })

  it('is exact across processes', async () => {
    const store = new CountingStore()
    const sites = await Promise.all([1, 2, 3].map(() => Site.open({ store, timeout: 30_000 })))
    const first = sites[0]!.visitor()
    await first.ask((s) => void (s.n = 0))
    store.always(takes(1))
    const answers = await Promise.all(
      Array.from({ length: 45 }, (_, i) => sites[i % 3]!.visitor(first.cookie).visit(count))
    )
    store.always(undefined)
    expect(new Set(answers.map(({ text }) => text)).size).toBe(45)
    expect(await dataOf(sites[0]!, first)).toEqual({ n: 45 })
  })

  it('sees the newest state with the unsaved changes in it, and the session is that state afterwards', async () => {
    const { site, visitor } = await returning({}, { n: 1, o: 1 })
    const seen = await visitor.ask(async (s) => {
      s.mine = 'unsaved'
      await visitor.clone().ask((other) => void (other.theirs = 1))
      const states: unknown[] = []
      await s.update((draft) => {
        states.push({ ...draft, cookie: 0 })
        draft.n = 2
      })
      return [states.at(-1), { ...s, cookie: 0 }]
    })
    expect(seen).toEqual([
      { n: 1, o: 1, theirs: 1, mine: 'unsaved', cookie: 0 },
      { n: 2, o: 1, theirs: 1, mine: 'unsaved', cookie: 0 }
    ])
    expect(await dataOf(site, visitor)).toEqual({ n: 2, o: 1, theirs: 1, mine: 'unsaved' })
  })

  it('runs again where another request was faster, and what it returns is from the last run', async () => {
    const { site, visitor } = await returning({}, { n: 1 })
    let runs = 0
    const elsewhere = await Site.open({ store: new CountingStore(site.store.inner) })
    const result = await elsewhere.visitor(visitor.cookie).ask((s) =>
      s.update(async (draft) => {
        if (++runs === 1) await visitor.clone().ask((other) => void (other.n = 100))
        return (draft.n = Number(draft.n) + 1)
      })
    )
    expect([runs, result]).toEqual([2, 101])
    expect(await dataOf(site, visitor)).toEqual({ n: 101 })
  })

  it.each([
    ['another process', (store: CountingStore) => ({ store: new CountingStore(store.inner) })],
    ['a request for which it waits', () => undefined]
  ])('gives up where %s is always faster, and says that nothing was written', async (_, make) => {
    const { site, visitor } = await returning({ timeout: 1000 }, { n: 0 })
    const options = make(site.store)
    const elsewhere = options ? await Site.open(options) : site
    const add: Handler = (s) => s.update((draft) => void (draft.n = Number(draft.n) + 1))
    let runs = 0
    const answer = await visitor.clone().visit((s) =>
      s.update(async (draft) => {
        runs++
        draft.mine = 1
        expect((await elsewhere.visitor(visitor.cookie).visit(add)).status).toBe(200)
      })
    )
    expect(answer.status).toBe(503)
    expect(site.errors.map(({ code }) => code)).toEqual(['ERR_SESSION_TIMEOUT'])
    expect(site.errors[0]!.message).toMatch(/^others changed the session .*: nothing was written$/)
    expect(runs).toBeGreaterThanOrEqual(5)
    expect(await dataOf(site, visitor)).toEqual({ n: runs })
  })

  it('gives up over a store with callbacks, too, if the session never stays as it was read', async () => {
    const store = new real.MemoryStore()
    const options = { store: () => store, timeout: 500 }
    const { site, visitor } = await returning(options, { n: 0 })
    const { id } = visitor
    const answer = await visitor.visit((s) =>
      s.update(async (draft) => {
        draft.mine = 1
        const theirs = await new Promise<object>((resolve) => store.get(id, (_, kept) => resolve(kept!)))
        const n = Number((theirs as Bag).n) + 1
        await new Promise((resolve) => store.set(id, { ...theirs, n } as never, resolve))
      })
    )
    expect(answer.status).toBe(503)
    expect(site.errors[0]!.message).toContain('nothing was written')
    expect(await visitor.ask((s) => s.mine ?? 'not stored')).toBe('not stored')
  })

  describe.each([
    ['a store of ours', () => new CountingStore()],
    ['a store with callbacks', () => new real.MemoryStore()]
  ])('whose function takes longer than the timeout, over %s', (_, make) => {
    /** Behind a write that is held, commits of three requests; the second one's function ends when the test says so. */
    async function together() {
      const store = make()
      const { visitor } = await returning({ store: () => store, timeout: 400 }, { n: 0 })
      const inside: { s: Bag; answer: (value: null) => void }[] = []
      const visits = Array.from({ length: 4 }, () =>
        visitor.clone().visit((s) => new Promise((answer) => inside.push({ s, answer })))
      )
      await until(() => inside.length === 4)
      const [front, before, slow, behind] = inside.map(({ s }) => s) as [Bag, Bag, Bag, Bag]
      const set = store.set.bind(store) as (...args: unknown[]) => unknown
      const { opened, open } = gate()
      const held = (...args: unknown[]) => {
        Object.assign(store, { set })
        return opened.then(() => set(...args))
      }
      Object.assign(store, { set: held })
      const { opened: ended, open: end } = gate()
      Object.assign(front, { front: 1 })
      const saved = [front.save()]
      await new Promise(setImmediate)
      Object.assign(before, { before: 1 })
      saved.push(before.save())
      const updated = codeOf(
        slow.update(async (draft) => {
          draft.n = Number(draft.n) + 1
          await ended
        })
      )
      Object.assign(behind, { behind: 1 })
      saved.push(behind.save())
      await new Promise(setImmediate)
      open()
      await Promise.all(saved)
      return {
        visitor,
        updated: () => {
          end()
          return updated
        },
        over: () => {
          for (const { answer } of inside) answer(null)
          return Promise.all(visits)
        }
      }
    }

    test('those that share its write are stored without it, and it is stored on top of them', async () => {
      const { visitor, updated, over } = await together()
      const seen = () => visitor.ask((s) => [s.n, s.before, s.behind])
      expect(await seen()).toEqual([0, 1, 1])
      expect(await updated()).toBe('done')
      expect(await seen()).toEqual([1, 1, 1])
      await over()
    })

    test('a logout does not wait for it, and is final', async () => {
      const { visitor, updated, over } = await together()
      expect((await visitor.visit((s) => s.destroy())).status).toBe(200)
      expect(await updated()).toBe('ERR_SESSION_GONE')
      await over()
    })
  })

  it('commits nothing where the function throws, and keeps what was changed before', async () => {
    const { site, visitor } = await returning({}, { n: 1 })
    for (const fail of [
      () => { throw new Error('mine') }, // prettier-ignore
      () => Promise.reject(new Error('mine'))
    ]) {
      const seen = await visitor.ask(async (s) => {
        s.before = 1
        const message = await s
          .update((draft) => {
            draft.n = 2
            draft.inside = 1
            return fail()
          })
          .catch((error: unknown) => (error as Error).message)
        return [message, s.n, s.inside ?? null]
      })
      expect(seen).toEqual(['mine', 1, null])
      expect(await dataOf(site, visitor)).toEqual({ n: 1, before: 1 })
    }
  })

  it('does not let the state out: a change to it afterwards fails the response', async () => {
    const { site, visitor } = await returning({}, { o: { x: 1 } })
    const { status } = await visitor.visit(async (s) => {
      let kept: Bag | undefined
      await s.update((draft) => {
        kept = draft
        ;(draft.o as { x: number }).x = 2
      })
      ;(kept!.o as { x: number }).x = 3
      kept!.late = 1
    })
    expect([status, site.errors[0]?.code]).toEqual([409, 'ERR_SESSION_GONE'])
    expect(await dataOf(site, visitor)).toEqual({ o: { x: 2 } })
  })

  it.each(['before', 'after'])(
    'throws nothing into what its function did not wait for, %s the end of the response',
    async (when) => {
      const { site, visitor } = await returning({}, { n: 1 })
      let look!: () => void
      let outcome!: Promise<unknown>
      const looked = new Promise<void>((resolve) => (look = resolve))
      const { status } = await visitor.visit(async (s) => {
        await s.update((draft) => {
          draft.n = 2
          outcome = looked.then(() => void (draft.late = 1))
        })
        if (when === 'after') return
        look()
        await outcome
      })
      look()
      await expect(outcome).resolves.toBeUndefined()
      expect(status).toBe(when === 'after' ? 200 : 409)
      expect(await dataOf(site, visitor)).toEqual({ n: 2 })
    }
  )

  it('gives a state of its own: the request’s session changes only when all is stored', async () => {
    const { visitor } = await returning({}, { n: 1 })
    const seen = await visitor.ask((s) =>
      s.update((draft) => {
        draft.n = 2
        return [draft === s, s.n, draft.id === s.id, draft.handle === s.handle, draft.isNew]
      })
    )
    expect(seen).toEqual([false, 1, true, true, false])
  })

  it('does not lose what the handler changes on the session while it runs', async () => {
    const { site, visitor } = await returning({}, { n: 1 })
    await visitor.ask(async (s) => {
      await s.update(async (draft) => {
        s.meanwhile = 1
        await new Promise(setImmediate)
        draft.n = 2
      })
    })
    expect(await dataOf(site, visitor)).toEqual({ n: 2, meanwhile: 1 })
  })

  it('changes the cookie, too', async () => {
    const { site, visitor } = await returning()
    const { setCookies } = await visitor.visit((s) =>
      s.update((draft) => void (draft.cookie.maxAge = 50_000))
    )
    expect(await dataOf(site, visitor)).toEqual({ n: 1, cookie: { originalMaxAge: 50_000 } })
    expect(setCookies).toEqual([expect.stringContaining('; Expires=')])
  })

  it('creates a session where there is none, and none where nothing is put into it', async () => {
    const site = await Site.open({ load: 'lazy' })
    const visitor = site.visitor()
    await visitor.visit((s) => s.update((draft) => draft.n ?? null))
    expect([visitor.hasCookie, site.store.log]).toEqual([false, ''])
    await visitor.visit(count)
    expect(await dataOf(site, visitor)).toEqual({ n: 1 })
  })

  it.each<[string, (s: Bag) => Promise<unknown>]>([
    ['save', (s) => s.save()],
    ['update', (s) => s.update(() => 1)],
    ['reload', (s) => s.reload()],
    ['regenerate', (s) => s.regenerate()],
    ['destroy', (s) => s.destroy()],
    ['touch', (s) => s.touch()]
  ])('refuses %s inside of the function, instead of waiting for ever', async (_name, call) => {
    const { site, visitor } = await returning({}, { n: 1 })
    const codes = await visitor.ask((s) =>
      s.update(async (draft) => {
        draft.n = 2
        return [await codeOf(call(draft)), await codeOf(call(s))]
      })
    )
    expect(codes).toEqual(['ERR_SESSION_DATA', 'ERR_SESSION_DATA'])
    expect(await dataOf(site, visitor)).toEqual({ n: 2 })
  })

  it.each<[string, (s: Bag) => Promise<unknown>, Record<string, unknown> | null]>([
    ['save', (s) => ((s.own = 1), s.save()), { n: 2, own: 1 }],
    ['another update', (s) => s.update((draft) => void (draft.own = draft.n)), { n: 2, own: 2 }],
    ['destroy', (s) => s.destroy(), null],
    ['regenerate', (s) => s.regenerate({ keep: ['n'] }), { n: 2 }]
  ])('that is slow makes %s of the same session wait, and no more', async (_name, call, stored) => {
    const { site, visitor } = await returning({}, { n: 1 })
    const { status } = await visitor.visit(async (s) => {
      let begun!: () => void
      let end!: () => void
      const began = new Promise<void>((resolve) => (begun = resolve))
      const ended = new Promise<void>((resolve) => (end = resolve))
      const slow = s.update(async (draft) => {
        draft.n = 2
        begun()
        await ended
      })
      await began
      const called = call(s)
      end()
      await Promise.all([slow, called])
    })
    const left = visitor.hasCookie ? await dataOf(site, visitor) : null
    expect([status, left]).toEqual([200, stored])
  })

  it('may leave something behind that calls the session later', async () => {
    const { site, visitor } = await returning({}, { n: 1 })
    const { status } = await visitor.visit(async (s) => {
      const { opened: ended, open: end } = gate()
      const later = await s.update((draft) => {
        draft.n = 2
        return { left: ended.then(() => s.update((next) => void (next.n = 3))) }
      })
      end()
      await later.left
    })
    expect([status, await dataOf(site, visitor)]).toEqual([200, { n: 3 }])
  })

  it('that never ends holds up other calls of its session for one timeout, and no longer', async () => {
    const { site, visitor } = await returning({ timeout: 100 }, { n: 1 })
    const codes = await visitor.ask(async (s) => {
      let end!: () => void
      const slow = s.update(() => new Promise<void>((resolve) => (end = resolve)))
      await new Promise((resolve) => setImmediate(resolve))
      const waited = [codeOf(s.save()), codeOf(s.update((draft) => void (draft.n = 2)))]
      const seen = await Promise.all(waited)
      end()
      await slow
      return seen
    })
    expect(codes).toEqual(['ERR_SESSION_TIMEOUT', 'ERR_SESSION_TIMEOUT'])
    expect(await dataOf(site, visitor)).toEqual({ n: 1 })
  })

  it('that waits for something is exact over a store with callbacks, however long a hundred take together', async () => {
    const store = new real.MemoryStore()
    const { visitor } = await returning({ store: () => store, timeout: 400 }, { n: 0 })
    let arrived = 0
    const answers = Array.from({ length: 100 }, () =>
      visitor.clone().visit(async (s) => {
        arrived++
        await until(() => arrived === 100)
        await s.update(async (draft) => {
          await new Promise((resolve) => setTimeout(resolve, 5))
          draft.n = Number(draft.n) + 1
        })
      })
    )
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]))
    expect(await visitor.ask((s) => s.n)).toBe(100)
  })

  it('that never ends holds up its session over a store with callbacks once, however many there are', async () => {
    const store = new real.MemoryStore()
    const { visitor } = await returning({ store: () => store }, { n: 1 })
    const { opened: ended, open: end } = gate()
    let begun = 0
    const stuck = Array.from({ length: 20 }, () =>
      visitor.clone().visit((s) => {
        begun++
        return s.update(() => ended)
      })
    )
    await until(() => begun === stuck.length)
    const read = await visitor.visit((s) => s.n)
    const logout = await visitor.visit((s) => s.destroy())
    expect([read.status, logout.status]).toEqual([200, 200])
    end()
    await Promise.all(stuck)
  })

  it('sees the newest state also where it changes nothing, and says so if that is gone', async () => {
    const { visitor } = await returning({ load: 'eager' }, { role: 'admin' })
    const seen = await visitor.ask(async (s) => {
      await visitor.clone().visit((other) => void (other.role = 'user'))
      const role = await s.update((draft) => draft.role)
      await visitor.clone().visit((other) => other.destroy())
      return [role, s.role, await codeOf(s.update((draft) => draft.role))]
    })
    expect(seen).toEqual(['user', 'user', 'ERR_SESSION_GONE'])
  })

  it('can change the cookie beside a change that is not stored yet', async () => {
    const { visitor } = await returning({}, { n: 1 })
    const { status } = await visitor.visit(async (s) => {
      s.cookie.sameSite = 'strict'
      s.cookie.maxAge = 1e6
      await s.update((draft) => {
        draft.n = 2
        draft.cookie.maxAge = 1e7
      })
    })
    expect(status).toBe(200)
    expect(await visitor.ask((s) => [s.n, s.cookie.sameSite, s.cookie.originalMaxAge])).toEqual([
      2,
      'strict',
      1e7
    ])
  })

  it('tells what to do instead', async () => {
    const { site, visitor } = await returning({}, { n: 1 })
    await visitor.visit((s) => s.update((draft) => draft.save()))
    expect(site.errors[0]?.message).toContain('inside the function given to update')
  })

  it('that is slow does not hold up other requests for ever', async () => {
    const { site, visitor } = await returning({ timeout: 100 }, { n: 0, slow: 0 })
    const { opened: ended, open: end } = gate()
    const slow = visitor.clone().visit((s) =>
      s.update(async (draft) => {
        draft.slow = 1
        await ended
      })
    )
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await visitor.visit(count)).toMatchObject({ status: 200, text: '1' })
    end()
    expect((await slow).status).toBe(200)
    expect(await dataOf(site, visitor)).toEqual({ n: 1, slow: 1 })
  })

  it('that fails in the store is not run again, and is told', async () => {
    const { site, visitor } = await returning({}, { n: 0 })
    site.store.next('set', fails)
    let runs = 0
    const code = await visitor.ask((s) => codeOf(s.update((draft) => (draft.n = ++runs))))
    expect([code, runs, await dataOf(site, visitor)]).toEqual(['ERR_SESSION_STORE', 1, { n: 0 }])
  })

  it('of a new session can be tried again after a lost answer', async () => {
    const site = await Site.open()
    site.store.next('set', async (ask) => {
      await ask()
      throw new Error('the connection broke')
    })
    const visitor = site.visitor()
    const seen = await visitor.ask(async (s) => {
      const code = await codeOf(s.update((draft) => void (draft.n = 1)))
      await s.update((draft) => void (draft.n = 2))
      return code
    })
    expect([seen, await dataOf(site, visitor)]).toEqual(['ERR_SESSION_STORE', { n: 2 }])
    expect(site.store.inner).toHaveProperty('size', 1)
  })

  it('puts what cannot be JSON before the handler, not into the store', async () => {
    const { site, visitor } = await returning({}, { n: 1 })
    const codes = await visitor.ask(async (s) => [
      await codeOf(s.update((draft) => void (draft.n = 1n))),
      await codeOf(s.update((draft) => delete (draft as Partial<Bag>).cookie)),
      await codeOf(s.update((draft) => void (draft.cookie.domain = 'a;b')))
    ])
    expect(codes).toEqual(Array(3).fill('ERR_SESSION_DATA'))
    expect(site.store.log).toBe('get')
  })
})
