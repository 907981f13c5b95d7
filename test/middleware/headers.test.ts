import express from 'express'
import session from '../../lib'
import { send } from '../support/send'
import { returning, secret, Site } from '../support/site'

describe('the headers', () => {
  it.each([
    ['eager', 'nobody looks', () => undefined, 'Cookie'],
    ['eager', 'somebody looks', (req: express.Request) => req.session, 'Cookie'],
    ['lazy', 'nobody looks', () => undefined, undefined],
    ['lazy', 'somebody looks', (req: express.Request) => req.session, 'Cookie']
  ] as const)('Vary: %s, %s', async (load, _what, look, vary) => {
    const site = await Site.open({ load }, (app) =>
      app.get('/x', (req, res) => {
        look(req)
        res.end()
      })
    )
    expect((await send(site.port, '/x')).headers.vary).toBe(vary)
  })

  it.each<[string | string[], string]>([
    ['Accept', 'Accept, Cookie'],
    ['cookie', 'cookie'],
    ['Accept, COOKIE , X', 'Accept, COOKIE , X'],
    ['*', '*'],
    [['Accept', 'Origin'], 'Accept, Origin, Cookie'],
    ['X-Cookie, Cookie2', 'X-Cookie, Cookie2, Cookie']
  ])('Vary of the application is kept: %j', async (theirs, vary) => {
    const app = express()
    app.use(session({ secret, load: 'lazy' }))
    app.get('/x', (req, res) => {
      res.setHeader('Vary', theirs)
      expect(req.session).toBeDefined()
      res.end()
    })
    const site = await Site.listen(app)
    expect((await send(site.port, '/x')).headers.vary).toBe(vary)
  })

  it('Vary holds where the handler set another one after the session was read', async () => {
    const site = await Site.open()
    const { headers } = await site.visitor().visit((_s, _req, res) => void res.setHeader('Vary', 'Accept'))
    expect(headers.vary).toBe('Accept, Cookie')
  })

  it.each<[string, Record<string, string>, string]>([
    ['no-store with our cookie', {}, 'no-store'],
    ['the application’s own', { 'Cache-Control': 'private, max-age=5' }, 'private, max-age=5'],
    ['of a file, by Express’s own default', { 'Cache-Control': 'public, max-age=0' }, 'private, max-age=0']
  ])('Cache-Control: %s', async (_what, theirs, cacheControl) => {
    const site = await Site.open()
    for (const how of ['set', 'writeHead'] as const) {
      const { headers, setCookies } = await site.visitor().visit((s, _req, res) => {
        s.n = 1
        if (how === 'set') res.set(theirs).end()
        else res.writeHead(200, theirs).end()
      })
      expect([headers['cache-control'], setCookies.length]).toEqual([cacheControl, 1])
    }
  })

  it('without our cookie: Cache-Control is nobody’s business', async () => {
    const { visitor } = await returning()
    const { headers } = await visitor.visit((s) => s.n)
    expect(headers).not.toHaveProperty('cache-control')
  })

  it('other cookies survive, and earlier ones of our name go', async () => {
    const site = await Site.open()
    const { setCookies } = await site.visitor().visit((s, _req, res) => {
      s.n = 1
      res
        .append('Set-Cookie', 'theme=dark')
        .append('Set-Cookie', 'sid=old')
        .append('Set-Cookie', 'sid2=x')
        .end()
    })
    expect(setCookies).toEqual(['theme=dark', 'sid2=x', expect.stringMatching(/^sid=s%3A/)])
  })

  it('the cookie has the attributes of the configuration, and ends with the browser', async () => {
    const site = await Site.open({
      name: 'app',
      cookie: { path: '/x', domain: 'example.com', sameSite: 'strict', priority: 'high' }
    })
    const { setCookies } = await site.visitor().visit((s) => void (s.n = 1), { path: '/x' })
    expect(setCookies).toEqual([
      expect.stringMatching(
        /^app=s%3A[\w-]{43}\.[\w%]{43,}; Domain=example.com; Path=\/x; HttpOnly; Priority=High; SameSite=Strict$/
      )
    ])
  })
})

describe('the connection', () => {
  const headers = { 'x-forwarded-proto': 'https' }

  /** Whether the cookie is Secure, or not sent at all. */
  async function secure(
    options: Parameters<typeof Site.open>[0],
    sent = headers as Record<string, string>,
    trust = false
  ): Promise<boolean | undefined> {
    const app = express()
    if (trust) app.set('trust proxy', true)
    const site = await Site.open(options, undefined, app)
    const { setCookies } = await site.visitor().visit((s) => void (s.n = 1), { headers: sent })
    return setCookies[0]?.includes('; Secure')
  }

  it.each<[string, Parameters<typeof secure>, boolean | undefined]>([
    ['auto, nobody trusts the proxy', [{}], false],
    ['auto, Express trusts it', [{}, headers, true], true],
    ['auto, Express trusts it, no HTTPS', [{}, {}, true], false],
    ['auto, proxy: true', [{ proxy: true }], true],
    ['auto, proxy: true, no header', [{ proxy: true }, {}], false],
    [
      'auto, proxy: true, the first proxy counts',
      [{ proxy: true }, { 'x-forwarded-proto': ' HTTPS , http' }],
      true
    ],
    [
      'auto, proxy: true, the first was not',
      [{ proxy: true }, { 'x-forwarded-proto': 'http, https' }],
      false
    ],
    ['auto, proxy: false goes before Express', [{ proxy: false }, headers, true], false],
    ['false', [{ proxy: true, cookie: { secure: false } }], false],
    ['true, over a proxy', [{ proxy: true, cookie: { secure: true } }], true],
    ['true, not secure', [{ cookie: { secure: true } }], undefined]
  ])('secure: %s', async (_what, args, isSecure) => {
    jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    expect(await secure(...args)).toBe(isSecure)
    jest.restoreAllMocks()
  })

  it.each([
    [true, /; Secure; SameSite=None$/],
    [false, /; HttpOnly; SameSite=Lax$/]
  ])('sameSite: auto, secure %s', async (isSecure, line) => {
    const site = await Site.open({ proxy: isSecure, cookie: { sameSite: 'auto' } })
    const { setCookies } = await site.visitor().visit((s) => void (s.n = 1), { headers })
    expect(setCookies[0]).toMatch(line)
  })
})
