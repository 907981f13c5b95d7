import { fails, takes } from '../support/counting-store'
import { listen } from '../support/events'
import { codeOf } from '../support/outcome'
import { returning, Site, type Bag } from '../support/site'

const KEPT = { n: 1 }

/** A visitor whose next write, or removal, fails. */
async function returningToFault(operation: 'set' | 'destroy' = 'set') {
  const opened = await returning()
  opened.site.store.next(operation, fails)
  return opened
}

describe('a failure that its caller heard of', () => {
  it.each<[string, (s: Bag) => unknown]>([
    ['awaited', (s) => codeOf(s.save())],
    ['then', (s) => s.save().then(null, () => undefined)],
    ['a callback', (s) => new Promise((resolve) => s.save(resolve))]
  ])('is the caller’s business: %s', async (_how, save) => {
    const { site, visitor } = await returningToFault()
    const { status, setCookies } = await visitor.visit(async (s) => {
      s.n = 2
      await save(s)
      return 'sorry'
    })
    expect([status, setCookies]).toEqual([200, []])
    expect(site.store.log).toBe('get set')
    expect(await site.stored(visitor.id)).toMatchObject(KEPT)
  })

  it('does not keep a later change from being committed', async () => {
    const { site, visitor } = await returningToFault()
    await visitor.ask(async (s) => {
      s.n = 2
      await codeOf(s.save())
      s.m = 1
    })
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2, m: 1 })
  })

  it('can be tried again by the handler', async () => {
    const { site, visitor } = await returningToFault()
    await visitor.ask(async (s) => {
      s.n = 2
      await codeOf(s.save())
      await s.save()
    })
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2 })
    expect(site.store.log).toBe('get set set')
  })

  it('goes to the error handler where the handler passes it on', async () => {
    const { site, visitor } = await returningToFault()
    const { status, text } = await visitor.visit((s) => s.update((draft) => void (draft.n = 2)))
    expect([status, text]).toEqual([503, '{"error":"ERR_SESSION_STORE"}'])
    expect(site.errors).toHaveLength(1)
    expect(site.store.log).toBe('get set')
  })

  it('a destroy that failed leaves the session', async () => {
    const { visitor } = await returningToFault('destroy')
    const seen = await visitor.ask(async (s, req) => [
      await codeOf(s.destroy()),
      (req.session as unknown as Bag).n
    ])
    expect(seen).toEqual(['ERR_SESSION_STORE', 1])
    expect([visitor.hasCookie, await visitor.ask((s) => s.n)]).toEqual([true, 1])
  })
})

test('a change before an update that the store refused is stored with the response', async () => {
  const { visitor } = await returningToFault()
  const { status, text } = await visitor.visit(async (s) => {
    s.n = 2
    return codeOf(s.update((draft) => void (draft.m = 2)))
  })
  expect([status, text]).toEqual([200, expect.stringContaining('ERR_SESSION_STORE')])
  expect(await visitor.ask((s) => [s.n, s.m ?? null])).toEqual([2, null])
})

