import crypto from 'node:crypto'
import express from 'express'
import { checkOptions } from '../../lib/options'
import { createSigner } from '../../lib/cookie/signature'
import { advance } from '../support/clock'
import { codeOf } from '../support/outcome'
import { secret, Site, type Bag, type Handler, type Visitor } from '../support/site'
import { isLong } from '../support/long'

const HOUR = 3_600_000
/** `npm run test:long` draws a million. */
const IDS = isLong ? 1_000_000 : 20_000
const modes = ['eager', 'lazy'] as const

/** A cookie whose signature is right, for whatever id. */
const signed = (id: string) => encodeURIComponent(createSigner([secret], 'sid').sign(id))
const logIn: Handler = async (s) => void ((await s.load()).user = 'somebody')
const whoAmI = async (s: Bag) => ((await s.load()).user as string | undefined) ?? null

describe('256 bits from the system’s random source as the id', () => {
  it('are what the cookie carries', async () => {
    const site = await Site.open()
    const source = jest.spyOn(crypto, 'randomBytes')
    const visitor = site.visitor()
    await visitor.ask(logIn)
    const drawn = source.mock.results.map(({ value }) => (value as unknown as Buffer).toString('base64url'))
    source.mockRestore()
    expect(drawn).toContain(visitor.id)
    expect(Buffer.from(visitor.id, 'base64url')).toHaveLength(32)
  })

  it(`make ${IDS} ids that are all different, with every position uniform`, () => {
    const { genid } = checkOptions({ secret })
    const ids = new Set<string>()
    const counts = Array.from({ length: 43 }, () => new Uint32Array(128))
    for (let i = 0; i < IDS; i++) {
      const id = genid({} as never)
      ids.add(id)
      for (let at = 0; at < 43; at++) counts[at]![id.charCodeAt(at)]!++
    }
    expect(ids.size).toBe(IDS)
    counts.forEach((seen, at) => {
      // 43 characters of 6 bits are two bits more than there are: the last one has 16 values.
      const values = at === 42 ? 16 : 64
      const expected = IDS / values
      const used = seen.filter((count) => count > 0)
      expect([at, used.length]).toEqual([at, values])
      const chiSquare = used.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
      // Ten standard deviations above the mean: chance does not get there.
      expect(chiSquare).toBeLessThan(values - 1 + 10 * Math.sqrt(2 * (values - 1)))
    })
  }, 120_000)
})

describe('An id that the client made up is never adopted', () => {
  const writes: [what: string, handler: Handler][] = [
    ['changed', logIn],
    ['saved', async (s) => Object.assign(await s.load(), { n: 1 }).save()],
    ['updated', (s) => s.update((draft) => void (draft.n = 1))],
    ['regenerated', async (s) => void ((await s.regenerate()).n = 1)],
    ['regenerated, keeping all', async (s) => void ((await s.regenerate({ keep: true })).n = 1)]
  ]
  it.each(modes.flatMap((load) => writes.map(([what, handler]) => [load, what, handler] as const)))(
    'validly signed and unknown: %s, %s',
    async (load, _what, handler) => {
      const site = await Site.open({ load })
      const made = 'A'.repeat(43)
      const visitor = site.visitor(signed(made))
      expect((await visitor.visit(handler)).status).toBe(200)
      expect(visitor.id).toMatch(/^[\w-]{43}$/)
      expect(visitor.id).not.toBe(made)
      expect(await site.stored(visitor.id)).not.toBeNull()
      expect(await site.stored(made)).toBeNull()
      const written = site.store.calls.filter(({ operation }) => operation === 'set').map(({ id }) => id)
      expect(written).not.toContain(made)
    }
  )

  it('validly signed and unknown, where new sessions are stored as they are', async () => {
    const site = await Site.open({ saveUninitialized: true })
    const visitor = site.visitor(signed('chosen'))
    await visitor.ask(() => null)
    expect(visitor.id).not.toBe('chosen')
    expect(await site.stored('chosen')).toBeNull()
  })

  it('with a signature of somebody else: the store does not even hear of it', async () => {
    const site = await Site.open()
    const made = 'A'.repeat(43)
    const forged = createSigner(['another secret that has 32 bytes or more'], 'sid').sign(made)
    const visitor = site.visitor(encodeURIComponent(forged))
    await visitor.ask(logIn)
    expect(visitor.id).not.toBe(made)
    expect(site.store.calls.map(({ id }) => id)).not.toContain(made)
  })
})

