import { after, answerLost, fails, hangs, takes, type Fault, type Operation } from './support/counting-store'
import { advance } from './support/clock'
import { codeOf } from './support/outcome'
import { Site, until, type Bag, type Visitor } from './support/site'

const DATA = { n: 1, cart: ['a'] }

/** A visitor with a session, and the site. */
async function returning(
  options: Parameters<typeof Site.open>[0] = {}
): Promise<{ site: Site; visitor: Visitor }> {
  const site = await Site.open(options)
  const visitor = site.visitor()
  await visitor.ask(async (s) => void Object.assign(await s.load(), DATA))
  site.store.forget()
  return { site, visitor }
}

const size = (site: Site) => (site.store.inner as { size?: number }).size

async function login(s: Bag, keep?: true | string[]): Promise<null> {
  const fresh = await s.regenerate(keep && { keep })
  fresh.user = 'test'
  return null
}

describe('a login', () => {
  it('stores the new session first, then ends the old one', async () => {
    const { site, visitor } = await returning()
    const old = visitor.id
    await visitor.ask((s) => login(s))
    expect(site.store.calls).toMatchObject([
      { operation: 'get', id: old },
      { operation: 'set', id: visitor.id, expected: null },
      { operation: 'destroy', id: old }
    ])
    expect(await site.stored(visitor.id)).toEqual({ user: 'test', '@': expect.anything() })
    expect(size(site)).toBe(1)
  })

  it('begins a new session: a handle and a lifetime of its own, cookie settings as configured', async () => {
    const { visitor } = await returning()
    await visitor.ask((s) => void (s.cookie.maxAge = 5000))
    const before = await visitor.ask((s) => s.handle)
    const after = await visitor.ask(async (s) => {
      const fresh = await s.regenerate()
      return [fresh.handle, fresh.cookie.maxAge]
    })
    expect(after[0]).not.toBe(before)
    expect(after[1]).toBeNull()
  })

  it('stores the new session even if nothing is put into it', async () => {
    const { site, visitor } = await returning()
    await visitor.ask((s) => s.regenerate().then(() => null))
    expect(await visitor.ask((s) => s.isNew)).toBe(false)
    expect(size(site)).toBe(1)
  })

  it('of somebody without a session is one write', async () => {
    for (const load of ['eager', 'lazy'] as const) {
      const site = await Site.open({ load })
      await site.visitor().ask((s) => login(s))
      expect(site.store.log).toBe('set')
    }
  })

  it('makes late writers of the old session fail', async () => {
    const { site, visitor } = await returning()
    const old = visitor.id
    const { status } = await visitor.clone().visit(async (s) => {
      await visitor.ask((other) => login(other))
      s.n = 2
    })
    expect([status, await site.stored(old)]).toEqual([409, null])
    expect(await visitor.ask((s) => s.user)).toBe('test')
  })

  it('twice in one request leaves one session, and none of its predecessors', async () => {
    const { site, visitor } = await returning()
    await visitor.ask(async (s) => {
      await s.regenerate()
      const fresh = await s.regenerate()
      fresh.user = 'test'
    })
    expect(site.store.log).toBe('get set destroy')
    expect([size(site), await visitor.ask((s) => s.user)]).toEqual([1, 'test'])
  })

  it('twice, saved in between, as well', async () => {
    const { site, visitor } = await returning()
    await visitor.ask(async (s) => {
      const first = await s.regenerate()
      await first.save()
      const second = await first.regenerate()
      second.user = 'test'
    })
    expect([size(site), await visitor.ask((s) => s.user)]).toEqual([1, 'test'])
  })

  it('in two requests at once: both get a session, the old one is dead', async () => {
    const { site, visitor } = await returning()
    const old = visitor.id
    site.store.always(takes(10))
    const [one, other] = [visitor.clone(), visitor.clone()]
    await Promise.all([one.ask((s) => login(s)), other.ask((s) => login(s))])
    expect(await site.stored(old)).toBeNull()
    expect(await Promise.all([one.ask((s) => s.user), other.ask((s) => s.user)])).toEqual(['test', 'test'])
  })

  it('and then a logout leave nothing, and the browser forgets its cookie', async () => {
    for (const save of [false, true]) {
      const { site, visitor } = await returning()
      await visitor.ask(async (s) => {
        const fresh = await s.regenerate()
        if (save) await fresh.save()
        await fresh.destroy()
      })
      expect([size(site), visitor.hasCookie]).toEqual([0, false])
    }
  })

  it('after a logout, whose response is begun twice, keeps its cookie', async () => {
    const { site, visitor } = await returning()
    const { status, setCookies } = await visitor.visit(async (s, _req, res) => {
      await s.destroy()
      const fresh = await s.regenerate()
      fresh.user = 'test'
      await fresh.save()
      res.end(123 as never) // Node refuses a number
    })
    expect([status, setCookies]).toEqual([500, [expect.stringMatching(/^sid=s%3A/)]])
    expect(await site.stored(visitor.id)).toMatchObject({ user: 'test' })
  })
})

