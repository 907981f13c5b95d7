import { createHash } from 'node:crypto'
import express, { type Express } from 'express'
import grant from 'grant'
import { Browser } from '../../support/browser'
import { serve } from '../../support/serve'
import { portOf } from '../../support/server'
import { count, implementations, options, sessionOf, type SessionModule } from '../support/implementations'

describe.each(implementations)('grant with $name', ({ session }) => {
  let browser: Browser
  let provider: string

  beforeEach(async () => {
    provider = `http://127.0.0.1:${portOf(await serve(oauthProvider()))}`
    browser = await signInWith(provider, session)
  })

  test('the state of a login lives in the session until the provider sends the visitor back', async () => {
    const { path, text } = await browser.get('/connect/house')
    expect(path).toBe('/welcome')
    expect(JSON.parse(text)).toMatchObject({ access_token: 'the token', refresh_token: 'the next one' })
    expect(await browser.json('/welcome')).toMatchObject({ access_token: 'the token' })
  })

  test('what was in the session before is there afterwards', async () => {
    await browser.get('/count')
    await browser.get('/connect/house')
    expect(await browser.json('/count')).toBe(2)
  })

  test('an answer that belongs to another session is refused', async () => {
    const victim = browser.stranger()
    await victim.get('/connect/house')
    const { text } = await victim.get('/connect/house/callback?code=stolen&state=guessed')
    expect(JSON.parse(text)).toEqual({ error: 'Grant: OAuth2 state mismatch' })
  })

  test('an answer without a session is refused', async () => {
    const { path } = await browser.get('/connect/house/callback?code=stolen&state=guessed')
    expect(path).toMatch(/^\/\?error=Grant/)
  })
})

async function signInWith(provider: string, session: SessionModule): Promise<Browser> {
  const app: Express = express()
  const browser = await Browser.open(app)
  app.use(session(options))
  app.use(
    grant.express({
      defaults: { origin: `http://127.0.0.1:${browser.port}`, transport: 'session', state: true },
      house: {
        ...{ key: 'the client', secret: 'its secret', oauth: 2, pkce: true, callback: '/welcome' },
        ...{ authorize_url: `${provider}/authorize`, access_url: `${provider}/token` }
      }
    })
  )
  app.get('/welcome', (req, res) => void res.json((sessionOf(req).grant as { response: unknown }).response))
  app.get('/count', (req, res) => void res.json(count(req)))
  app.get('/', (_req, res) => void res.send('home'))
  return browser
}

/** Answers as an OAuth 2 server does (RFC 6749, RFC 7636), and believes every visitor. */
function oauthProvider(): Express {
  const app = express()
  let challenge: unknown
  app.use(express.urlencoded({ extended: false }))
  app.get('/authorize', (req, res) => {
    challenge = req.query.code_challenge
    const { redirect_uri, state } = req.query as Record<string, string>
    res.redirect(`${redirect_uri}?code=${encodeURIComponent('the code')}&state=${state}`)
  })
  app.post('/token', (req, res) => {
    const { code, code_verifier } = req.body as Record<string, string>
    const verified = createHash('sha256').update(code_verifier!).digest('base64url') === challenge
    if (code !== 'the code' || !verified) return void res.status(400).json({ error: 'invalid_grant' })
    res.json({ access_token: 'the token', refresh_token: 'the next one' })
  })
  return app
}
