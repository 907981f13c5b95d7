/** @jest-environment jsdom */
import { both, logIn, Site, visits } from '../support/both'

// Tests of pages often run so, with the server that they talk to in the same process.
test('there is a page, and a timer is a number', () => {
  const timer: unknown = setTimeout(() => undefined)
  expect(['document' in globalThis, typeof timer]).toEqual([true, 'number'])
})

describe.each(both)('%s under jsdom', (_name, session) => {
  test('keeps a session from one request to the next, with a life and without one', async () => {
    for (const cookie of [{}, { maxAge: 60_000 }]) {
      const site = await Site.of(session, { cookie }, visits)
      expect([(await site.get()).text, (await site.get()).text]).toEqual(['1', '2'])
    }
  })

  test('ends a session, and begins another one', async () => {
    const site = await Site.of(session, {}, async (req, res) => {
      if (req.url === '/login') await new Promise((done) => req.session.regenerate(done))
      if (req.url === '/login') req.session.user = 'bob'
      if (req.url === '/logout') await new Promise((done) => req.session.destroy(done))
      res.end(String(req.session?.user))
    })
    await site.get('/login')
    expect((await site.get()).text).toBe('bob')
    await site.get('/logout')
    expect((await site.get()).text).toBe('undefined')
  })
})

test('holdfast/express-session under jsdom answers although its store stays silent', async () => {
  const [, ours] = both.at(-1)!
  const site = await Site.of(ours, { timeout: 50 }, logIn)
  await site.get()
  site.store.get = () => undefined
  expect((await site.get()).status).toBe(503)
})
