import { answerLost, fails, hangs, takes, type Fault, type Operation } from '../support/counting-store'
import { codeOf } from '../support/outcome'
import { login, returning, Site, until } from '../support/site'

const DAY = 86_400_000
const DATA = { n: 1, cart: ['a'] }

const size = (site: Site) => (site.store.inner as { size?: number }).size

describe('a login', () => {
  it('stores the new session first, then ends the old one', async () => {
    const { site, visitor } = await returning({}, DATA)
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
    const { visitor } = await returning({}, DATA)
    await visitor.ask((s) => void (s.cookie.maxAge = 5000))
    const before = await visitor.ask((s) => s.handle)
    const after = await visitor.ask(async (s) => {
      const fresh = await s.regenerate()
      return [fresh.handle, fresh.cookie.maxAge]
    })
    expect(after[0]).not.toBe(before)
    expect(after[1]).toBeNull()
  })

  it.each([
    ['as it is', (cart: object[]) => cart],
    ['in a new list', (cart: object[]) => [...cart]],
    ['inside another value', (cart: object[]) => ({ list: cart })]
  ])('takes a value of the old session along, %s, to change it', async (_, along) => {
    const { site, visitor } = await returning({}, { cart: [{ amount: 1 }] })
    await visitor.ask(async (s) => {
      const cart = s.cart as { amount: number }[]
      const fresh = await s.regenerate()
      fresh.cart = along(cart)
      await fresh.save()
      cart[0]!.amount = 2
    })
    expect(await site.stored(visitor.id)).toMatchObject({ cart: along([{ amount: 2 }]) })
  })

  it('refuses a change of a value that was taken along, and then replaced', async () => {
    const { visitor } = await returning({}, { cart: [1] })
    const lost = visitor.ask(async (s) => {
      const cart = s.cart as number[]
      const fresh = await s.regenerate()
      fresh.cart = cart
      fresh.cart = [1]
      cart.push(2)
    })
    await expect(lost).rejects.toThrow('ERR_SESSION_GONE')
  })

  it('stores the new session even if nothing is put into it', async () => {
    const { site, visitor } = await returning({}, DATA)
    await visitor.ask((s) => s.regenerate().then(() => null))
    expect(await visitor.ask((s) => s.isNew)).toBe(false)
    expect(size(site)).toBe(1)
  })

  it('of somebody without a session stores a session, too, even if nothing is put into it', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    await visitor.ask((s) => s.regenerate().then(() => null))
    expect(await visitor.ask((s) => s.isNew)).toBe(false)
  })

  it('of somebody without a session is one write', async () => {
    for (const load of ['eager', 'lazy'] as const) {
      const site = await Site.open({ load })
      await site.visitor().ask((s) => login(s))
      expect(site.store.log).toBe('set')
    }
  })

  it('makes late writers of the old session fail', async () => {
    const { site, visitor } = await returning({}, DATA)
    const old = visitor.id
    const { status } = await visitor.clone().visit(async (s) => {
      await visitor.ask((other) => login(other))
      s.n = 2
    })
    expect([status, await site.stored(old)]).toEqual([409, null])
    expect(await visitor.ask((s) => s.user)).toBe('test')
  })

  it('twice in one request leaves one session, and none of its predecessors', async () => {
    const { site, visitor } = await returning({}, DATA)
    await visitor.ask(async (s) => {
      await s.regenerate()
      const fresh = await s.regenerate()
      fresh.user = 'test'
    })
    expect(site.store.log).toBe('get set destroy')
    expect([size(site), await visitor.ask((s) => s.user)]).toEqual([1, 'test'])
  })

  it('twice, saved in between, as well', async () => {
    const { site, visitor } = await returning({}, DATA)
    await visitor.ask(async (s) => {
      const first = await s.regenerate()
      await first.save()
      const second = await first.regenerate()
      second.user = 'test'
    })
    expect([size(site), await visitor.ask((s) => s.user)]).toEqual([1, 'test'])
  })

  it('in two requests at once: both get a session, the old one is dead', async () => {
    const { site, visitor } = await returning({}, DATA)
    const old = visitor.id
    site.store.always(takes(10))
    const [one, other] = [visitor.clone(), visitor.clone()]
    await Promise.all([one.ask((s) => login(s)), other.ask((s) => login(s))])
    expect(await site.stored(old)).toBeNull()
    expect(await Promise.all([one.ask((s) => s.user), other.ask((s) => s.user)])).toEqual(['test', 'test'])
  })

  it('and then a logout leave nothing, and the browser forgets its cookie', async () => {
    for (const save of [false, true]) {
      const { site, visitor } = await returning({}, DATA)
      await visitor.ask(async (s) => {
        const fresh = await s.regenerate()
        if (save) await fresh.save()
        await fresh.destroy()
      })
      expect([size(site), visitor.hasCookie]).toEqual([0, false])
    }
  })

  it('after a logout, whose response is begun twice, keeps its cookie', async () => {
    const { site, visitor } = await returning({}, DATA)
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
    const { site, visitor } = await returning({}, DATA)
    const before = await visitor.ask((s) => s.handle)
    await visitor.ask((s) => login(s, ['cart', 'nothing', 'cookie', 'id']))
    expect(await site.stored(visitor.id)).toEqual({ cart: ['a'], user: 'test', '@': expect.anything() })
    expect(await visitor.ask((s) => s.handle)).not.toBe(before)
  })

  it('moves unsaved changes, too', async () => {
    const { site, visitor } = await returning({}, DATA)
    await visitor.ask(async (s) => {
      s.cart = ['b']
      await login(s, ['cart'])
    })
    expect(await site.stored(visitor.id)).toMatchObject({ cart: ['b'] })
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
      const { site, visitor } = await returning({ timeout: 150 }, DATA)
      const before = visitor.cookie
      site.store.next(operation, ...Array<Fault>(nth - 1).fill(pass), fault)
      const { status, setCookies } = await visitor.visit((s) => login(s, keep))
      expect([status, setCookies, visitor.cookie]).toEqual([503, [], before])
      expect(await visitor.ask((s) => [s.n, s.user ?? null])).toEqual([1, null])
      if (!keep) await until(() => size(site) === 1)
    }
  )

  it('as the answer to the write got lost: the new session is removed', async () => {
    const { site, visitor } = await returning({}, DATA)
    site.store.next('set', answerLost)
    expect((await visitor.visit((s) => login(s))).status).toBe(503)
    await until(() => size(site) === 1)
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })

  it('as the answer to the end of the old one got lost: 503, and nobody has a cookie for the new one', async () => {
    const { site, visitor } = await returning({}, DATA)
    site.store.next('destroy', answerLost)
    const { status, setCookies } = await visitor.visit((s) => login(s))
    expect([status, setCookies]).toEqual([503, []])
    await until(() => size(site) === 0)
  })

  it('as the answer to the closing of the old id got lost: 503, and the session is not lost in the store', async () => {
    const { site, visitor } = await returning({}, DATA)
    site.store.next('set', pass, answerLost)
    expect((await visitor.visit((s) => login(s, true))).status).toBe(503)
    const ids = site.store.calls.filter(({ operation }) => operation === 'set').map(({ id }) => id)
    expect(await site.stored(ids[0]!)).toMatchObject(DATA)
  })

  it('can be tried again in the same request', async () => {
    for (const operation of ['set', 'destroy'] as const) {
      const { site, visitor } = await returning({}, DATA)
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

describe('a login in one expression', () => {
  it('sets what the new session begins with, over what is kept', async () => {
    const { site, visitor } = await returning({}, { cart: ['tea'], userId: 'guest', old: 1 })
    const [cart, userId] = await visitor.ask(async (s) => {
      const fresh = await s.regenerate({ keep: ['cart', 'userId'], set: { userId: 'ann' } })
      return [fresh.cart, fresh.userId]
    })
    expect([cart, userId]).toEqual([['tea'], 'ann'])
    const { cart: stored, userId: name, old } = (await site.stored(visitor.id))!
    expect([stored, name, old]).toEqual([['tea'], 'ann', undefined])
  })

  it('sets over everything that is kept', async () => {
    const { visitor } = await returning({}, { cart: ['tea'], userId: 'guest' })
    await visitor.ask((s) => s.regenerate({ keep: true, set: { userId: 'ann' } }).then(() => null))
    expect(await visitor.ask((s) => [s.cart, s.userId])).toEqual([['tea'], 'ann'])
  })

  it('remembers the visitor for as long as the option says, and nobody else', async () => {
    const { site, visitor } = await returning({ rememberFor: 7 * DAY })
    const { setCookies } = await visitor.visit((s) => s.regenerate({ remember: true }).then(() => null))
    const end = Date.parse(/; Expires=([^;]+)/.exec(setCookies[0]!)![1]!)
    expect(Math.abs(end - Date.now() - 7 * DAY)).toBeLessThan(60_000)
    expect(site.store.calls.some(({ ttl }) => ttl === 7 * DAY)).toBe(true)
    const plain = await visitor.visit((s) => s.regenerate().then(() => null))
    expect(plain.setCookies[0]).not.toMatch(/Expires/)
  })

  it.each([true, ['n']])(
    'forgets with keep: %j whom the login before remembered, if it is to',
    async (keep) => {
      const { site, visitor } = await returning({ idleTimeout: DAY })
      const again = (remember?: boolean) =>
        visitor.visit((s) => s.regenerate({ keep, remember } as object).then(() => null))
      await again(true)
      expect((await again()).setCookies[0]!.includes('Expires')).toBe(keep === true)
      site.store.forget()
      expect((await again(false)).setCookies[0]).not.toMatch(/Expires/)
      expect(site.store.calls.find(({ operation }) => operation === 'set')?.ttl).toBe(DAY)
      expect(await visitor.ask((s) => [s.n, s.cookie.maxAge])).toEqual([1, null])
    }
  )

  it('refuses an option that it does not know, and a reserved name', async () => {
    const { site, visitor } = await returning()
    await visitor.visit((s) => s.regenerate({ keeps: ['n'] } as object).then(() => null))
    await visitor.visit((s) => s.regenerate({ set: { handle: 'x' } as never }).then(() => null))
    expect(site.errors.map(({ code }) => code)).toEqual(['ERR_SESSION_OPTIONS', 'ERR_SESSION_DATA'])
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })
})
