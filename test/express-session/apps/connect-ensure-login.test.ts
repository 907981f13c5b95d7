import { ensureLoggedIn } from 'connect-ensure-login'
import type { RequestHandler } from 'express'
import passport from 'passport'
import { Strategy } from 'passport-local'
import { Browser } from '../../support/browser'
import { options, type Platform, platforms } from '../support/implementations'

const ann = { username: 'ann', password: 'open' }

describe.each(platforms)('connect-ensure-login with $name', (platform) => {
  let browser: Browser

  beforeEach(async () => {
    browser = await Browser.open(application(platform))
  })

  test('who is not logged in is sent to the login, and afterwards to where the way began', async () => {
    expect((await browser.get('/private/files?sort=age')).path).toBe('/login')
    const { path, text } = await browser.post('/login', ann)
    expect([path, text]).toEqual(['/private/files?sort=age', 'the files of ann'])
  })

  test('the way back is used up by the login', async () => {
    await browser.get('/private/files')
    await browser.post('/login', ann)
    expect((await browser.post('/login', ann)).path).toBe('/')
  })

  test('who is logged in is let through', async () => {
    await browser.post('/login', ann)
    expect((await browser.get('/private/files')).text).toBe('the files of ann')
    expect((await browser.stranger().get('/private/files')).path).toBe('/login')
  })
})

function application({ session, express }: Platform) {
  const guard = new passport.Passport()
  guard.use(new Strategy((username, password, done) => done(null, password === 'open' && { username })))
  guard.serializeUser((user, done) => done(null, user))
  guard.deserializeUser((user: Express.User, done) => done(null, user))

  const app = express()
  app.use(express.urlencoded({ extended: false }), session(options), guard.session())
  app.get('/', (_req, res) => void res.send('home'))
  app.get('/login', (_req, res) => void res.send('who are you?'))
  const how = { successReturnToOrRedirect: '/', failureRedirect: '/login', keepSessionInfo: true }
  app.post('/login', guard.authenticate('local', how) as RequestHandler)
  app.get('/private/files', ensureLoggedIn(), (req, res) => {
    res.send(`the files of ${(req.user as unknown as { username: string }).username}`)
  })
  return app
}
