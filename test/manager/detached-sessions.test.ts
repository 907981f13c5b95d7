import session, { CookieStore, MemoryStore, type Session, type SessionOptions, type Store } from '../../lib'
import { advance } from '../support/clock'
import { fails } from '../support/counting-store'
import { codeOf } from '../support/outcome'
import { returning, secret, Site, type Bag, type Visitor } from '../support/site'

const MINUTE = 60_000

/** What the upgrade of a visitor's WebSocket looks like. */
const upgrade = (visitor: Visitor) => ({ headers: { cookie: `other=1; sid=${visitor.cookie}` } })

/** The sessions of a site, as another process with the same options has them. */
function outside(site: Site, options: Partial<SessionOptions> = {}) {
  const sessions = session({ secret, store: site.store, ...options })
  const load = (visitor: Visitor) => sessions.open(upgrade(visitor)) as Promise<Bag>
  return { sessions, load }
}

describe('open gives null', () => {
  test.each([
    ['without a cookie', {}],
    ['with a cookie of another name', { cookie: 'other=1' }],
    ['with a cookie that nobody signed', { cookie: 'sid=s%3Aid.bad' }]
  ])('%s, and does not ask the store', async (_, headers) => {
    const { site } = await returning()
    expect(await outside(site).sessions.open({ headers })).toBeNull()
    expect(site.store.log).toBe('')
  })

  test('where the session has ended', async () => {
    const { site, visitor } = await returning()
    const { load } = outside(site)
    const old = visitor.clone()
    await visitor.ask((s) => s.destroy())
    expect(await load(old)).toBeNull()
  })

  test('where valid does not accept it; it sees the request', async () => {
    const { site, visitor } = await returning({}, { banned: true })
    const { load } = outside(site, {
      valid: (req, s) => req.headers.cookie !== undefined && !(s as Bag).banned
    })
    expect(await load(visitor)).toBeNull()
    expect(await site.stored(visitor.id)).toMatchObject({ banned: true })
  })
})

test.each([new Headers({ cookie: 'sid=x' }), new Map([['cookie', 'sid=x']])])(
  'open refuses %p for headers, and says how to give them',
  async (headers) => {
    const { site } = await returning()
    const opened = outside(site).sessions.open({ headers: headers as never })
    await expect(opened).rejects.toThrow(
      /of a Headers or a Map, \{ headers: Object\.fromEntries\(headers\) \}$/
    )
  }
)

describe('load', () => {
  test('gives the session of the request, and renews its life', async () => {
    const { site, visitor } = await returning({ idleTimeout: MINUTE })
    const { load } = outside(site, { idleTimeout: MINUTE })
    const handle = await visitor.ask((s) => s.handle)
    for (let i = 0; i < 3; i++) {
      advance(0.7 * MINUTE)
      expect(await load(visitor)).toMatchObject({ n: 1, id: visitor.id, handle, isNew: false })
    }
  })

  test('takes the store that is chosen for the request', async () => {
    const { site, visitor } = await returning()
    const empty = new MemoryStore()
    const store = ({ headers }: { headers: { cookie?: string } }): Store =>
      headers.cookie?.startsWith('other') ? site.store : empty
    const { sessions, load } = outside(site, { store: store as SessionOptions['store'] })
    expect(await load(visitor)).toMatchObject({ n: 1 })
    expect(await sessions.open({ headers: { cookie: `sid=${visitor.cookie}` } })).toBeNull()
  })

  test.each(['throw', 'anonymous'] as const)(
    'rejects where the store fails, with whenUnreadable %p',
    async (whenUnreadable) => {
      const { site, visitor } = await returning()
      const { load } = outside(site, { whenUnreadable })
      site.store.next('get', fails)
      expect(await codeOf(load(visitor))).toBe('ERR_SESSION_STORE')
      expect(await load(visitor)).toMatchObject({ n: 1 })
    }
  )

  test.each([
    ['nothing', undefined],
    ['no headers', {}],
    ['the headers of fetch', { headers: new Headers({ cookie: 'sid=1' }) }]
  ])('rejects for what is no request: %s', async (_what, request) => {
    const { sessions } = outside((await returning()).site)
    expect(await codeOf(sessions.open(request as never))).toBe('ERR_SESSION_OPTIONS')
  })

  test('rejects for options that cannot be right, and does not throw', async () => {
    const { site, visitor } = await returning()
    const { load } = outside(site, { store: () => ({}) as Store })
    expect(await codeOf(load(visitor))).toBe('ERR_SESSION_OPTIONS')
  })
})