describe('Only the configured transport counts', () => {
  it.each(modes)('an id in the query, the body or another header is ignored, %s', async (load) => {
    const parsers = [express.urlencoded({ extended: true }), express.json()]
    const site = await Site.open({ load }, (app) => app.use(parsers))
    const owner = site.visitor()
    await owner.ask(logIn)
    expect(await owner.ask(whoAmI)).toBe('somebody')
    site.store.forget()

    for (const value of [owner.cookie, decodeURIComponent(owner.cookie), owner.id]) {
      const pair = `sid=${encodeURIComponent(value)}`
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      for (const sent of [
        { path: `/?${pair}&sessionID=${encodeURIComponent(value)}` },
        { path: `/;${pair}` },
        { method: 'POST', headers: form, body: pair },
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: `{"sid":"${value}"}` },
        { headers: { 'set-cookie': pair, cookie2: pair, 'x-cookie': pair, 'proxy-cookie': pair } },
        { headers: { sid: value, 'x-session-id': value, authorization: `Bearer ${value}` } },
        // A cookie of another name.
        { headers: { cookie: `sid2=${owner.cookie}; SID=${owner.cookie}; connect.sid=${owner.cookie}` } }
      ]) {
        const { status, text } = await site.visitor().visit(whoAmI, sent)
        expect([status, text]).toEqual([200, 'null'])
      }
    }
    expect(site.store.log).toBe('')
  })
})

describe('New id at login, the old one dead', () => {
  it.each(
    modes.flatMap((load) => [
      [load, {}] as const,
      [load, { keep: true as const }] as const,
      [load, { keep: ['cart'] }] as const
    ])
  )('%s, regenerate(%j): who replays the old cookie is anonymous', async (load, options) => {
    const site = await Site.open({ load })
    const visitor = site.visitor()
    await visitor.ask(async (s) => void ((await s.load()).cart = 1))
    const before = visitor.cookie
    const idBefore = visitor.id
    await visitor.ask(async (s) => void ((await s.regenerate(options)).user = 'somebody'))
    expect(visitor.id).not.toBe(idBefore)
    expect(await visitor.ask(whoAmI)).toBe('somebody')

    const thief = site.visitor(before)
    expect(await thief.ask(async (s) => ({ ...(await s.load()), cookie: 0 }))).toEqual({ cookie: 0 })
    await thief.ask(async (s) => void ((await s.load()).planted = true))
    expect(thief.id).not.toBe(idBefore)
    expect(await visitor.ask(async (s) => (await s.load()).planted ?? null)).toBeNull()
  })
})

describe('Logout kills the state on the server and clears the cookie', () => {
  const logOuts: [string, Handler][] = [
    ['destroy()', (s) => s.destroy()],
    ['req.session = null', (_s, req) => void (req.session = null as never)]
  ]
  it.each(modes.flatMap((load) => logOuts.map(([how, logOut]) => [load, how, logOut] as const)))(
    '%s, %s: same name, path, domain and flags',
    async (load, _how, logOut) => {
      const site = await Site.open({
        ...{ load, name: 'app', proxy: true },
        cookie: {
          ...{ path: '/app', domain: 'example.com', sameSite: 'none', secure: true, partitioned: true },
          ...{ priority: 'high', maxAge: HOUR }
        }
      })
      const https = { path: '/app/', headers: { 'x-forwarded-proto': 'https' } }
      const attributes = (lines: readonly string[]) => {
        expect(lines).toHaveLength(1)
        const [pair, ...rest] = lines[0]!.split('; ')
        return { name: pair!.split('=')[0], rest: rest.filter((one) => !one.startsWith('Expires=')).sort() }
      }
      const visitor = site.visitor()
      const set = attributes((await visitor.visit(logIn, https)).setCookies)
      const { cookie, id } = visitor
      const { setCookies } = await visitor.visit(logOut, https)

      expect(setCookies[0]).toMatch(/^app=;.*; Expires=Thu, 01 Jan 1970 00:00:00 GMT/)
      expect(attributes(setCookies)).toEqual(set)
      expect(set.rest).toEqual(
        ['Domain=example.com', 'HttpOnly', 'Partitioned', 'Path=/app', 'Priority=High'].concat(
          'SameSite=None',
          'Secure'
        )
      )
      expect(await site.stored(id)).toBeNull()
      expect((await site.visitor(cookie).visit(whoAmI, https)).text).toBe('null')
    }
  )
})

