import { asked, both, lengthOf, Site, type Handler, type Module } from '../support/both'
import { Gates } from '../support/gates'

// A forum ends sessions by the store: it has the ids of all devices there, and its own among them.
const end: Record<string, Handler> = {
  'store.destroy': ({ sessionStore, sessionID }) => asked((done) => sessionStore.destroy(sessionID, done)),
  'store.clear': ({ sessionStore }) => asked((done) => sessionStore.clear(done))
}

/** What the login library does after that: it changes the session, saves it, and begins a new one. */
const logOut: Handler = async (req) => {
  delete req.session.user
  await asked((done) => req.session.save(done))
  await asked((done) => req.session.regenerate(done))
}

describe.each(both)('%s', (_name, session) => {
  test.each(Object.keys(end))(
    'a logout by %s, then by the login library, then by the session',
    async (way) => {
      const site = await Site.of(session, {}, async (req, res) => {
        if (req.url === '/login') req.session.user = 'bob'
        if (req.url === '/logout') {
          await end[way]!(req, res)
          await logOut(req, res)
          await asked((done) => req.session.destroy(done))
        }
        res.end(String(req.session?.user))
      })
      await site.get('/login')
      expect((await site.get('/')).text).toBe('bob')
      const { status, text } = await site.get('/logout')
      expect([status, text]).toEqual([200, 'undefined'])
      expect((await site.get('/')).text).toBe('undefined')
    }
  )

  test.each(Object.keys(end))(
    'a request that ended its own session by %s may leave a notice in it',
    async (way) => {
      const { site } = await open(session)
      await site.get('/login')
      const { status } = await site.get(`/${way}`)
      expect(status).toBe(200)
      expect((await site.get('/')).text).toBe('{"notice":1}')
      expect(await lengthOf(site.store)).toBe(1)
    }
  )
})

test.each(Object.keys(end))('%s of another request is not undone', async (way) => {
  const [, ours] = both.at(-1)!
  const { site, gates } = await open(ours)
  await site.get('/login')
  const { gate, headers } = gates.close()
  const late = site.get('/change', headers)
  await gate.reached
  await site.get(`/${way}?quiet`)
  gate.go()
  expect((await late).status).toBe(409)
  expect((await site.get('/')).text).toBe('{}')
})

async function open(session: Module) {
  const gates = new Gates()
  const site = await Site.of(session, {}, async (req, res) => {
    await gates.pass(req.headers['x-gate'] as string | undefined)
    const [path, quiet] = req.url!.slice(1).split('?')
    if (path === 'login') req.session.user = 'bob'
    if (path === 'change') req.session.changed = true
    if (end[path!]) await end[path!]!(req, res)
    if (end[path!] && quiet === undefined) {
      delete req.session.user
      req.session.notice = 1
    }
    const { cookie: _cookie, ...data } = req.session
    res.end(JSON.stringify(data))
  })
  return { site, gates }
}