describe('a failure that nobody heard of', () => {
  const calls: [string, (s: Bag) => unknown, 'set' | 'destroy'][] = [
    ['save', (s) => s.save(), 'set'],
    ['update', (s) => s.update((draft) => void (draft.n = 2)), 'set'],
    ['destroy', (s) => s.destroy(), 'destroy']
  ]

  it.each(calls)('fails the response: %s', async (_name, call, operation) => {
    const { visitor } = await returningToFault(operation)
    const { status, setCookies } = await visitor.visit((s) => {
      s.n = 2
      void call(s)
      return 'saved'
    })
    expect([status, setCookies]).toEqual([503, []])
  })

  it.each(calls)('long before the response: %s', async (_name, call, operation) => {
    const { visitor } = await returningToFault(operation)
    const { status, setCookies } = await visitor.visit(async (s) => {
      s.n = 2
      void call(s)
      await new Promise((resolve) => setTimeout(resolve, 20))
      return 'saved'
    })
    expect([status, setCookies]).toEqual([503, []])
  })

  it.each(calls)(
    'before the response was ended, where %s is awaited too late',
    async (_name, call, operation) => {
      const { site, visitor } = await returning()
      site.store.next(operation, async (ask, by) => {
        await takes(20)(ask, by)
        throw new Error('down')
      })
      const { status } = await visitor.visit(async (s, _req, res) => {
        s.n = 2
        const pending = call(s) as Promise<unknown>
        res.end('saved')
        await pending.catch(() => undefined)
      })
      expect(status).toBe(503)
    }
  )

  it('before the response was ended, where the callback comes too late', async () => {
    const { visitor } = await returningToFault()
    const heard = jest.fn()
    const { status } = await visitor.visit((s, _req, res) => {
      s.n = 2
      s.save(heard)
      res.end('saved')
    })
    expect(status).toBe(503)
    expect(heard).toHaveBeenCalledWith(expect.objectContaining({ code: 'ERR_SESSION_STORE' }))
  })

  it('is forgotten where a later save succeeded', async () => {
    const { site, visitor } = await returningToFault()
    const { status } = await visitor.visit(async (s) => {
      s.n = 2
      void s.save()
      await s.save()
    })
    expect(status).toBe(200)
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2 })
  })

  it.each<[string, (s: Bag, answer: () => void) => void, 'set' | 'destroy']>([
    ['save', (s, answer) => s.save(answer), 'set'],
    ['update', (s, answer) => s.update((draft) => void (draft.n = 2), answer), 'set'],
    ['regenerate', (s, answer) => s.regenerate(answer), 'destroy'],
    ['destroy', (s, answer) => s.destroy(answer), 'destroy']
  ])('is that of %s whose callback takes no parameter', async (_call, call, operation) => {
    const { site, visitor } = await returningToFault(operation)
    site.store.always(fails, 'set', 'destroy')
    const { status } = await visitor.visit(async (s) => {
      s.n = 2
      await new Promise<void>((answered) => call(s, () => answered()))
      return 'goodbye'
    })
    expect(status).toBe(503)
  })

  it('is not forgotten for a session that regenerate replaced', async () => {
    const { visitor } = await returning()
    const { status } = await visitor.visit(async (s, req) => {
      const next = s.regenerate()
      s.n = 2
      void s.save()
      await next
      await req.session.save()
    })
    expect(status).toBe(409)
  })

  it.each<[string, (s: Bag) => unknown, 'set' | 'destroy']>([
    ['update', (s) => s.update((draft) => void (draft.n = 2)), 'set'],
    ['destroy', (s) => s.destroy(), 'destroy']
  ])(
    'is not forgotten where what a later save stores makes no good of it: %s',
    async (_, call, operation) => {
      const { site, visitor } = await returningToFault(operation)
      const { status } = await visitor.visit(async (s) => {
        void call(s)
        await s.touch().catch(() => undefined)
        s.m = 1
        await s.save()
      })
      expect(status).toBe(503)
      expect(await site.stored(visitor.id)).toMatchObject({ n: 1, m: 1 })
    }
  )

  it('is not forgotten where a reload takes the changes that nobody knew were lost', async () => {
    const { site, visitor } = await returningToFault()
    const { status } = await visitor.visit(async (s) => {
      s.n = 2
      void s.save()
      await s.reload()
    })
    expect(status).toBe(503)
    expect(await site.stored(visitor.id)).toMatchObject(KEPT)
  })
})

describe('a change of the promise where the session was meant', () => {
  it.each<[string, (s: Bag) => unknown]>([
    ['regenerate', (s) => s.regenerate()],
    ['reload', (s) => s.reload()]
  ])('fails the response, and names the remedy: %s', async (call, begin) => {
    const { site, visitor } = await returning()
    const { status } = await visitor.visit((s) => {
      const promise = begin(s) as { user?: string }
      promise.user = 'ann'
      return 'welcome'
    })
    expect(status).toBe(500)
    expect(site.errors[0]).toMatchObject({
      message: `user was set on the promise that ${call}() returned, and nothing stores it: await the call, and write to req.session`
    })
  })

  it('is told to who awaits the promise later', async () => {
    const { visitor } = await returning()
    const code = await visitor.ask((s) => {
      const promise = s.regenerate()
      void Object.assign(promise, { user: 'ann' })
      return codeOf(promise)
    })
    expect(code).toBe('ERR_SESSION_DATA')
  })

  it('is no business of ours where an instrumentation keeps what is its own there', async () => {
    const { visitor } = await returning()
    const { status } = await visitor.visit(async (s) => {
      const promise = s.regenerate()
      void Object.assign(promise, { __zone_symbol__state: 1, [Symbol('span')]: 1 })
      await promise
    })
    expect(status).toBe(200)
  })
})

