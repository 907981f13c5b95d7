import express from 'express'
import session, { type CookieOptions, type SessionError, type SessionOptions } from '../../lib'
import { answerLost, fails, hangs } from '../support/counting-store'
import { send } from '../support/send'
import { secret, Site, type Bag, type Handler } from '../support/site'

const https = { 'x-forwarded-proto': 'https' }
const logIn: Handler = async (s) => void ((await s.load()).user = 'somebody')

/** The error with which the middleware refuses to start; undefined where it starts. */
function refusal(options: Partial<SessionOptions>): SessionError | undefined {
  try {
    session({ secret, ...options })
    return undefined
  } catch (error) {
    return error as SessionError
  }
}

/** A handler that changes the cookie of this session has to fail: nothing sent, nothing stored. */
async function refusedAtRunTime(options: Partial<SessionOptions>, change: CookieOptions): Promise<void> {
  const site = await Site.open({ proxy: true, ...options })
  const { status, text, setCookies } = await site.visitor().visit(
    (s) => {
      s.user = 'somebody'
      Object.assign(s.cookie, change)
    },
    { headers: https }
  )
  expect([status, text, setCookies]).toEqual([500, '{"error":"ERR_SESSION_DATA"}', []])
  expect(site.store.log).toBe('')
}

describe('Names with __Host- need Secure, path / and no domain; __Secure- needs Secure', () => {
  const violations: [string, CookieOptions][] = [
    ['__Host-', {}],
    ['__Host-', { secure: 'auto' }],
    ['__Host-', { secure: false }],
    ['__Host-', { secure: true, path: '/app' }],
    ['__Host-', { secure: true, domain: 'example.com' }],
    ['__Secure-', {}],
    ['__Secure-', { secure: 'auto' }],
    ['__Secure-', { secure: false }]
  ]
  it.each(violations)('thrown at start, case-insensitively: %s with %j', (prefix, cookie) => {
    for (const spelled of [prefix, prefix.toLowerCase(), prefix.toUpperCase()]) {
      expect(refusal({ name: `${spelled}sid`, cookie })?.code).toBe('ERR_SESSION_OPTIONS')
    }
  })

  it.each<[string, CookieOptions]>([
    ['__Host-sid', { secure: false }],
    ['__Host-sid', { path: '/app' }],
    ['__Host-sid', { domain: 'example.com' }],
    ['__Secure-sid', { secure: false }]
  ])('refused at run time: %s with %j', (name, change) =>
    refusedAtRunTime({ name, cookie: { secure: true } }, change)
  )

  it('what keeps the rules is sent', async () => {
    const line = async (name: string, cookie: CookieOptions) => {
      const site = await Site.open({ name, proxy: true, cookie: { secure: true, ...cookie } })
      return (await site.visitor().visit(logIn, { headers: https })).setCookies.join()
    }
    expect(await line('__Host-sid', {})).toMatch(
      /^__Host-sid=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/
    )
    expect(await line('__Secure-sid', { domain: 'example.com' })).toMatch(/^__Secure-sid=.*; Secure;/)
    expect(refusal({ name: 'x__Host-sid' })).toBeUndefined()
  })
})

describe('HttpOnly unless switched off; SameSite Lax by default; None and Partitioned need Secure', () => {
  it.each<[CookieOptions, RegExp]>([
    [{}, /; Path=\/; HttpOnly; SameSite=Lax$/],
    [{ httpOnly: false }, /; Path=\/; SameSite=Lax$/],
    [{ secure: true }, /; HttpOnly; Secure; SameSite=Lax$/],
    [{ secure: true, sameSite: 'none', partitioned: true }, /; Secure; Partitioned; SameSite=None$/]
  ])('sent with %j', async (cookie, line) => {
    const site = await Site.open({ cookie, proxy: 'secure' in cookie })
    const { setCookies } = await site.visitor().visit(logIn, { headers: https })
    expect(setCookies).toEqual([expect.stringMatching(line)])
  })

  it.each<[CookieOptions]>(
    ([false, 'auto', undefined] as const).flatMap((secure) => [
      [{ secure, sameSite: 'none' }],
      [{ secure, partitioned: true }]
    ])
  )('thrown at start: %j', (cookie) => {
    expect(refusal({ cookie })?.code).toBe('ERR_SESSION_OPTIONS')
  })

  it.each<[CookieOptions]>([
    [{ sameSite: 'none', secure: false }],
    [{ partitioned: true, secure: false }],
    [{ httpOnly: 'no' as never }]
  ])('refused at run time: %j', (change) => refusedAtRunTime({}, change))
})

