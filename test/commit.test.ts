import { request, type IncomingMessage } from 'node:http'
import type { Merge } from '../lib'
import { after, CountingStore, fails, sentTwice, takes } from './support/counting-store'
import { listen } from './support/events'
import { codeOf } from './support/outcome'
import { Site, type Bag, type Handler, type Visitor } from './support/site'

async function returning(
  data: Record<string, unknown> = { n: 1 },
  options: Parameters<typeof Site.open>[0] = {}
): Promise<{ site: Site; visitor: Visitor }> {
  const site = await Site.open(options)
  const visitor = site.visitor()
  await visitor.ask(async (s) => void Object.assign(await s.load(), data))
  site.store.forget()
  return { site, visitor }
}

/** What is stored, without what is ours. */
async function dataOf(site: Site, visitor: Visitor): Promise<unknown> {
  const { '@': _meta, ...data } = (await site.stored(visitor.id))!
  return data
}

/** The ways to commit a change. */
const WAYS: [string, (s: Bag, change: (s: Bag) => void) => unknown][] = [
  ['the end of the response', (s, change) => change(s)],
  [
    'save',
    (s, change) => {
      change(s)
      return s.save()
    }
  ],
  ['update', (s, change) => s.update((draft) => change(draft))]
]

describe('two requests of one session', () => {
  const cases: [string, Record<string, unknown>, (s: Bag) => void, (s: Bag) => void, unknown][] = [
    ['change different keys', { a: 1, b: 1 }, (s) => (s.a = 2), (s) => (s.b = 2), { a: 2, b: 2 }],
    ['add different keys', { n: 1 }, (s) => (s.a = 1), (s) => (s.b = 1), { n: 1, b: 1, a: 1 }],
    ['add and delete', { n: 1 }, (s) => (s.a = 1), (s) => delete s.n, { a: 1 }],
    ['delete and add', { n: 1 }, (s) => delete s.n, (s) => (s.b = 1), { b: 1 }],
    ['delete both', { a: 1, b: 1, n: 1 }, (s) => delete s.a, (s) => delete s.b, { n: 1 }],
    [
      'change different nested objects',
      { a: { x: 1 }, b: { x: 1 } },
      (s) => ((s.a as { x: number }).x = 2),
      (s) => ((s.b as { x: number }).x = 3),
      { a: { x: 2 }, b: { x: 3 } }
    ],
    [
      'change the same key: the later commit wins',
      { n: 1 },
      (s) => (s.n = 'mine'),
      (s) => (s.n = 'theirs'),
      { n: 'mine' }
    ],
    [
      'one changes what the other deletes',
      { n: 1, m: 1 },
      (s) => (s.n = 2),
      (s) => delete s.n,
      { m: 1, n: 2 }
    ],
    ['one deletes what the other changes', { n: 1, m: 1 }, (s) => delete s.n, (s) => (s.n = 2), { m: 1 }],
    [
      'change the data, and the cookie',
      { n: 1 },
      (s) => (s.n = 2),
      (s) => (s.cookie.sameSite = 'strict'),
      { n: 2, cookie: { sameSite: 'strict' } }
    ],
    [
      'change the cookie, and the data',
      { n: 1 },
      (s) => (s.cookie.sameSite = 'strict'),
      (s) => (s.n = 2),
      { n: 2, cookie: { sameSite: 'strict' } }
    ]
  ]

  it.each(WAYS.flatMap(([way, commit]) => cases.map((one) => [way, one[0], commit, one] as const)))(
    'by %s: %s',
    async (_way, _what, commit, [, data, mine, theirs, result]) => {
      const { site, visitor } = await returning(data)
      await visitor.ask(async (s) => {
        await visitor.clone().ask((other) => theirs(other))
        await commit(s, mine)
        return null
      })
      expect(await dataOf(site, visitor)).toEqual(result)
      // What the merge brought is no change of mine: nothing is written twice.
      expect(site.store.calls.filter(({ operation }) => operation === 'set')).toHaveLength(3)
    }
  )

  it('change the same nested object: it is one value, and only update sees both sides of it', async () => {
    for (const [way, commit] of WAYS) {
      const { site, visitor } = await returning({ o: { x: 1, y: 1 } })
      await visitor.ask(async (s) => {
        await visitor.clone().ask((other) => void ((other.o as { y: number }).y = 2))
        await commit(s, (mine) => ((mine.o as { x: number }).x = 2))
        return null
      })
      expect(await dataOf(site, visitor)).toEqual({ o: { x: 2, y: way === 'update' ? 2 : 1 } })
    }
  })

  it.each(['save', 'update'] as const)('see each other’s changes after %s', async (way) => {
    const { visitor } = await returning({ a: 1, o: { x: 1 }, gone: 1 })
    const seen = await visitor.ask(async (s) => {
      const { o } = s
      await visitor.clone().ask((other) => {
        other.b = 2
        delete other.gone
      })
      if (way === 'save') {
        s.mine = 1
        await s.save()
      } else {
        await s.update((draft) => void (draft.mine = 1))
      }
      return [{ ...s, cookie: 0 }, s.o === o]
    })
    expect(seen).toEqual([{ a: 1, o: { x: 1 }, b: 2, mine: 1, cookie: 0 }, true])
  })

  it('see the other’s cookie settings after save', async () => {
    const { visitor } = await returning()
    const sameSite = await visitor.ask(async (s) => {
      await visitor.clone().ask((other) => void (other.cookie.sameSite = 'strict'))
      s.n = 2
      await s.save()
      return s.cookie.sameSite
    })
    expect(sameSite).toBe('strict')
  })

  it('are merged by the rule of the application', async () => {
    const add: Merge = (base, mine, theirs) => ({ n: Number(mine.n) + Number(theirs.n) - Number(base.n) })
    const { site, visitor } = await returning({ n: 1 }, { merge: add })
    await visitor.ask(async (s) => {
      await visitor.clone().ask((other) => void (other.n = 11))
      s.n = 101
    })
    expect(await dataOf(site, visitor)).toEqual({ n: 111 })
  })

  it('fail with what the rule throws, or with what it cannot have made', async () => {
    for (const [merge, error] of [
      [() => ({ n: 1n }), 'ERR_SESSION_DATA'],
      [() => { throw new RangeError('no rule for this') }, 'RangeError'] // prettier-ignore
    ] as [Merge, string][]) {
      const { site, visitor } = await returning({ n: 1 }, { merge })
      const { status, text } = await visitor.visit(async (s) => {
        await visitor.clone().ask((other) => void (other.n = 2))
        s.n = 3
      })
      expect([status, JSON.parse(text)]).toEqual([500, { error }])
      expect(await dataOf(site, visitor)).toEqual({ n: 2 })
    }
  })

  it('do not undo each other, however many there are and however slow the store is', async () => {
    const { site, visitor } = await returning()
    site.store.always((ask) => new Promise((resolve) => setTimeout(() => resolve(ask()), Math.random() * 10)))
    const keys = Array.from({ length: 20 }, (_, i) => `key${i}`)
    await Promise.all(keys.map((key) => visitor.clone().ask((s) => void (s[key] = key))))
    expect(await dataOf(site, visitor)).toEqual({
      n: 1,
      ...Object.fromEntries(keys.map((key) => [key, key]))
    })
  })

  it('of two processes do not undo each other either', async () => {
    const store = new CountingStore()
    const sites = [await Site.open({ store, timeout: 20_000 }), await Site.open({ store, timeout: 20_000 })]
    const first = sites[0]!.visitor()
    await first.ask((s) => void (s.n = 1))
    store.always(takes(2))
    const keys = Array.from({ length: 20 }, (_, i) => `key${i}`)
    await Promise.all(keys.map((key, i) => sites[i % 2]!.visitor(first.cookie).ask((s) => void (s[key] = 1))))
    store.always(undefined)
    expect(Object.keys((await dataOf(sites[0]!, first)) as object).sort()).toEqual(['n', ...keys].sort())
  })
})