describe('what answers after the handler', () => {
  it.each<[string, (s: Bag) => unknown]>([
    ['a BigInt', (s) => (s.n = 1n)],
    ['an unheard failure', (s) => ((s.n = 2), void s.save())]
  ])('does not see a response that was refused as one that nobody gave: %s', async (_what, change) => {
    const site = await Site.open({}, (app) => {
      app.get('/', (req, res, next) => {
        const handler = async () => {
          await Promise.resolve(change(req.session as unknown as Bag))
          res.json('done')
        }
        // As wrappers of handlers do: nothing sent, so there is nothing to say.
        void handler().then(() => {
          if (!res.headersSent) res.status(204).end()
        }, next)
      })
    })
    site.store.always(fails, 'set')
    const { status } = await site.visitor().send('/')
    expect([status, site.errors.length]).toEqual([status === 500 ? 500 : 503, 1])
  })
})

describe('after the commit failed at the end', () => {
  it('the session is sealed: save and update reject with the same error, and nothing is written', async () => {
    const site = await Site.open({}, (app) => {
      app.get('/fails', (req, res) => {
        ;(req.session as unknown as Bag).n = 2
        res.end('saved')
      })
      app.use((async (error, req, res, _next) => {
        const s = req.session as unknown as Bag
        s.m = 1
        const codes = [
          await codeOf(s.save()),
          await codeOf(s.update((draft) => void (draft.m = 2))),
          await codeOf(s.destroy())
        ]
        res.status((error as { status: number }).status).json(codes)
      }) as import('express').ErrorRequestHandler)
    })
    const visitor = site.visitor()
    site.store.next('set', fails)
    const { status, text, setCookies } = await visitor.send('/fails')
    expect([status, JSON.parse(text), setCookies]).toEqual([503, Array(3).fill('ERR_SESSION_STORE'), []])
    expect(site.store.log.split(' ').filter((name) => name === 'set')).toHaveLength(1)
  })
})

describe('what cannot be stored', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle

  it.each<[string, (s: Bag) => unknown]>([
    ['a BigInt', (s) => (s.n = 1n)],
    ['a cycle', (s) => (s.cycle = cycle)],
    ['more than limits.bytes', (s) => (s.x = 'x'.repeat(2000))],
    ['deeper than limits.depth', (s) => (s.x = [[[[[[]]]]]])],
    ['a cookie that cannot be', (s) => (s.cookie.path = 'x;y')]
  ])('%s: an error of the handler, and nothing is written', async (_what, change) => {
    const { site, visitor } = await returning({ limits: { bytes: 1000, depth: 5 } })
    const { status, setCookies } = await visitor.visit((s) => void change(s))
    expect([status, setCookies]).toEqual([500, []])
    expect(site.errors).toMatchObject([{ code: 'ERR_SESSION_DATA' }])
    expect(site.store.log).toBe('get')
    const codes = await visitor.ask(async (s) => {
      change(s)
      const list = [await codeOf(s.save()), await codeOf(s.update((draft) => void (draft.n = 2)))]
      await s.reload()
      return [...list, await codeOf(s.update((draft) => void change(draft)))]
    })
    expect(codes).toEqual(Array(3).fill('ERR_SESSION_DATA'))
    expect(await site.stored(visitor.id)).toMatchObject(KEPT)
  })

  it('what a store keeps beyond the limits is not read', async () => {
    const { site, visitor } = await returning({ limits: { bytes: 1000 } })
    const heard = listen()
    await site.store.inner.destroy(visitor.id)
    await site.store.inner.set(visitor.id, JSON.stringify({ x: 'x'.repeat(1000) }), 60_000, null)
    expect(await visitor.ask((s) => [s.x ?? null, s.isNew])).toEqual([null, true])
    expect(heard['holdfast:corrupt']).toEqual([{ reason: 'larger than limits.bytes' }])
  })
})
