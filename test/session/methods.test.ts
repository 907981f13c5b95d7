import type { Session, SessionError } from '../../lib'
import { fails } from '../support/counting-store'
import { codeOf } from '../support/outcome'
import { atEnd } from '../support/serve'
import { Site, type Bag, returning } from '../support/site'

/** Calls a method in its callback form. */
function called<T>(call: (callback: (error: unknown, result?: T) => void) => void): Promise<[unknown, T?]> {
  return new Promise((resolve) => call((error, ...rest) => resolve([error, ...rest])))
}

describe('each method, with a promise and with a callback', () => {
  it('load resolves to the session', async () => {
    const { visitor, site } = await returning()
    const seen = await visitor.ask(async (session) => [
      (await session.load()) === session,
      await called<Session>((done) => session.load(done)).then(([error, same]) => [error, same === session])
    ])
    expect(seen).toEqual([true, [null, true]])
    expect(site.store.log).toBe('get')
  })

  it('update resolves to what the function returned', async () => {
    const { visitor, site } = await returning()
    const seen = await visitor.ask(async (session) => [
      await session.update((draft) => (draft.n = Number(draft.n) + 1)),
      await session.update(async (draft) => {
        await new Promise(setImmediate)
        draft.n = Number(draft.n) + 1
        return 'async'
      }),
      await called((done) => session.update((draft) => (draft.n = Number(draft.n) + 1), done)),
      session.n
    ])
    expect(seen).toEqual([2, 'async', [null, 4], 4])
    expect(await site.stored(visitor.id)).toMatchObject({ n: 4 })
  })

  it('save commits now', async () => {
    const { visitor, site } = await returning()
    const seen = await visitor.ask(async (session) => {
      session.n = 2
      await session.save()
      const first = (await site.stored(session.id))?.n
      session.n = 3
      const args = await called((done) => session.save(done))
      return [first, args, (await site.stored(session.id))?.n]
    })
    expect(seen).toEqual([2, [null, null], 3])
    expect(site.store.log).toBe('get set set')
  })

  it('save of what did not change asks nothing of the store', async () => {
    const { visitor, site } = await returning()
    await visitor.ask((session) => session.save())
    expect(site.store.log).toBe('get')
  })

  it('save stores a new session even if it is empty', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    await visitor.ask((session) => session.save())
    expect(await site.stored(visitor.id)).toHaveProperty('@')
    expect(await visitor.ask((session) => session.isNew)).toBe(false)
  })

  it('reload takes the stored state, and drops what was not saved', async () => {
    const { visitor, site } = await returning({}, { n: 1, old: 1 })
    const seen = await visitor.ask(async (session) => {
      session.mine = 1
      session.cookie.maxAge = 5000
      await visitor.clone().visit((other) => {
        other.n = 2
        delete other.old
      })
      const reloaded = (await session.reload()) === session
      const first = { ...session, cookie: session.cookie.originalMaxAge }
      session.n = 3
      const [error, same] = await called<Session>((done) => session.reload(done))
      return { reloaded, first, error, same: same === session, n: session.n }
    })
    expect(seen).toEqual({ reloaded: true, first: { n: 2, cookie: null }, error: null, same: true, n: 2 })
    expect(site.store.log).toBe('get get set get get')
  })

  it('reload of what is not stored is gone', async () => {
    const { visitor, site } = await returning()
    const codes = await visitor.ask(async (session) => {
      await site.store.inner.destroy(session.id)
      const [error] = await called((done) => session.reload(done))
      return [await codeOf(session.reload()), (error as SessionError).code]
    })
    expect(codes).toEqual(['ERR_SESSION_GONE', 'ERR_SESSION_GONE'])
  })

  it('reload of what was never stored is gone, and asks nothing of the store', async () => {
    const site = await Site.open()
    const code = await site.visitor().ask((session) => codeOf(session.reload()))
    expect(code).toBe('ERR_SESSION_GONE')
    expect(site.store.log).toBe('')
  })

  it('regenerate makes a new session', async () => {
    const { visitor, site } = await returning({}, { n: 1, cart: ['a'] })
    const old = visitor.id
    const seen = await visitor.ask(async (session, req) => {
      const next = await session.regenerate()
      return [
        next === req.session,
        next !== session,
        next.id !== old,
        req.sessionID === next.id,
        Object.keys(next)
      ]
    })
    expect(seen).toEqual([true, true, true, true, ['cookie']])
    expect(visitor.id).not.toBe(old)
    expect(await site.stored(old)).toBeNull()
    expect(await site.stored(visitor.id)).toEqual({ '@': expect.anything() })
  })

  it.each<[string, (session: Bag) => Promise<unknown>, string[]]>([
    ['a callback', (session) => called((done) => session.regenerate(done)), []],
    ['keep', (session) => session.regenerate({ keep: ['cart', 'nothing'] }), ['cart']],
    [
      'keep and a callback',
      (session) => called((done) => session.regenerate({ keep: ['cart'] }, done)),
      ['cart']
    ],
    ['an empty keep', (session) => session.regenerate({ keep: [] }), []],
    ['keep: true', (session) => session.regenerate({ keep: true }), ['n', 'cart']]
  ])('regenerate with %s', async (_what, regenerate, kept) => {
    const { visitor, site } = await returning({}, { n: 1, cart: ['a'] })
    const old = visitor.id
    const result = await visitor.ask(async (session, req) => {
      const answer = await regenerate(session)
      const next = Array.isArray(answer) ? (answer as unknown[])[1] : answer
      return [Array.isArray(answer) ? (answer as unknown[])[0] : null, next === req.session]
    })
    expect(result).toEqual([null, true])
    // What was carried can be found from the old id, for whoever ends it there.
    expect(Object.keys((await site.stored(old)) ?? {})).toEqual(kept.length > 0 ? ['@'] : [])
    expect(Object.keys((await site.stored(visitor.id))!)).toEqual([...kept, '@'])
  })

  it('destroy removes the session, and clears the cookie', async () => {
    for (const form of ['promise', 'callback']) {
      const { visitor, site } = await returning()
      const { id } = visitor
      const seen = await visitor.ask(async (session, req) => {
        const args =
          form === 'promise'
            ? [(await session.destroy()) ?? null]
            : await called((done) => session.destroy(done)).then(([error]) => [error])
        return [args, req.session === undefined]
      })
      expect(seen).toEqual([[null], true])
      expect(await site.stored(id)).toBeNull()
      expect(visitor.hasCookie).toBe(false)
    }
  })

  it('touch renews the life', async () => {
    const { visitor, site } = await returning()
    await visitor.ask(async (session) => {
      await session.touch()
      return (await called((done) => session.touch(done)))[0]
    })
    expect(site.store.calls.map(({ operation, ttl }) => [operation, ttl])).toEqual([
      ['get', 86_400_000],
      ['get', undefined],
      ['touch', 86_400_000],
      ['get', undefined],
      ['touch', 86_400_000]
    ])
  })

  it('touch of what is gone says so, and of what is new does nothing', async () => {
    const { visitor, site } = await returning()
    const code = await visitor.ask(async (session) => {
      await site.store.inner.destroy(session.id)
      return codeOf(session.touch())
    })
    expect(code).toBe('ERR_SESSION_GONE')
    site.store.forget()
    await site.visitor().ask((session) => session.touch())
    expect(site.store.log).toBe('')
  })

  it.each<[string, (session: Bag, done: (error: unknown) => void) => void]>([
    ['save', (session, done) => session.save(done)],
    ['update', (session, done) => session.update((draft) => (draft.n = 3), done)],
    ['reload', (session, done) => session.reload(done)],
    ['destroy', (session, done) => session.destroy(done)],
    ['touch', (session, done) => session.touch(done)]
  ])('%s gives its callback the error, and nothing else', async (_name, call) => {
    const { visitor, site } = await returning()
    const seen = await visitor.ask(async (session) => {
      session.n = 2
      site.store.always(fails)
      const args = await called((done) => call(session, done))
      site.store.always(undefined)
      return [args.length, (args[0] as SessionError).code]
    })
    expect(seen).toEqual([1, 'ERR_SESSION_STORE'])
  })
})

describe('a callback that throws', () => {
  it('breaks nothing: it is an uncaught exception, as with any callback, and the session goes on', async () => {
    const { visitor, site } = await returning()
    const uncaught: unknown[] = []
    process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error.message))
    atEnd(process, (it) => it.setUncaughtExceptionCaptureCallback(null))
    const calls: ((session: Bag, boom: () => void) => void)[] = [
      (session, boom) => session.load(boom),
      (session, boom) => session.save(boom),
      (session, boom) => session.update((draft) => (draft.n = 2), boom),
      (session, boom) => session.reload(boom),
      (session, boom) => session.touch(boom),
      (session, boom) => session.regenerate(boom),
      (session, boom) => session.destroy(boom)
    ]
    for (const [index, call] of calls.entries()) {
      const { status } = await visitor.visit(async (session) => {
        await new Promise<void>((resolve) => {
          call(session, () => {
            resolve()
            throw new Error(`callback ${index}`)
          })
        })
      })
      expect(status).toBe(200)
    }
    expect(uncaught).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => `callback ${index}`))
    expect(visitor.hasCookie).toBe(false)
    expect(site.store.inner).toHaveProperty('size', 0)
  })
})
