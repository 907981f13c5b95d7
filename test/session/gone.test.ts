import { fails } from '../support/counting-store'
import { listen } from '../support/events'
import { codeOf } from '../support/outcome'
import { returning, type Site, type Bag, type Handler, type Visitor } from '../support/site'

describe('a session that is gone', () => {
  const handlers: [string, Handler][] = [
    ['the commit at the end', (s) => void (s.n = 2)],
    ['save', (s) => ((s.n = 2), s.save())],
    ['update', (s) => s.update((draft) => void (draft.n = 2))]
  ]
  const ends: [string, (visitor: Visitor, site: Site) => Promise<unknown>][] = [
    ['destroyed', (visitor) => visitor.ask((s) => s.destroy())],
    ['regenerated', (visitor) => visitor.ask((s) => s.regenerate().then(() => null))],
    ['moved', (visitor) => visitor.ask((s) => s.regenerate({ keep: true }).then(() => null))],
    ['expired', (visitor, site) => site.store.inner.destroy(visitor.id)]
  ]

  it.each(
    handlers.flatMap(([how, handler]) => ends.map(([what, end]) => [how, what, handler, end] as const))
  )('%s: 409 where it was %s meanwhile, nothing written, no Set-Cookie', async (_how, what, handler, end) => {
    const { site, visitor } = await returning({ cookie: { maxAge: 60_000 } })
    const { id } = visitor
    const heard = listen()
    const { status, text, setCookies } = await visitor.visit(async (s, req, res) => {
      await end(visitor.clone(), site)
      return handler(s, req, res)
    })
    expect([status, text, setCookies]).toEqual([409, '{"error":"ERR_SESSION_GONE"}', []])
    // A session that moved leaves a record without data, which leads to where it is.
    expect(Object.keys((await site.stored(id)) ?? {})).toEqual(what === 'moved' ? ['@'] : [])
    expect(heard['holdfast:dropped']).toMatchObject([{ reason: 'gone' }])
  })

  it('no Set-Cookie either where one was due before it was found to be gone', async () => {
    const { site, visitor } = await returning({ cookie: { maxAge: 60_000 } })
    for (const handler of [
      async (s: Bag) => {
        await s.touch()
        await site.store.inner.destroy(s.id)
        s.n = 2
        return codeOf(s.save())
      },
      async (s: Bag) => {
        s.cookie.maxAge = 50_000
        await s.save()
        await site.store.inner.destroy(s.id)
        return codeOf(s.update((draft) => void (draft.n = 2)))
      }
    ]) {
      const other = site.visitor()
      await other.ask((s) => void (s.n = 1))
      const { text, setCookies } = await other.visit(handler)
      expect([text, setCookies]).toEqual(['"ERR_SESSION_GONE"', []])
    }
    expect(visitor.hasCookie).toBe(true)
  })

  it.each(handlers)('whenGone: drop: %s goes on, drops the changes, and says so', async (_how, handler) => {
    const { site, visitor } = await returning({ whenGone: 'drop', cookie: { maxAge: 60_000 } })
    const { id } = visitor
    const heard = listen()
    const { status, setCookies } = await visitor.visit(async (s, req, res) => {
      const { handle } = s
      await site.store.inner.destroy(s.id)
      await handler(s, req, res)
      return handle
    })
    expect([status, setCookies]).toEqual([200, []])
    expect(await site.stored(id)).toBeNull()
    expect(heard['holdfast:dropped']).toMatchObject([{ reason: 'gone', handle: expect.any(String) }])
  })

  it('whenGone: drop: a login in the same request counts all the same', async () => {
    const { site, visitor } = await returning({ whenGone: 'drop' })
    const old = visitor.id
    await visitor.ask(async (s) => {
      await site.store.inner.destroy(s.id)
      s.n = 2
      await s.save()
      const fresh = await s.regenerate()
      fresh.user = 'test'
    })
    expect(visitor.id).not.toBe(old)
    expect(await site.stored(visitor.id)).toMatchObject({ user: 'test' })
  })

  it('whenGone: drop: what was replaced by regenerate does not take the new session with it', async () => {
    const { site, visitor } = await returning({ whenGone: 'drop' })
    await visitor.ask(async (s) => {
      const fresh = await s.regenerate()
      await s.save().catch(() => undefined)
      fresh.user = 'test'
    })
    expect(await site.stored(visitor.id)).toMatchObject({ user: 'test' })
  })

  it('whenGone: drop: other failures are failures', async () => {
    const { site, visitor } = await returning({ whenGone: 'drop' })
    site.store.next('set', fails)
    expect((await visitor.visit((s) => void (s.n = 2))).status).toBe(503)
  })

  it('a session that regenerate replaced cannot be saved, updated, reloaded, touched or destroyed', async () => {
    const { site, visitor } = await returning()
    const codes = await visitor.ask(async (s) => {
      const fresh = await s.regenerate()
      fresh.n = 5
      return [
        await codeOf(s.save()),
        await codeOf(s.update((draft) => void (draft.n = 6))),
        await codeOf(s.reload()),
        await codeOf(s.touch()),
        await codeOf(s.destroy())
      ]
    })
    expect(codes).toEqual(Array(5).fill('ERR_SESSION_GONE'))
    expect(await site.stored(visitor.id)).toMatchObject({ n: 5 })
  })
})
