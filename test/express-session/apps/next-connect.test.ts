import type { RequestListener } from 'node:http'
import { createRouter, expressWrapper } from 'next-connect'
import { Browser } from '../../support/browser'
import { count, implementations, options, sessionOf, type SessionModule } from '../support/implementations'

describe.each(implementations)('next-connect with $name', ({ session }) => {
  let browser: Browser

  beforeEach(async () => {
    browser = await Browser.open(application(session))
  })

  test('a session is kept', async () => {
    expect(await browser.json('/count')).toBe(1)
    expect(await browser.json('/count')).toBe(2)
    expect(await browser.stranger().json('/count')).toBe(1)
  })

  test('a handler may answer after it waited', async () => {
    await browser.get('/count')
    const before = browser.id
    expect((await browser.post('/login')).text).toBe('welcome')
    expect(browser.id).not.toBe(before)
    expect(await browser.json('/count')).toBe(1)
  })

  test('an error of a handler is answered, with what it changed in the session', async () => {
    await browser.get('/count')
    const { status, text } = await browser.get('/fail')
    expect([status, text]).toEqual([500, 'broken'])
    expect(await browser.json('/count')).toBe(11)
  })

  test('what no route answers needs no session', async () => {
    const { status, setCookies } = await browser.get('/elsewhere')
    expect([status, setCookies]).toEqual([404, []])
  })
})

/** As in the routes of Next.js: bare `req` and `res`, promises all the way. */
function application(session: SessionModule): RequestListener {
  const router = createRouter()
  router.use(expressWrapper(session(options)))
  router.get('/count', (req, res) => res.end(String(count(req))))
  router.post('/login', async (req, res) => {
    await new Promise((resolve) => sessionOf(req).regenerate(resolve))
    sessionOf(req).user = 'ann'
    await new Promise((resolve) => sessionOf(req).save(resolve))
    res.end('welcome')
  })
  router.get('/fail', (req) => {
    count(req, 9)
    throw new Error('broken')
  })
  return router.handler({
    onError: (error, _req, res) => {
      res.statusCode = 500
      res.end(error.message)
    }
  })
}
