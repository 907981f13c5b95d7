import { csrfSync } from 'csrf-sync'
import csurf from 'csurf'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import { csrf as lusca } from 'lusca'
import { Browser } from '../../support/browser'
import { implementations, options, sessionOf, type SessionModule } from '../support/implementations'

const protections = {
  'csrf-sync': () => csrfSync().csrfSynchronisedProtection,
  csurf: () => csurf(),
  lusca: () => lusca()
}
const cases = Object.entries(protections).flatMap(([name, protection]) =>
  implementations.map((one) => ({ ...one, name: `${name} with ${one.name}`, protection }))
)

describe.each(cases)('$name', ({ session, protection }) => {
  let browser: Browser

  beforeEach(async () => {
    browser = await Browser.open(application(session, protection()))
  })

  test("a form with the session's token is accepted, again and again", async () => {
    const token = await tokenFor(browser)
    expect(await post(browser, token)).toEqual([200, 'accepted'])
    expect(await post(browser, token)).toEqual([200, 'accepted'])
    expect(await post(browser, await tokenFor(browser))).toEqual([200, 'accepted'])
  })

  test('a form without a token is refused, and so is one without a session', async () => {
    const token = await tokenFor(browser)
    expect(await post(browser)).toEqual([403, 'refused'])
    expect(await post(browser.stranger(), token)).toEqual([403, 'refused'])
  })

  test('the token of another session is refused', async () => {
    await tokenFor(browser)
    expect(await post(browser, await tokenFor(browser.stranger()))).toEqual([403, 'refused'])
  })

  test('a token from before regenerate is refused', async () => {
    const token = await tokenFor(browser)
    const before = browser.id
    const { text } = await browser.post('/login', {}, { 'x-csrf-token': token })
    expect(browser.id).not.toBe(before)
    expect(await post(browser, token)).toEqual([403, 'refused'])
    expect(await post(browser, text)).toEqual([200, 'accepted'])
  })
})

describe.each(implementations)('csrf-sync with $name', ({ session }) => {
  test('a token that was revoked is refused', async () => {
    const { csrfSynchronisedProtection, revokeToken } = csrfSync()
    const app = application(session, csrfSynchronisedProtection)
    app.post('/revoke', (req, res) => {
      revokeToken(req)
      res.end()
    })
    const browser = await Browser.open(app)
    const token = await tokenFor(browser)
    await browser.post('/revoke', {}, { 'x-csrf-token': token })
    expect(await post(browser, token)).toEqual([403, 'refused'])
    expect(await post(browser, await tokenFor(browser))).toEqual([200, 'accepted'])
  })
})

function application(session: SessionModule, protection: RequestHandler): Express {
  const app = express()
  app.use(express.urlencoded({ extended: false }), session(options), protection)
  app.get('/form', (req, res) => void res.send(req.csrfToken?.()))
  app.post('/form', (_req, res) => void res.send('accepted'))
  app.post('/login', (req, res, next) => {
    sessionOf(req).regenerate((error) => (error ? next(error) : res.send(req.csrfToken?.())))
  })
  const refused: ErrorRequestHandler = (error: { status?: number }, _req, res, _next) => {
    // lusca sets the status of the response, the others that of the error.
    res.status(error.status ?? res.statusCode).send('refused')
  }
  app.use(refused)
  return app
}

async function tokenFor(browser: Browser): Promise<string> {
  return (await browser.get('/form')).text
}

async function post(browser: Browser, token?: string): Promise<[number, string]> {
  const headers = token === undefined ? undefined : { 'x-csrf-token': token }
  const { status, text } = await browser.post('/form', {}, headers)
  return [status, text]
}