describe('a chain of conflicts', () => {
  it('is followed to its end, within the budget', async () => {
    const { site, visitor } = await returning()
    const heard = listen()
    // Another process is faster, time and again.
    const elsewhere = await Site.open({ store: new CountingStore(site.store.inner) })
    const other = elsewhere.visitor(visitor.cookie)
    let rounds = 0
    site.store.next(
      'set',
      ...Array(6).fill(after(() => other.ask((s) => void (s[`other${++rounds}`] = rounds))))
    )
    await visitor.ask((s) => void (s.n = 2))
    expect(rounds).toBe(6)
    expect(await dataOf(site, visitor)).toMatchObject({ n: 2, other1: 1, other6: 6 })
    expect(heard['holdfast:commit'].at(-1)).toMatchObject({ merged: true, attempts: 7 })
  })
})

describe('a write that the client sends again by itself', () => {
  it('is one write: at the end, by save, by update', async () => {
    const { site, visitor } = await returning({ n: 0 })
    for (let i = 0; i < 3; i++) {
      site.store.next('set', sentTwice)
      await visitor.ask(async (s) => {
        if (i === 0) s.n = Number(s.n) + 1
        if (i === 1) await s.update((draft) => (draft.n = Number(draft.n) + 1))
        if (i === 2) {
          s.n = Number(s.n) + 1
          await s.save()
        }
      })
      expect(await dataOf(site, visitor)).toEqual({ n: i + 1 })
    }
    expect(site.store.log).toBe('get set get set get set')
  })

  it('is one session, where it was the first', async () => {
    const site = await Site.open()
    site.store.next('set', sentTwice)
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.n = 1))
    expect(await visitor.ask((s) => s.n)).toBe(1)
    expect(site.store.inner).toHaveProperty('size', 1)
  })

  it('does not bring back an old state: A, B, A', async () => {
    const { site, visitor } = await returning({ n: 'A' })
    await visitor.ask(async (s) => {
      for (const n of ['B', 'A']) await visitor.clone().ask((other) => void (other.n = n))
      await visitor.clone().ask((other) => void (other.seen = true))
      s.mine = 1
    })
    expect(await dataOf(site, visitor)).toEqual({ n: 'A', seen: true, mine: 1 })
  })
})