describe('keep: a list', () => {
  it('moves these keys to a new session, and no others', async () => {
    const { site, visitor } = await returning()
    const before = await visitor.ask((s) => s.handle)
    await visitor.ask((s) => login(s, ['cart', 'nothing', 'cookie', 'id']))
    expect(await site.stored(visitor.id)).toEqual({ cart: ['a'], user: 'test', '@': expect.anything() })
    expect(await visitor.ask((s) => s.handle)).not.toBe(before)
  })

  it('moves unsaved changes, too', async () => {
    const { site, visitor } = await returning()
    await visitor.ask(async (s) => {
      s.cart = ['b']
      await login(s, ['cart'])
    })
    expect(await site.stored(visitor.id)).toMatchObject({ cart: ['b'] })
  })
})

describe('keep: true', () => {
  it('is the same session under a new id: its data, its handle, its clock, its cookie', async () => {
    const { site, visitor } = await returning()
    await visitor.ask((s) => void (s.cookie.maxAge = 500_000))
    const old = visitor.id
    const before = await visitor.ask((s) => s.handle)
    await visitor.ask((s) => login(s, true))
    expect(visitor.id).not.toBe(old)
    expect(await visitor.ask((s) => [s.handle, s.cookie.originalMaxAge, s.isNew])).toEqual([
      before,
      500_000,
      false
    ])
    expect(await site.stored(visitor.id)).toMatchObject({ ...DATA, user: 'test' })
    await until(() => size(site) === 1)
  })

  it('of a session that was never stored is a new session', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    const handles = await visitor.ask(async (s) => {
      s.n = 1
      const before = s.handle
      const fresh = await s.regenerate({ keep: true })
      return [before, fresh.handle, fresh.n]
    })
    expect(handles).toEqual([handles[0], handles[0], 1])
    expect(site.store.log).toBe('set')
    expect(await site.stored(visitor.id)).toMatchObject({ n: 1 })
  })

  it('takes along what other requests change on the old id meanwhile, as often as they do', async () => {
    const { site, visitor } = await returning()
    const old = visitor.clone()
    let changes = 0
    const change = (): Promise<void> => {
      changes++
      return old.ask((s) => void (s[`other${changes}`] = changes))
    }
    // The first set stores the new id, the second closes the old one.
    site.store.next(
      'set',
      (ask) => ask(),
      after(change),
      (ask) => ask(),
      (ask) => ask(),
      after(change)
    )
    await visitor.ask((s) => login(s, true))
    expect(changes).toBe(2)
    expect(await site.stored(visitor.id)).toMatchObject({ ...DATA, user: 'test', other1: 1, other2: 2 })
    await until(async () => (await site.stored(old.id)) === null)
  })

  it('loses to a logout meanwhile: gone, no cookie, and the new id is removed', async () => {
    const { site, visitor } = await returning()
    const old = visitor.clone()
    site.store.next(
      'set',
      (ask) => ask(),
      after(() => old.ask((s) => s.destroy()))
    )
    const { status, setCookies } = await visitor.visit((s) => login(s, true))
    expect([status, setCookies, size(site)]).toEqual([409, [], 0])
  })

  it('in two requests at once: one wins, the other is gone', async () => {
    const { site, visitor } = await returning()
    const [one, other] = [visitor.clone(), visitor.clone()]
    site.store.always(takes(5))
    const answers = await Promise.all([one.visit((s) => login(s, true)), other.visit((s) => login(s, true))])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    await until(() => size(site) === 1)
    const winner = answers[0].status === 200 ? one : other
    expect(await winner.ask((s) => s.user)).toBe('test')
  })

  it('leaves something at the old id that late writers run into, and that goes by itself', async () => {
    const { site, visitor } = await returning()
    const old = visitor.id
    site.store.always(fails, 'destroy')
    const { status } = await visitor.clone().visit(async (s) => {
      await visitor.ask((other) => login(other, true))
      s.n = 2
    })
    expect(status).toBe(409)
    expect(await site.store.inner.get(old)).not.toContain('"n"')
    const anonymous = await site.visitor(visitor.cookie.replace(visitor.id, old)).ask((s) => s.isNew)
    expect(anonymous).toBe(true)
    advance(61_000)
    expect(await site.store.inner.get(old)).toBeNull()
    expect(await visitor.ask((s) => s.user)).toBe('test')
  })

  it('twice in one request, and then a plain one, leave one session', async () => {
    const { site, visitor } = await returning()
    await visitor.ask(async (s) => {
      await s.regenerate({ keep: true })
      await s.regenerate({ keep: true })
      return null
    })
    await until(() => size(site) === 1)
    expect(await visitor.ask((s) => s.n)).toBe(1)
    await visitor.ask(async (s) => {
      const moved = await s.regenerate({ keep: true })
      await login(moved)
    })
    await until(() => size(site) === 1)
    expect(await visitor.ask((s) => [s.n ?? null, s.user])).toEqual([null, 'test'])
  })

  it('and then update: fn runs once, on the new id', async () => {
    const { site, visitor } = await returning()
    let runs = 0
    await visitor.ask(async (s) => {
      const moved = await s.regenerate({ keep: true })
      return moved.update((draft) => {
        runs++
        return (draft.n = Number(draft.n) + 1)
      })
    })
    expect(runs).toBe(1)
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2 })
  })

  it('can be saved again by the handler after a failure', async () => {
    for (const fault of [fails, answerLost]) {
      const { site, visitor } = await returning()
      await visitor.ask(async (s) => {
        const moved = await s.regenerate({ keep: true })
        site.store.next('set', (ask) => ask(), fault)
        const code = await codeOf(moved.save())
        await moved.save()
        return code
      })
      expect(await visitor.ask((s) => s.n)).toBe(1)
    }
  })
})

