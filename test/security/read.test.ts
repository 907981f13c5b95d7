import { sign } from 'cookie-signature'
import session, { MemoryStore } from '../../lib'
import { CountingStore } from '../support/counting-store'
import { listen } from '../support/events'
import { codeOf } from '../support/outcome'
import { secret, Site, type Bag, type Visitor } from '../support/site'
import { HEADER_BOUND, leastCpuTime } from '../support/cpu-time'

const signed = (id: string) => encodeURIComponent(`s:${sign(id, secret)}`)

/** What a request with this Cookie header leads to, without a server between: any bytes can be sent. */
async function read(store: CountingStore, cookie: string, load: 'eager' | 'lazy' = 'eager'): Promise<Bag> {
  const req = { headers: { cookie } }
  const middleware = session({ secret, store, load })
  await new Promise<void>((resolve, reject) =>
    middleware(req as never, {}, (error) =>
      error ? reject(new Error('refused', { cause: error })) : resolve()
    )
  )
  return (req as unknown as { session: Bag }).session.load()
}

/** Two visitors of one site. */
async function two(): Promise<{ site: Site; real: Visitor; planted: Visitor }> {
  const site = await Site.open()
  const [real, planted] = [site.visitor(), site.visitor()]
  await real.ask((s) => void (s.user = 'real'))
  await planted.ask((s) => void (s.user = 'planted'))
  site.store.forget()
  return { site, real, planted }
}

const asks = (site: Site, ...cookies: string[]) =>
  site
    .visitor()
    .visit((s) => s.user ?? null, { headers: { cookie: cookies.map((value) => `sid=${value}`).join('; ') } })

