import crypto from 'node:crypto'
import session, { type SessionError, type SessionOptions } from '../../lib'
import { advance } from '../support/clock'
import { CountingStore } from '../support/counting-store'
import { secret, Site, type Bag } from '../support/site'

const OLD = 'the secret of last year, thirty-two bytes or more'
const NEW = 'the secret of this year, thirty-two bytes or more'
const MINUTE = 60_000

/** The warnings that options give rise to in a new process, or the error that they are refused with. */
function outcome(options: SessionOptions, env: string): string[] | SessionError {
  const before = process.env.NODE_ENV
  let checkOptions!: (options: SessionOptions) => unknown
  // Each warning comes once in a process.
  jest.isolateModules(() => ({ checkOptions } = jest.requireActual('../../lib/options')))
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  process.env.NODE_ENV = env
  try {
    checkOptions(options)
    return warn.mock.calls.map(([, about]) => (about as { code: string }).code)
  } catch (error) {
    return error as SessionError
  } finally {
    process.env.NODE_ENV = before
    warn.mockRestore()
  }
}

describe('secrets', () => {
  it('signatures are compared in constant time, and every single-bit change of a cookie fails', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.user = 'test'))
    const compare = jest.spyOn(crypto, 'timingSafeEqual')
    expect(await visitor.ask((s) => s.user)).toBe('test')
    expect(compare).toHaveBeenCalled()
    compare.mockRestore()

    const { cookie } = visitor
    // Full HMAC-SHA-256: 32 bytes are 43 characters of base64.
    expect(decodeURIComponent(cookie).split('.')[1]).toMatch(/^[A-Za-z0-9+/]{43}$/)
    const store = new CountingStore(site.store.inner)
    const middleware = session({ secret, store })
    const raw = decodeURIComponent(cookie)
    for (const value of [cookie, raw]) {
      for (let at = 0; at < value.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const flipped = String.fromCharCode(value.charCodeAt(at) ^ (1 << bit))
          const req = { headers: { cookie: `sid=${value.slice(0, at)}${flipped}${value.slice(at + 1)}` } }
          const done = jest.fn()
          middleware(req as never, {}, done)
          // Without a verified id there is no waiting.
          expect(done).toHaveBeenCalledWith()
          expect((req as unknown as { session: Bag }).session.isNew).toBe(true)
        }
      }
    }
    expect(store.log).toBe('')
    await site.visitor(raw).ask((s) => s.user)
  })

  it('a weak secret is refused at start in production, and warned about elsewhere; so is the first of an array', () => {
    const weak: SessionOptions['secret'][] = [
      ...['keyboard cat', 'secret', 'changeme', 'short', 'x'.repeat(31), Buffer.alloc(31, 'x')],
      ...['keyboard cat keyboard cat keyboard cat', 'secret '.repeat(10)],
      ['keyboard cat', secret]
    ]
    const store = new CountingStore()
    for (const one of weak) {
      const refused = outcome({ secret: one, store }, 'production') as SessionError
      expect([refused.code, refused.message]).toEqual([
        'ERR_SESSION_OPTIONS',
        expect.stringMatching(/^secret.*npx holdfast secret/s)
      ])
      for (const env of ['development', 'test', '']) {
        expect(outcome({ secret: one, store }, env)).toContain('HOLDFAST_WEAK_SECRET')
      }
    }
    // The later ones only verify, and stay until their cookies are signed anew.
    for (const env of ['production', 'development']) {
      expect(outcome({ secret: [secret, 'short'], store }, env)).toEqual(['HOLDFAST_WEAK_SECRET'])
    }
    for (const one of [secret, 'x'.repeat(32), '汉'.repeat(11), Buffer.alloc(32, 'x'), [OLD, NEW]]) {
      for (const env of ['production', 'development'])
        expect(outcome({ secret: one, store }, env)).toEqual([])
    }
  })

  it('the first secret signs, each verifies, and one that was removed fails at once', async () => {
    const store = new CountingStore()
    const [before, during, afterwards] = [
      await Site.open({ store, secret: OLD }),
      await Site.open({ store, secret: [NEW, OLD] }),
      await Site.open({ store, secret: NEW })
    ]
    const visitor = before.visitor()
    await visitor.ask((s) => void (s.user = 'test'))
    const old = visitor.cookie
    expect(await during.visitor(old).ask((s) => s.user)).toBe('test')
    store.forget()
    expect(await afterwards.visitor(old).ask((s) => s.user ?? null)).toBeNull()
    expect(store.log).toBe('')

    // Who comes without a session gets the new signature, who has one gets it at the next Set-Cookie.
    const fresh = during.visitor()
    await fresh.ask((s) => void (s.user = 'fresh'))
    expect(await afterwards.visitor(fresh.cookie).ask((s) => s.user)).toBe('fresh')
    const changed = during.visitor(old)
    expect((await changed.visit((s) => s.user)).setCookies).toEqual([])
    await changed.ask((s) => void (s.n = 1))
    expect(changed.cookie).not.toBe(old)
    expect(changed.id).toBe(visitor.id)
    expect(await afterwards.visitor(changed.cookie).ask((s) => s.user)).toBe('test')
    expect((await changed.visit((s) => void (s.n = 2))).setCookies).toEqual([])
  })

  it('a cookie with an age is signed anew when it is renewed', async () => {
    for (const [options, minutes] of [
      [{}, 31],
      [{ renew: 'always' }, 1]
    ] as const) {
      const store = new CountingStore()
      const shared = { store, cookie: { maxAge: 60 * MINUTE }, ...options }
      const visitor = (await Site.open({ ...shared, secret: OLD })).visitor()
      await visitor.ask((s) => void (s.user = 'test'))
      advance(minutes * MINUTE)
      const during = (await Site.open({ ...shared, secret: [NEW, OLD] })).visitor(visitor.cookie)
      await during.ask((s) => s.user)
      const afterwards = await Site.open({ ...shared, secret: NEW })
      expect(await afterwards.visitor(during.cookie).ask((s) => s.user)).toBe('test')
    }
  })

  it('a bad signature, an expired session and an unknown one look the same from outside', async () => {
    for (const handler of [
      (s: Bag) => [Object.keys(s), s.isNew],
      (s: Bag) => void (s.n = 1),
      (s: Bag) => s.destroy(),
      (s: Bag) => s.reload(),
      (s: Bag) => s.touch()
    ]) {
      const site = await Site.open({ idleTimeout: MINUTE })
      const [expired, destroyed] = [site.visitor(), site.visitor()]
      await expired.ask((s) => void (s.n = 1))
      await destroyed.ask((s) => void (s.n = 1))
      await destroyed.clone().ask((s) => s.destroy())
      advance(2 * MINUTE)
      const forged = expired.cookie.slice(0, -1) + (expired.cookie.endsWith('A') ? 'B' : 'A')
      const looks = []
      for (const cookie of [forged, expired.cookie, destroyed.cookie, 'garbage']) {
        const { status, text, headers, setCookies } = await site.visitor(cookie).visit(handler)
        const { date: _date, 'set-cookie': _cookies, ...rest } = headers
        looks.push({ status, text, rest, setCookies: setCookies.map((line) => line.replace(/=[^;]*/, '')) })
      }
      expect(new Set(looks.map((look) => JSON.stringify(look))).size).toBe(1)
      await site.stop()
    }
  })
})