describe('a login that fails', () => {
  type Step = [string, true | undefined, Operation, number]
  const steps: Step[] = [
    ['storing the new session', undefined, 'set', 1],
    ['ending the old session', undefined, 'destroy', 1],
    ['storing the new id', true, 'set', 1],
    ['closing the old id', true, 'set', 2]
  ]
  const pass: Fault = (ask) => ask()

  it.each(
    steps.flatMap((step) => [[...step, 'fails', fails] as const, [...step, 'never answers', hangs] as const])
  )(
    'at %s (keep: %s, %s %d %s): 503, no cookie, and the old session lives',
    async (_what, keep, operation, nth, _how, fault) => {
      const { site, visitor } = await returning({ timeout: 150 })
      const before = visitor.cookie
      site.store.next(operation, ...Array<Fault>(nth - 1).fill(pass), fault)
      const { status, setCookies } = await visitor.visit((s) => login(s, keep))
      expect([status, setCookies, visitor.cookie]).toEqual([503, [], before])
      expect(await visitor.ask((s) => [s.n, s.user ?? null])).toEqual([1, null])
      if (!keep) await until(() => size(site) === 1)
    }
  )

  it('as the answer to the write got lost: the new session is removed', async () => {
    const { site, visitor } = await returning()
    site.store.next('set', answerLost)
    expect((await visitor.visit((s) => login(s))).status).toBe(503)
    await until(() => size(site) === 1)
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })

  it('as the answer to the end of the old one got lost: 503, and nobody has a cookie for the new one', async () => {
    const { site, visitor } = await returning()
    site.store.next('destroy', answerLost)
    const { status, setCookies } = await visitor.visit((s) => login(s))
    expect([status, setCookies]).toEqual([503, []])
    await until(() => size(site) === 0)
  })

  it('as the answer to the closing of the old id got lost: 503, and the session is not lost in the store', async () => {
    const { site, visitor } = await returning()
    site.store.next('set', pass, answerLost)
    expect((await visitor.visit((s) => login(s, true))).status).toBe(503)
    const ids = site.store.calls.filter(({ operation }) => operation === 'set').map(({ id }) => id)
    expect(await site.stored(ids[0]!)).toMatchObject(DATA)
  })

  it('can be tried again in the same request', async () => {
    for (const operation of ['set', 'destroy'] as const) {
      const { site, visitor } = await returning()
      site.store.next(operation, answerLost)
      await visitor.ask(async (s) => {
        const fresh = await s.regenerate()
        fresh.user = 'test'
        const code = await codeOf(fresh.save())
        await fresh.save()
        return code
      })
      expect(await visitor.ask((s) => s.user)).toBe('test')
      await until(() => size(site) === 1)
    }
  })
})

