import type { RequestHandler } from 'express'
import passport from 'passport'
import { Strategy } from 'passport-local'
import { Browser } from '../../support/browser'
import { options, type Platform, platforms, sessionOf } from '../support/implementations'

const ann = { username: 'ann', password: 'open' }

describe.each(platforms)('passport with $name', (platform) => {
  let browser: Browser
  let users: Set<string>

  beforeEach(async () => {
    users = new Set(['ann'])
    browser = await Browser.open(application(platform, users))
  })

  test('a login has a new session id, and the old one is worth nothing', async () => {
    await browser.post('/cart', { item: 'book' })
    const before = browser.clone()
    const { path, text } = await browser.post('/login', ann)
    expect([path, text]).toEqual(['/', 'ann'])
    expect(browser.id).not.toBe(before.id)
    expect((await before.get('/')).text).toBe('nobody')
    expect((await browser.get('/')).text).toBe('ann')
  })

  test('a login starts with an empty session, unless keepSessionInfo is set', async () => {
    await browser.post('/cart', { item: 'book' })
    const other = browser.clone()
    await browser.post('/login', ann)
    expect(await browser.json('/cart')).toBeNull()
    const keeping = other.stranger()
    await keeping.post('/cart', { item: 'pen' })
    await keeping.post('/login/keep', ann)
    expect(await keeping.json('/cart')).toEqual(['pen'])
    await keeping.post('/cart', { item: 'ink' })
    expect(await keeping.json('/cart')).toEqual(['pen', 'ink'])
  })

  test('keepSessionInfo keeps the life of the cookie too', async () => {
    await browser.post('/remember')
    const { setCookies } = await browser.post('/login/keep', ann)
    expect(setCookies).toEqual([expect.stringMatching(/^connect\.sid=.*; Expires=/)])
    // express-session loses a millisecond now and then.
    expect(await browser.json('/life')).toBeGreaterThan(3_500_000)
  })

  test('messages about failures are collected, and shown once', async () => {
    await browser.post('/login', { username: 'ann', password: 'x' })
    await browser.post('/login', { username: 'eve', password: 'y' })
    expect(await browser.json('/messages')).toEqual(['not ann', 'not eve'])
    expect(await browser.json('/messages')).toEqual([])
  })

  test('a logout ends the session for every copy of its cookie', async () => {
    await browser.post('/login', ann)
    await browser.post('/cart', { item: 'book' })
    const copy = browser.clone()
    expect((await browser.post('/logout')).text).toBe('nobody')
    expect((await copy.get('/')).text).toBe('nobody')
    expect(await copy.json('/cart')).toBeNull()
    expect(await browser.json('/cart')).toBeNull()
  })

  test('a logout with keepSessionInfo keeps everything but the user', async () => {
    await browser.post('/login', ann)
    await browser.post('/cart', { item: 'book' })
    const before = browser.id
    expect((await browser.post('/logout?keep')).text).toBe('nobody')
    expect(await browser.json('/cart')).toEqual(['book'])
    expect(browser.id).not.toBe(before)
  })

  test('a user who is no more is forgotten, and stays so', async () => {
    await browser.post('/login', ann)
    users.delete('ann')
    expect((await browser.get('/')).text).toBe('nobody')
    users.add('ann')
    expect((await browser.get('/')).text).toBe('nobody')
  })
})

function application({ session, express }: Platform, users: Set<string>) {
  const guard = new passport.Passport()
  guard.use(
    new Strategy((username, password, done) => {
      if (password === 'open' && users.has(username)) done(null, { username })
      else done(null, false, { message: `not ${username}` })
    })
  )
  guard.serializeUser((user, done) => done(null, (user as { username: string }).username))
  guard.deserializeUser((username: string, done) => done(null, users.has(username) ? { username } : false))

  const app = express()
  app.use(express.urlencoded({ extended: false }), session(options), guard.session())
  app.get('/', (req, res) => void res.send((req.user as { username?: string })?.username ?? 'nobody'))
  const how = { successRedirect: '/', failureRedirect: '/', failureMessage: true }
  const login = (more: object = {}) => guard.authenticate('local', { ...how, ...more }) as RequestHandler
  app.post('/login', login())
  app.post('/login/keep', login({ keepSessionInfo: true }))
  app.get('/messages', (req, res) => {
    const { messages } = sessionOf(req)
    sessionOf(req).messages = []
    res.json(messages ?? [])
  })
  app.post('/logout', (req, res, next) => {
    req.logout({ keepSessionInfo: 'keep' in req.query }, (error) => (error ? next(error) : res.redirect('/')))
  })
  app.post('/cart', (req, res) => {
    ;((sessionOf(req).cart ??= []) as string[]).push(req.body.item)
    res.end()
  })
  app.get('/cart', (req, res) => void res.json(sessionOf(req).cart ?? null))
  app.post('/remember', (req, res) => {
    sessionOf(req).cookie.maxAge = 3_600_000
    sessionOf(req).remembered = true
    res.end()
  })
  app.get('/life', (req, res) => void res.json(sessionOf(req).cookie.originalMaxAge))
  return app
}
