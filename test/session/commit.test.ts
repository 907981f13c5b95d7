import { request, type IncomingMessage } from 'node:http'
import type { Merge } from '../../lib'
import { after, CountingStore, sentTwice, takes } from '../support/counting-store'
import { listen } from '../support/events'
import { dataOf, Site, type Bag, returning } from '../support/site'

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
      const { site, visitor } = await returning({}, data)
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
      const { site, visitor } = await returning({}, { o: { x: 1, y: 1 } })
      await visitor.ask(async (s) => {
        await visitor.clone().ask((other) => void ((other.o as { y: number }).y = 2))
        await commit(s, (mine) => ((mine.o as { x: number }).x = 2))
        return null
      })
      expect(await dataOf(site, visitor)).toEqual({ o: { x: 2, y: way === 'update' ? 2 : 1 } })
    }
  })

  it.each(['save', 'update'] as const)('see each other’s changes after %s', async (way) => {
    const { visitor } = await returning({}, { a: 1, o: { x: 1 }, gone: 1 })
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
    const { site, visitor } = await returning({ merge: add }, { n: 1 })
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
      const { site, visitor } = await returning({ merge }, { n: 1 })
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
    const { site, visitor } = await returning({}, { n: 0 })
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
    const { site, visitor } = await returning({}, { n: 'A' })
    await visitor.ask(async (s) => {
      for (const n of ['B', 'A']) await visitor.clone().ask((other) => void (other.n = n))
      await visitor.clone().ask((other) => void (other.seen = true))
      s.mine = 1
    })
    expect(await dataOf(site, visitor)).toEqual({ n: 'A', seen: true, mine: 1 })
  })
})

describe('what the handler changes while a commit is under way', () => {
  it('is committed by the next one', async () => {
    const { site, visitor } = await returning({}, { n: 1 })
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
    const { site, visitor } = await returning({}, { n: 1 })
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