describe('long after, a session from load', () => {
  async function socket(options: Partial<SessionOptions> = {}) {
    const { site, visitor } = await returning(options, { n: 1, mine: 1 })
    const loaded = await outside(site, options).load(visitor)
    await visitor.ask((s) => void (s.n = 2))
    return { site, visitor, loaded }
  }

  test('updates what is stored then', async () => {
    const { visitor, loaded } = await socket()
    for (let i = 0; i < 3; i++) await loaded.update((s) => void (s.n = (s.n as number) + 1))
    expect(loaded.n).toBe(5)
    expect(await visitor.ask((s) => s.n)).toBe(5)
  })

  test('saves its changes beside those of others, and nothing by itself', async () => {
    const { visitor, loaded } = await socket()
    loaded.mine = 2
    expect(await visitor.ask((s) => s.mine)).toBe(1)
    await loaded.save()
    expect(await visitor.ask((s) => [s.n, s.mine])).toEqual([2, 2])
  })

  test('reloads', async () => {
    const { loaded } = await socket()
    expect(loaded.n).toBe(1)
    expect(await loaded.reload()).toBe(loaded)
    expect(loaded.n).toBe(2)
  })

  test('renews its life by touch, and by a change', async () => {
    const { visitor, loaded } = await socket({ idleTimeout: MINUTE })
    for (const use of [
      () => loaded.touch(),
      () => loaded.update((s) => void (s.mine = 3)),
      () => loaded.touch()
    ]) {
      advance(0.7 * MINUTE)
      await use()
    }
    expect(await visitor.ask((s) => s.mine)).toBe(3)
  })

  test('destroys', async () => {
    const { site, visitor, loaded } = await socket()
    await loaded.destroy()
    expect(await site.stored(visitor.id)).toBeNull()
  })

  test('finds that it has ended', async () => {
    const { visitor, loaded } = await socket()
    await visitor.ask((s) => s.destroy())
    for (const use of [
      () => loaded.update((s) => void (s.n = 9)),
      () => {
        loaded.n = 9
        return loaded.save()
      },
      () => loaded.reload(),
      () => loaded.touch()
    ]) {
      expect(await codeOf(use())).toBe('ERR_SESSION_GONE')
    }
  })

  test('that has ended is saved and destroyed where that changes nothing, and is not updated', async () => {
    const { visitor, loaded } = await socket()
    await visitor.ask((s) => s.destroy())
    await loaded.save()
    await expect(loaded.update((s) => s.n)).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
    await loaded.destroy()
  })

  test.each([
    ['update', (s: Bag, n: number) => s.update((draft) => void (draft.n = n))],
    ['save', (s: Bag, n: number) => ((s.n = n), s.save())]
  ])('is stored by %s under the id that a request has just moved it to', async (_, store) => {
    const { visitor, loaded } = await socket()
    await visitor.ask((s) => s.regenerate({ keep: true }).then(() => null))
    await store(loaded, 9)
    expect(await visitor.ask((s) => s.n)).toBe(9)
    await visitor.ask((s) => s.regenerate({ keep: ['n'] }).then(() => null))
    expect(await codeOf(store(loaded, 10))).toBe('ERR_SESSION_GONE')
  })

  test('gets no new id, and nothing is stored for one', async () => {
    const { site, loaded } = await socket()
    for (const options of [{}, { keep: ['n'] as never }, { keep: true } as const]) {
      site.store.forget()
      expect(await codeOf(loaded.regenerate(options))).toBe('ERR_SESSION_HEADERS_SENT')
      expect(site.store.log).toBe('')
    }
    await loaded.update((s) => void (s.n = 7))
    expect(loaded.n).toBe(7)
  })
})

test('a sealed session can be read, and not changed', async () => {
  const site = await Site.open({ store: () => store })
  const store = new CookieStore()
  const visitor = site.visitor()
  await visitor.ask((s) => void (s.n = 1))
  const own = new CookieStore()
  const sessions = session({ secret, store: own })
  const loaded = (await sessions.open(upgrade(visitor))) as Session & { n?: number }
  expect(loaded.n).toBe(1)
  expect(await codeOf(loaded.update((s) => void (s.n = 2)))).toBe('ERR_SESSION_HEADERS_SENT')
  expect(await codeOf(loaded.destroy())).toBe('ERR_SESSION_HEADERS_SENT')
  expect(() => sessions.onDestroy(loaded, () => undefined)).toThrow(/RedisStore/)
})
