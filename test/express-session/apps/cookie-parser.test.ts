import cookieParser from 'cookie-parser'
import { Browser } from '../../support/browser'
import { count, options, type Platform, platforms, sessionOf } from '../support/implementations'

describe.each(platforms)('cookie-parser with $name', ({ session, express }) => {
  test.each([
    ['the same secret', options.secret],
    ['a secret of its own', 'what signs the other cookies'],
    ['no secret', undefined]
  ])('in front of the session, with %s, both keep their cookies', async (_, secret) => {
    const app = express()
    app.use(cookieParser(secret), session(options))
    routes(app, secret !== undefined)
    const browser = await Browser.open(app)
    const { setCookies } = await browser.get('/set')
    expect(setCookies.map((line) => line.split('=')[0])).toEqual(['theme', 'tracking', 'connect.sid'])
    expect(await browser.json('/read')).toEqual({ count: 1, theme: 'dark' })
    await browser.get('/set')
    expect(await browser.json('/read')).toEqual({ count: 2, theme: 'dark' })
  })

  test('behind the session, with the same secret, it reads the session id', async () => {
    const app = express()
    app.use(session(options), cookieParser(options.secret))
    routes(app, true)
    const browser = await Browser.open(app)
    await browser.get('/set')
    expect((await browser.get('/id')).text).toBe(browser.id)
  })

  test('clearing another cookie leaves the session', async () => {
    const app = express()
    app.use(cookieParser(), session(options))
    routes(app, false)
    const browser = await Browser.open(app)
    await browser.get('/set')
    await browser.get('/clear')
    expect(await browser.json('/read')).toEqual({ count: 2 })
  })
})

function routes(app: ReturnType<Platform['express']>, signed: boolean): void {
  app.get('/set', (req, res) => {
    count(req)
    res.cookie('theme', 'dark', { signed }).cookie('tracking', 'no').end()
  })
  app.get('/read', (req, res) => {
    const { theme } = signed ? req.signedCookies : req.cookies
    res.json({ count: sessionOf(req).count, theme })
  })
  app.get('/id', (req, res) => void res.send(req.signedCookies['connect.sid']))
  app.get('/clear', (req, res) => {
    count(req)
    res.clearCookie('theme').end()
  })
}
