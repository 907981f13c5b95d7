import type { MemoryStore } from '../../lib'
import { after, answerLost, fails, takes } from '../support/counting-store'
import { advance } from '../support/clock'
import { codeOf } from '../support/outcome'
import { login, returning, Site } from '../support/site'

const DATA = { n: 1, cart: ['a'] }

/** How many sessions live; the records closed by a move, which only name their successors, do not. */
const living = (site: Site): number =>
  [...(site.store.inner as unknown as Pick<MemoryStore, 'entries'>).entries()].filter(
    ([, text]) => !text.includes('"moved":true')
  ).length

describe('keep: true', () => {
  it('is the same session under a new id: its data, its handle, its clock, its cookie', async () => {
    const { site, visitor } = await returning({}, DATA)
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
    expect(living(site)).toBe(1)
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
    const { site, visitor } = await returning({}, DATA)
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
    expect(Object.keys((await site.stored(old.id))!)).toEqual(['@'])
  })

  it.each([1e7, null])(
    'takes along the cookie.maxAge that another request chose meanwhile: %p',
    async (maxAge) => {
      const { visitor } = await returning({ cookie: { maxAge: 1e6 } }, { n: 1 })
      const { status } = await visitor.visit(async (s) => {
        await visitor.clone().visit((other) => {
          other.m = 1
          other.cookie.maxAge = maxAge
        })
        await s.regenerate({ keep: true })
      })
      const seen = await visitor.ask((s) => [s.n, s.m, s.cookie.originalMaxAge])
      expect([status, seen]).toEqual([200, [1, 1, maxAge]])
    }
  )

  it('loses to a logout meanwhile: gone, no cookie, and the new id is removed', async () => {
    const { site, visitor } = await returning({}, DATA)
    const old = visitor.clone()
    site.store.next(
      'set',
      (ask) => ask(),
      after(() => old.ask((s) => s.destroy()))
    )
    const { status, setCookies } = await visitor.visit((s) => login(s, true))
    expect([status, setCookies, living(site)]).toEqual([409, [], 0])
  })

  it('in two requests at once: one wins, the other is gone', async () => {
    const { site, visitor } = await returning({}, DATA)
    const [one, other] = [visitor.clone(), visitor.clone()]
    site.store.always(takes(5))
    const answers = await Promise.all([one.visit((s) => login(s, true)), other.visit((s) => login(s, true))])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(living(site)).toBe(1)
    const winner = answers[0].status === 200 ? one : other
    expect(await winner.ask((s) => s.user)).toBe('test')
  })

  it('leaves something at the old id that late writers run into, and that goes by itself', async () => {
    const { site, visitor } = await returning({}, DATA)
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
    advance(301_000)
    expect(await site.store.inner.get(old)).toBeNull()
    expect(await visitor.ask((s) => s.user)).toBe('test')
  })

  it('twice in one request, and then a plain one, leave one session', async () => {
    const { site, visitor } = await returning({}, DATA)
    await visitor.ask(async (s) => {
      await s.regenerate({ keep: true })
      await s.regenerate({ keep: true })
      return null
    })
    expect(living(site)).toBe(1)
    expect(await visitor.ask((s) => s.n)).toBe(1)
    await visitor.ask(async (s) => {
      const moved = await s.regenerate({ keep: true })
      await login(moved)
    })
    expect(living(site)).toBe(1)
    expect(await visitor.ask((s) => [s.n ?? null, s.user])).toEqual([null, 'test'])
  })

  it('and then update: fn runs once, on the new id', async () => {
    const { site, visitor } = await returning({}, DATA)
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
      const { site, visitor } = await returning({}, DATA)
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

  it.each([1, 2])(
    'that is saved again, as %i answers of the store got lost, ends by a logout with the old cookie',
    async (lost) => {
      const { site, visitor } = await returning({}, DATA)
      const old = visitor.clone()
      await visitor.ask(async (s) => {
        const moved = await s.regenerate({ keep: true })
        for (let i = 0; i < lost; i++) {
          // The last write of each attempt closes what the attempt before it left.
          site.store.next(
            'set',
            ...Array.from({ length: i + 1 }, () => (ask: () => Promise<unknown>) => ask()),
            answerLost
          )
          expect(await codeOf(moved.save())).toBe('ERR_SESSION_STORE')
        }
        await moved.save()
        return null
      })
      expect(await visitor.ask((s) => s.n)).toBe(1)
      expect(living(site)).toBe(1)
      await old.ask((s) => s.destroy())
      expect(await visitor.ask((s) => s.n ?? null)).toBeNull()
    }
  )
})