describe('what is read', () => {
  it('never throws, whatever the bytes, and takes 256 KiB in under 10 ms', async () => {
    const store = new CountingStore()
    for (let code = 0; code < 256; code++) {
      const byte = String.fromCharCode(code)
      for (const cookie of [
        byte,
        `sid=${byte}`,
        `sid${byte}=x`,
        `${byte}sid=x`,
        `sid=s%3A${byte}.${byte}`,
        byte.repeat(99)
      ]) {
        expect((await read(store, cookie)).isNew).toBe(true)
      }
    }
    const size = 256 * 1024
    const fill = (text: string) => text.repeat(Math.ceil(size / text.length)).slice(0, size)
    const signature = 'A'.repeat(43)
    const middleware = session({ secret, store })
    for (const cookie of [
      ...[
        'a',
        ';',
        '=',
        ' ',
        '\t',
        '%',
        '"',
        'sid',
        'sid=',
        'sid=;',
        ' sid =;',
        '\u0000',
        'é',
        'a=b; ',
        'si=d;'
      ],
      ...[
        `sid=s%3Aabc.${signature}; `,
        `sid=s:${'a'.repeat(128)}.${signature};`,
        's%3A',
        '%3A',
        'sid=s%3A%2B'
      ]
    ].flatMap((text) => [fill(text), `sid=${fill(text)}`, `sid=s%3A${fill(text)}`])) {
      // As Node makes its headers: `repeat` alone leaves a tree of strings.
      const headers = { cookie: Buffer.from(cookie, 'latin1').toString('latin1') }
      const time = leastCpuTime(() => middleware({ headers } as never, {}, () => undefined), HEADER_BOUND)
      expect(time).toBeLessThan(HEADER_BOUND)
    }
    expect(store.log).toBe('')
  })

  it('only space and tab are trimmed, names are exact, a nameless cookie is not ours, quotes are part of the value', async () => {
    const { site, real } = await two()
    const { cookie } = real
    const { store } = site
    const inner = new CountingStore(store.inner)
    for (const header of [
      `sid=${cookie}`,
      ` \t sid \t= \t${cookie} \t;x`,
      `a=b;sid=${cookie}`,
      `;;sid=${cookie};;`
    ]) {
      expect((await read(inner, header)).user).toBe('real')
    }
    for (const header of [
      ...[
        `SID=${cookie}`,
        `Sid=${cookie}`,
        `s%69d=${cookie}`,
        `xsid=${cookie}`,
        `sid2=${cookie}`,
        `sid.=${cookie}`
      ],
      ...[`=${cookie}`, `=sid=${cookie}`, cookie, `sid="${cookie}"`, `sid='${cookie}'`, `"sid=${cookie}"`],
      ...[
        `sid=\u00a0${cookie}`,
        `sid=\v${cookie}`,
        `sid=\f${cookie}`,
        `\u00a0sid=${cookie}`,
        `x=sid=${cookie}`
      ],
      ...[`sid=${cookie}x`, `sid==${cookie}`, `sid,=${cookie}`, `$sid=${cookie}`]
    ]) {
      expect((await read(inner, header)).isNew).toBe(true)
    }
  })

  describe('of several cookies of our name', () => {
    it('each is tried, however many are forged; one that verifies wins', async () => {
      const { site, real } = await two()
      const { cookie } = real
      const forged = `s%3Aabc.${'A'.repeat(43)}`
      expect((await asks(site, forged, cookie)).text).toBe('"real"')
      expect((await asks(site, 'x', forged, '', cookie)).text).toBe('"real"')
      expect((await asks(site, cookie, forged, 'x', 'y', 'z')).text).toBe('"real"')
      expect((await asks(site, ...Array<string>(100).fill(forged), cookie)).text).toBe('"real"')
      expect((await asks(site, cookie, cookie)).text).toBe('"real"')
    })

    it('four at most of those that verify are looked up', async () => {
      const { site, real } = await two()
      site.store.forget()
      const unknown = ['a', 'b', 'c', 'd'].map((id) => signed(id.repeat(43)))
      expect((await asks(site, ...unknown, real.cookie)).text).toBe('null')
      expect(site.store.log).toBe('get get get get')
    })

    it('one that exists wins over one that verifies and does not', async () => {
      const { site, real } = await two()
      site.store.forget()
      expect((await asks(site, signed('unknown'), real.cookie)).text).toBe('"real"')
      expect((await asks(site, real.cookie, signed('unknown'))).text).toBe('"real"')
      expect(site.store.log).toBe('get get touch get get touch')
    })

    it('two that verify and exist: anonymous, reported, and neither is renewed', async () => {
      const { site, real, planted } = await two()
      const heard = listen()
      for (const cookies of [
        [planted.cookie, real.cookie],
        [real.cookie, planted.cookie]
      ]) {
        const { status, text, setCookies } = await asks(site, ...cookies)
        expect([status, text, setCookies]).toEqual([200, 'null', []])
      }
      expect(heard['holdfast:rejected']).toEqual([{ reason: 'ambiguous' }, { reason: 'ambiguous' }])
      expect(site.store.log).toBe('get get get get')
      for (const { ttl } of site.store.calls) expect(ttl).toBeUndefined()
    })

    it.each(['eager', 'lazy'] as const)(
      'the next regenerate ends both, as does destroy: %s',
      async (load) => {
        for (const end of ['regenerate', 'destroy'] as const) {
          const { site, real, planted } = await two()
          const same = await Site.open({ store: new CountingStore(site.store.inner), load })
          const visitor = same.visitor()
          await visitor.visit((s) => (end === 'destroy' ? s.destroy() : s.regenerate().then(() => null)), {
            headers: { cookie: `sid=${planted.cookie}; sid=${real.cookie}` }
          })
          expect([await site.stored(real.id), await site.stored(planted.id)]).toEqual([null, null])
          expect(site.store.inner).toHaveProperty('size', end === 'regenerate' ? 1 : 0)
        }
      }
    )

    it('what an anonymous visitor then stores is a session of its own', async () => {
      const { site, real, planted } = await two()
      const visitor = site.visitor()
      await visitor.visit((s) => void (s.user = 'third'), {
        headers: { cookie: `sid=${planted.cookie}; sid=${real.cookie}` }
      })
      expect([real.id, planted.id]).not.toContain(visitor.id)
      expect([await real.ask((s) => s.user), await planted.ask((s) => s.user)]).toEqual(['real', 'planted'])
    })
  })

  it('__proto__ and constructor are harmless, as names of cookies and of keys', async () => {
    const before = Object.getOwnPropertyNames(Object.prototype)
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
      const site = await Site.open({ name })
      const visitor = site.visitor()
      expect(await visitor.ask((s) => s.isNew)).toBe(true)
      await visitor.ask((s) => void (s.n = 1))
      expect(await visitor.ask((s) => s.n)).toBe(1)
    }
    const site = await Site.open()
    const visitor = site.visitor('x')
    await visitor.visit((s) => s.n, { headers: { cookie: '__proto__=1; constructor=2; toString=3' } })

    const polluted =
      '{"__proto__":{"evil":1},"constructor":{"prototype":{"evil":1}},"o":{"__proto__":{"evil":1}},"n":1}'
    await visitor.ask((s) => void (s.n = 0))
    await site.store.inner.destroy(visitor.id)
    await site.store.inner.set(visitor.id, polluted, 60_000, null)
    const seen = await visitor.ask(async (s) => {
      await visitor.clone().ask((other) => void (other.m = 1))
      s.n = 2
      await s.save()
      await s.update((draft) => void (draft.n = 3))
      await s.reload()
      return [
        s.evil ?? null,
        (s.o as Bag).evil ?? null,
        Object.keys(s).sort(),
        ({} as Record<string, unknown>).evil ?? null
      ]
    })
    expect(seen).toEqual([null, null, ['constructor', 'cookie', 'm', 'n', 'o'], null])
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
    expect(({} as { evil?: number }).evil).toBeUndefined()
  })

  it('an id is checked for its shape before it becomes a key of the store, even if it is signed', async () => {
    const store = new CountingStore()
    for (const id of [
      '',
      'a b',
      '../../etc',
      'a:b',
      'a.b',
      'x'.repeat(129),
      'ä',
      'a\n',
      'a\u0000',
      '*',
      'a/b',
      'a+b',
      "a'b"
    ]) {
      for (const value of [signed(id), `s:${sign(id, secret)}`])
        expect((await read(store, `sid=${value}`)).isNew).toBe(true)
    }
    expect(store.log).toBe('')
    for (const id of ['a', 'x'.repeat(128), '-_', '0', '__proto__']) await read(store, `sid=${signed(id)}`)
    expect(store.log).toBe('get get get get get')
  })
})

it('a second cookie does not help to keep a session alive after a logout', async () => {
  const { site, real, planted } = await two()
  const both = { headers: { cookie: `sid=${planted.cookie}; sid=${real.cookie}` } }
  await site.visitor().visit((s) => codeOf(s.destroy()), both)
  expect(await site.visitor().visit((s) => s.user ?? null, both)).toMatchObject({ text: 'null' })
  expect(site.store.inner).toBeInstanceOf(MemoryStore)
  expect(site.store.inner).toHaveProperty('size', 0)
})