describe('genid', () => {
  it.each([undefined, '', 'a b', 'a'.repeat(129), 'ä', 7, null, 'a;b', 'a\n'])(
    '%j is refused',
    async (id) => {
      const site = await Site.open({ genid: () => id as string })
      const { status, setCookies } = await site.visitor().visit((s) => void (s.n = 1))
      expect([status, setCookies, site.store.log]).toEqual([500, [], ''])
      expect(site.errors).toMatchObject([
        { code: 'ERR_SESSION_OPTIONS', message: expect.stringContaining('genid') }
      ])
    }
  )

  it('gets the request, and is not asked where nothing is stored', async () => {
    const genid = jest.fn((req: { url?: string }) => `id-of-${req.url!.slice(1)}`)
    const site = await Site.open({ genid })
    const visitor = site.visitor()
    await visitor.visit((s) => s.n, { path: '/nothing' })
    expect(genid).not.toHaveBeenCalled()
    await visitor.visit((s) => void (s.n = 1), { path: '/something' })
    expect([visitor.id, genid.mock.calls.length]).toEqual(['id-of-something', 1])
  })

  it('that throws is an error of the request', async () => {
    const site = await Site.open({
      genid() {
        throw new Error('no id today')
      }
    })
    expect((await site.visitor().visit((s) => void (s.n = 1))).status).toBe(500)
    expect(site.errors[0]?.message).toBe('no id today')
  })

  it('that gives an id in use never touches the session of somebody else', async () => {
    const site = await Site.open({ genid: () => 'always-the-same' })
    const first = site.visitor()
    await first.ask((s) => void (s.user = 'first'))
    for (const attempt of [
      (s: Bag) => void (s.user = 'second'),
      (s: Bag) => s.save(),
      (s: Bag) => s.update((draft) => void (draft.user = 'second')),
      (s: Bag) => login(s),
      (s: Bag) => void (s.big = 1n),
      (s: Bag) => void (s.cookie.path = ';')
    ]) {
      const second = site.visitor()
      const { status, setCookies } = await second.visit(attempt)
      expect([status, setCookies]).toEqual([500, []])
    }
    await new Promise(setImmediate)
    expect(await first.ask((s) => s.user)).toBe('first')
  })

  it('that gives the same id to requests at once: one has it, the others fail', async () => {
    const site = await Site.open({ genid: () => 'always-the-same' })
    site.store.always(takes(20), 'set')
    const answers = await Promise.all(
      [1, 2, 3].map((user) => site.visitor().visit((s) => void (s.user = user)))
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 500, 500])
    const winner = answers.findIndex(({ status }) => status === 200) + 1
    expect(await site.stored('always-the-same')).toMatchObject({ user: winner })
  })

  it('that gives an id in use for a login: the old session lives, as does the other’s', async () => {
    let id = 'first'
    const site = await Site.open({ genid: () => id })
    const first = site.visitor()
    await first.ask((s) => void (s.user = 'first'))
    id = 'second'
    const second = site.visitor()
    await second.ask((s) => void (s.user = 'second'))
    id = 'first'
    for (const keep of [undefined, true] as const) {
      expect((await second.visit((s) => login(s, keep))).status).toBe(500)
    }
    expect([await first.ask((s) => s.user), await second.ask((s) => s.user)]).toEqual(['first', 'second'])
  })
})