describe('No write recreates a destroyed or expired session', () => {
  const ends: [string, (visitor: Visitor) => unknown][] = [
    ['destroyed', (visitor) => visitor.ask((s) => s.destroy())],
    ['regenerated', (visitor) => visitor.ask((s) => s.regenerate().then(() => null))],
    ['past its idle timeout', () => advance(HOUR + 1)],
    ['past its lifetime', () => advance(2 * HOUR + 1)]
  ]
  const writes: [string, (s: Bag) => unknown][] = [
    ['the commit at the end', (s) => void (s.n = 2)],
    ['save', (s) => Object.assign(s, { n: 2 }).save()],
    ['update', (s) => s.update((draft) => void (draft.n = 2))],
    ['touch', (s) => s.touch()],
    ['reload', (s) => s.reload()],
    ['its cookie settings', (s) => void (s.cookie.maxAge = HOUR / 2)],
    ['regenerate({ keep: true })', async (s) => (await s.regenerate({ keep: true })).save()],
    [
      'one attempt after another',
      async (s) => {
        expect(await codeOf(Object.assign(s, { n: 2 }).save())).toBe('ERR_SESSION_GONE')
        expect(await codeOf(s.update((draft) => void (draft.n = 3)))).toBe('ERR_SESSION_GONE')
        s.n = 4
      }
    ]
  ]
  const cases = ends.flatMap(([end, finish]) =>
    writes.map(([what, write]) => [end, what, finish, write] as const)
  )

  /** A session ends while a request runs, which then writes. */
  async function late(site: Site, finish: (visitor: Visitor) => unknown, write: (s: Bag) => unknown) {
    const visitor = site.visitor()
    await visitor.ask(logIn)
    const { id } = visitor
    const before = await site.stored(id)
    let ended: unknown
    const answer = await visitor.clone().visit(async (s) => {
      await finish(visitor)
      ended = await site.stored(id)
      site.store.forget()
      await write(s)
    })
    expect(answer.setCookies).toEqual([])
    // A store may keep what is past its lifetime until it is asked for it: then it is as it was.
    expect([null, before]).toContainEqual(ended)
    expect([null, ended]).toContainEqual(await site.stored(id))
    // Nor does it live on under another id.
    for (const { operation, id: tried } of site.store.calls) {
      if (operation === 'set' && tried !== id) expect(await site.stored(tried)).toBeNull()
    }
    expect(await site.visitor(signed(id)).ask(whoAmI)).toBeNull()
    expect(await site.stored(id)).toBeNull()
    return answer
  }

  const options = (end: string) => ({
    idleTimeout: end === 'past its lifetime' ? 3 * HOUR : HOUR,
    lifetime: 2 * HOUR
  })

  it.each(cases)('%s: %s', async (end, _what, finish, write) => {
    const site = await Site.open(options(end))
    expect((await late(site, finish, write)).status).toBe(409)
  })

  it.each(cases.filter(([, what]) => !what.startsWith('one')))(
    'nor with whenGone: drop; %s: %s',
    async (end, _what, finish, write) => {
      const site = await Site.open({ ...options(end), whenGone: 'drop' })
      expect([200, 409]).toContain((await late(site, finish, write)).status)
    }
  )
})

describe('Idle timeout and lifetime are enforced by the server', () => {
  it.each([undefined, HOUR])('idle timeout: whatever the browser keeps (maxAge %s)', async (maxAge) => {
    const site = await Site.open({ idleTimeout: HOUR, cookie: { maxAge: maxAge ?? null } })
    const visitor = site.visitor()
    await visitor.ask(logIn)
    const { cookie, id } = visitor
    for (let i = 0; i < 5; i++) {
      advance(0.9 * HOUR)
      expect(await site.visitor(cookie).ask(whoAmI)).toBe('somebody')
    }
    advance(HOUR + 1)
    expect(await site.visitor(cookie).ask(whoAmI)).toBeNull()
    expect(await site.stored(id)).toBeNull()
  })

  const extensions: [string, Handler][] = [
    ['use', whoAmI],
    ['a change', (s) => void (s.n = Math.random())],
    ['touch', (s) => s.touch()],
    ['cookie.maxAge', (s) => void (s.cookie.maxAge = 1000 * HOUR)],
    ['cookie.expires', (s) => void (s.cookie.expires = new Date(Date.now() + 1000 * HOUR))],
    ['regenerate({ keep: true })', (s) => s.regenerate({ keep: true }).then(() => null)]
  ]
  it.each(extensions)('lifetime: it cannot be extended by %s', async (_what, extend) => {
    const site = await Site.open({ idleTimeout: HOUR, lifetime: 3 * HOUR, renew: 'always' })
    const start = Date.now()
    const visitor = site.visitor()
    await visitor.ask(logIn)
    for (let i = 0; i < 5; i++) {
      advance(HOUR / 2)
      const { status, setCookies } = await visitor.visit(extend)
      expect(status).toBe(200)
      const expires = /Expires=([^;]*)/.exec(setCookies.join())?.[1]
      if (expires) expect(Date.parse(expires)).toBeLessThanOrEqual(start + 3 * HOUR + 60_000)
      expect(await visitor.ask(whoAmI)).toBe('somebody')
    }
    const { cookie, id } = visitor
    advance(HOUR / 2 + 1)
    expect(await site.visitor(cookie).ask(whoAmI)).toBeNull()
    // The clock of this process may be wrong: the store's own life ends the record.
    advance(3 * HOUR)
    expect(await site.stored(id)).toBeNull()
  })

  it('lifetime: a store that keeps a record for longer changes nothing', async () => {
    const site = await Site.open({ lifetime: 3 * HOUR })
    const visitor = site.visitor()
    await visitor.ask(logIn)
    await site.store.inner.touch(visitor.id, 1000 * HOUR)
    advance(3 * HOUR + 1)
    expect(await site.stored(visitor.id)).not.toBeNull()
    expect(await visitor.ask(whoAmI)).toBeNull()
  })
})