describe('update', () => {
  const count: Handler = (s) => s.update((draft) => (draft.n = Number(draft.n ?? 0) + 1))

  it.each(['eager', 'lazy'] as const)('is exact for 100 at once, with about 100 writes: %s', async (load) => {
    const { site, visitor } = await returning({ n: 0 }, { load, timeout: 20_000 })
    const answers = await Promise.all(Array.from({ length: 100 }, () => visitor.clone().visit(count)))
    const numbers = answers.map(({ text }) => Number(text)).sort((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    const writes = site.store.calls.filter(({ operation }) => operation === 'set').length
    expect(writes).toBeGreaterThanOrEqual(100)
    expect(writes).toBeLessThanOrEqual(110)
    expect(await visitor.visit(count)).toMatchObject({ text: '101' })
  })

  it('is exact for 100 at once in one request', async () => {
    const { site, visitor } = await returning({ n: 0 })
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
    const { site, visitor } = await returning({ n: 1, o: 1 })
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
    const { site, visitor } = await returning({ n: 1 })
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

  it('commits nothing where the function throws, and keeps what was changed before', async () => {
    const { site, visitor } = await returning({ n: 1 })
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

  it('does not let the state out: changes to it afterwards change nothing', async () => {
    const { site, visitor } = await returning({ o: { x: 1 } })
    await visitor.ask(async (s) => {
      let kept: Bag | undefined
      await s.update((draft) => {
        kept = draft
        ;(draft.o as { x: number }).x = 2
      })
      ;(kept!.o as { x: number }).x = 3
      kept!.late = 1
    })
    expect(await dataOf(site, visitor)).toEqual({ o: { x: 2 } })
  })

  it('gives a state of its own: the request’s session changes only when all is stored', async () => {
    const { visitor } = await returning({ n: 1 })
    const seen = await visitor.ask((s) =>
      s.update((draft) => {
        draft.n = 2
        return [draft === s, s.n, draft.id === s.id, draft.handle === s.handle, draft.isNew]
      })
    )
    expect(seen).toEqual([false, 1, true, true, false])
  })

  it('does not lose what the handler changes on the session while it runs', async () => {
    const { site, visitor } = await returning({ n: 1 })
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
    const { site, visitor } = await returning({ n: 1 })
    const codes = await visitor.ask((s) =>
      s.update(async (draft) => {
        draft.n = 2
        return [await codeOf(call(draft)), await codeOf(call(s))]
      })
    )
    expect(codes).toEqual(['ERR_SESSION_DATA', 'ERR_SESSION_DATA'])
    expect(await dataOf(site, visitor)).toEqual({ n: 2 })
  })

  it('tells what to do instead', async () => {
    const { site, visitor } = await returning({ n: 1 })
    await visitor.visit((s) => s.update((draft) => draft.save()))
    expect(site.errors[0]?.message).toContain('call the method after update')
  })

  it('that is slow does not hold up other requests for ever', async () => {
    const { site, visitor } = await returning({ n: 0, slow: 0 }, { timeout: 100 })
    let end!: () => void
    const ended = new Promise<void>((resolve) => (end = resolve))
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
    const { site, visitor } = await returning({ n: 0 })
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
    const { site, visitor } = await returning({ n: 1 })
    const codes = await visitor.ask(async (s) => [
      await codeOf(s.update((draft) => void (draft.n = 1n))),
      await codeOf(s.update((draft) => delete (draft as Partial<Bag>).cookie)),
      await codeOf(s.update((draft) => void (draft.cookie.domain = 'a;b')))
    ])
    expect(codes).toEqual(Array(3).fill('ERR_SESSION_DATA'))
    expect(site.store.log).toBe('get')
  })
})

describe('what the handler changes while a commit is under way', () => {
  it('is committed by the next one', async () => {
    const { site, visitor } = await returning({ n: 1 })
    site.store.next('set', takes(20))
    await visitor.ask(async (s) => {
      s.n = 2
      const saving = s.save()
      s.m = 1
      s.n = 3
      await saving
    })
    expect(await dataOf(site, visitor)).toEqual({ n: 3, m: 1 })
  })

  it('is not lost to what others changed meanwhile', async () => {
    const { site, visitor } = await returning({ n: 1 })
    let meanwhile!: Bag
    site.store.next(
      'set',
      after(async () => {
        meanwhile.later = 1
        const other = await Site.open({ store: new CountingStore(site.store.inner) })
        await other.visitor(visitor.cookie).ask((s) => void (s.theirs = 1))
      })
    )
    await visitor.ask(async (s) => {
      meanwhile = s
      s.n = 2
      await s.save()
    })
    expect(await dataOf(site, visitor)).toEqual({ n: 2, theirs: 1, later: 1 })
  })
})

describe('the response', () => {
  it('begins when the store has answered, not before', async () => {
    const { site, visitor } = await returning()
    let stored = false
    site.store.next('set', async (ask) => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      const answer = await ask()
      stored = true
      return answer
    })
    const asked = request({
      host: '127.0.0.1',
      port: site.port,
      agent: false,
      headers: { cookie: `sid=${visitor.cookie}`, ...site.route((s, _req, res) => (s.n = 2, res.redirect('/next'))) } // prettier-ignore
    })
    const answered = new Promise<IncomingMessage>((resolve) => asked.once('response', resolve))
    asked.end()
    const response = await answered
    expect([stored, response.statusCode]).toEqual([true, 302])
    expect(await visitor.ask((s) => s.n)).toBe(2)
    response.resume()
  })

  it('of a first visit carries its cookie only when the session is stored', async () => {
    const site = await Site.open()
    site.store.next('set', takes(50))
    const visitor = site.visitor()
    await visitor.visit((s, _req, res) => {
      s.n = 1
      res.redirect('/next')
    })
    expect(await site.stored(visitor.id)).toMatchObject({ n: 1 })
  })
})