describe('Name, value, path, domain, sameSite and priority are checked', () => {
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
  const visible = bytes.filter((byte) => /[\x20-\x7e]/.test(byte)).join('')
  const places: Record<
    'name' | 'path' | 'domain' | 'sameSite' | 'priority',
    [with_: string, allowed: string]
  > = {
    name: ['sid', bytes.filter((byte) => /[\w!#$%&'*+.^`|~-]/.test(byte)).join('')],
    path: ['/p', visible.replace(/[;<]/g, '')],
    domain: ['example', bytes.filter((byte) => /[a-zA-Z0-9.-]/.test(byte)).join('')],
    sameSite: ['lax', ''],
    priority: ['high', '']
  }
  const inside = (text: string, byte: string) => `${text}${byte}${text.replace('/', '')}`

  it.each(Object.entries(places))('all 256 bytes in %s, at start', (place, [text, allowed]) => {
    const taken = bytes.filter((byte) => {
      const value = inside(text, byte)
      const error = refusal(place === 'name' ? { name: value } : { cookie: { [place]: value } })
      if (error) expect(error.code).toBe('ERR_SESSION_OPTIONS')
      return !error
    })
    expect(taken.join('')).toBe(allowed)
    expect(allowed).not.toMatch(/[;\x00-\x1f\x7f]/) // oxlint-disable-line no-control-regex
  })

  it.each(Object.entries(places).filter(([place]) => place !== 'name'))(
    'all 256 bytes in %s, at run time',
    async (place, [text, allowed]) => {
      const site = await Site.open()
      for (const byte of bytes) {
        const value = inside(text, byte)
        site.store.forget()
        const { status, setCookies } = await site.visitor().visit((s) => {
          s.user = 'somebody'
          Object.assign(s.cookie, { [place]: value })
        })
        if (allowed.includes(byte)) {
          expect(status).toBe(200)
          expect(setCookies).toHaveLength(1)
          expect(setCookies[0]!.split('; ').slice(1).sort()).toEqual(
            [place === 'path' ? `Path=${value}` : `Domain=${value}`, 'HttpOnly', 'SameSite=Lax']
              .concat(place === 'path' ? [] : 'Path=/')
              .sort()
          )
        } else expect([byte, status, setCookies, site.store.log]).toEqual([byte, 500, [], ''])
      }
    }
  )

  it('all 256 bytes in the value', async () => {
    let id = ''
    const site = await Site.open({ genid: () => id })
    for (const byte of bytes) {
      id = `before${byte}after`
      site.store.forget()
      const { status, setCookies } = await site.visitor().visit(logIn)
      if (/[\w-]/.test(byte)) {
        expect(setCookies).toEqual([expect.stringMatching(/^sid=s%3A[\w-]+\.[\w%]+; Path=\/; HttpOnly;/)])
      } else expect([byte, status, setCookies, site.store.log]).toEqual([byte, 500, [], ''])
    }
  })
})

describe('One Set-Cookie per name and response', () => {
  const theirs = ['theme=dark', 'sid=theirs; Path=/', 'sid2=x', 'SID=y', 'n=sid=z']
  it.each<[string, (res: express.Response) => unknown]>([
    ['appended', (res) => theirs.forEach((line) => res.append('Set-Cookie', line))],
    ['set as a list', (res) => res.setHeader('Set-Cookie', theirs)],
    ['given to writeHead', (res) => res.writeHead(200, { 'Set-Cookie': theirs }).end()],
    ['given to writeHead as a flat list', (res) => res.writeHead(200, ['Set-Cookie', theirs] as never).end()]
  ])('others survive, %s', async (_how, set) => {
    const site = await Site.open()
    const { setCookies } = await site.visitor().visit((s, _req, res) => {
      s.user = 'somebody'
      set(res)
      if (!res.writableEnded) res.end()
    })
    expect(setCookies).toEqual([
      'theme=dark',
      'sid2=x',
      'SID=y',
      'n=sid=z',
      expect.stringMatching(/^sid=s%3A/)
    ])
  })

  it('one for a session that was changed, saved, regenerated and changed again', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    const { setCookies } = await visitor.visit(async (s) => {
      s.a = 1
      await s.save()
      const next = await s.regenerate()
      next.b = 1
      await next.save()
      next.c = 1
    })
    expect(setCookies).toHaveLength(1)
    expect(await site.stored(visitor.id)).toMatchObject({ b: 1, c: 1 })
  })

  it('name and value together at most 4096 bytes, else a typed error', async () => {
    const valueOf = async (name: string) => {
      const site = await Site.open({ name, genid: () => 'a' })
      const { status, setCookies } = await site.visitor().visit(logIn)
      const value = setCookies[0]?.split(';')[0]?.slice(name.length + 1)
      return { status, value, error: site.errors[0]?.code }
    }
    const { value } = await valueOf('n')
    expect(value!.length + 2048).toBeLessThan(4096)
    const { value: other, ...rest } = await valueOf('n'.repeat(2048))
    expect(rest).toEqual({ status: 200, error: undefined })
    // The signature covers the name, so that it differs.
    expect(other).not.toBe(value)
    expect(other).toMatch(/^s%3Aa\./)
    // Refused at start, so that nothing is stored under a cookie that cannot be sent.
    await expect(valueOf('n'.repeat(2049))).rejects.toMatchObject({ code: 'ERR_SESSION_OPTIONS' })
  })
})

describe('No Set-Cookie unless the commit succeeded', () => {
  const starts: [string, (s: Bag) => unknown][] = [
    ['a new session', (s) => void (s.user = 'somebody')],
    ['saved', (s) => Object.assign(s, { user: 'somebody' }).save()],
    ['saved, and nobody waits', (s) => void Object.assign(s, { user: 'somebody' }).save()],
    ['updated', (s) => s.update((draft) => void (draft.user = 'somebody'))],
    ['regenerated', (s) => s.regenerate().then(() => null)],
    ['regenerated, and nobody waits', (s) => void s.regenerate()]
  ]
  const sends: [string, Handler][] = [
    ['end', () => undefined],
    ['write and end', (_s, _req, res) => void (res.write('a'), res.end('b'))],
    ['writeHead', (_s, _req, res) => void res.writeHead(200, { 'X-Own': '1' }).end()],
    ['flushHeaders', (_s, _req, res) => void (res.flushHeaders(), res.end())],
    ['redirect', (_s, _req, res) => res.redirect('/')]
  ]
  const faults = { fails, hangs, answerLost }
  it.each(
    Object.keys(faults).flatMap((fault) => starts.map(([what, start]) => [fault, what, start] as const))
  )('the store %s: %s', async (fault, _what, start) => {
    const site = await Site.open({ timeout: 30 })
    site.store.always(faults[fault as 'fails'], 'set')
    for (const [how, finish] of sends) {
      const { status, headers, setCookies } = await site.visitor().visit(async (s, req, res) => {
        await start(s)
        return finish(s, req, res)
      })
      expect([how, status, setCookies]).toEqual([how, 503, []])
      expect(headers).not.toHaveProperty('x-own')
    }
  })

  it('the old session could not be destroyed: the browser keeps its cookie', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    await visitor.ask(logIn)
    site.store.always(fails, 'destroy')
    for (const handler of [
      (s: Bag) => s.regenerate().then(() => null),
      (s: Bag) => void s.regenerate(),
      (s: Bag) => s.destroy(),
      (s: Bag) => void s.destroy()
    ]) {
      const { status, setCookies } = await visitor.clone().visit(handler)
      expect([status, setCookies]).toEqual([503, []])
    }
  })
})

describe('Cache-Control: no-store with our Set-Cookie; Vary: Cookie where the session matters', () => {
  it.each<[string, Handler]>([
    ['set', logIn],
    ['cleared', (s) => s.destroy()]
  ])('no-store where the cookie is %s, unless the application set its own', async (_what, handler) => {
    const site = await Site.open()
    for (const own of [undefined, 'private, max-age=5', 'no-cache']) {
      const visitor = site.visitor()
      if (handler !== logIn) await visitor.ask(logIn)
      const { headers, setCookies } = await visitor.visit((s, req, res) => {
        if (own) res.setHeader('Cache-Control', own)
        return handler(s, req, res)
      })
      expect([setCookies.length, headers['cache-control']]).toEqual([1, own ?? 'no-store'])
    }
  })

  it('a response without our cookie is left alone', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    await visitor.ask(logIn)
    expect((await visitor.visit((s) => s.user)).headers).not.toHaveProperty('cache-control')
  })

  it.each<[SessionOptions['load'] & string, string, Handler, string | undefined]>([
    ['eager', 'nobody looks', () => 1, 'Cookie'],
    ['lazy', 'nobody looks', () => 1, undefined],
    ['lazy', 'somebody looks', (_s, req) => typeof req.session, 'Cookie'],
    ['lazy', 'somebody loads', async (_s, req) => (await req.session.load()).isNew, 'Cookie'],
    ['eager', 'the application has its own', (_s, _r, res) => void res.vary('Origin'), 'Cookie, Origin'],
    ['eager', 'the application varies by all', (_s, _r, res) => void res.set('Vary', '*'), '*'],
    ['eager', 'the handler fails', () => Promise.reject(new Error('x')), 'Cookie']
  ])('Vary, %s, %s, with a cookie and without', async (load, _what, handler, vary) => {
    const app = express()
    app.use(session({ secret, load }))
    app.get('/log-in', async (req, res) => {
      Object.assign(await req.session.load(), { n: 1 })
      res.end()
    })
    app.get('/', async (req, res) => {
      // Not through the site's routes: those look at the session themselves.
      await handler(undefined as never, req, res)
      res.end()
    })
    app.use(((_error, _req, res, _next) => void res.status(500).end()) as express.ErrorRequestHandler)
    const site = await Site.listen(app)
    const [line] = (await send(site.port, '/log-in')).setCookies
    for (const headers of [{}, { cookie: line!.split(';')[0] }, { cookie: 'sid=forged' }]) {
      expect((await send(site.port, '/', { headers })).headers.vary).toBe(vary)
    }
  })

  it('Vary is there when the store says no, before the handler and after', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    await visitor.ask(logIn)
    site.store.always(fails)
    for (const one of [visitor, site.visitor()]) {
      const { status, headers } = await one.visit(logIn)
      expect([status, headers.vary]).toEqual([503, 'Cookie'])
    }
  })
})
