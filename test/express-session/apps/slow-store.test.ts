import { setTimeout as delay } from 'node:timers/promises'
import { both, Site, type Module, type StoreLike } from '../support/both'

type Method = (...args: unknown[]) => void

/** A store of which each call takes so many milliseconds. */
function slowed(session: Module, ms: number): StoreLike {
  const kept = new Map<string, string>()
  return Object.assign(Object.create(session.Store.prototype as object) as StoreLike, {
    get: (id: string, done: Method) =>
      void delay(ms).then(() => done(null, JSON.parse(kept.get(id) ?? 'null'))),
    set: (id: string, data: object, done: Method) => {
      const text = JSON.stringify(data)
      void delay(ms).then(() => done(kept.set(id, text) && null))
    },
    destroy: (id: string, done: Method) => void delay(ms).then(() => done(kept.delete(id) && null))
  })
}

test.each(both)(
  '%s: a store that takes more than a second is a slow page, not an error',
  async (_name, session) => {
    const warned = jest.spyOn(process, 'emitWarning').mockReturnValue()
    // As long as that, for a stall of this process does not count.
    const site = await Site.of(session, { store: slowed(session, 3000) }, (req, res) => {
      req.session.n = 1
      res.end('done')
    })
    expect((await site.get()).status).toBe(200)
    const slow = warned.mock.calls.filter(
      ([, how]) => (how as { code?: string }).code === 'HOLDFAST_SLOW_STORE'
    )
    warned.mockRestore()
    expect(slow).toHaveLength(session === both[0]![1] ? 0 : 1)
  }
)

test('twenty requests of one session at once lose no change over a store that takes 50 ms a call', async () => {
  const [, ours] = both.at(-1)!
  const site = await Site.of(ours, { store: slowed(ours, 50) }, (req, res) => {
    req.session[req.url!.slice(1)] = true
    const { cookie: _cookie, ...data } = req.session
    res.end(JSON.stringify(Object.keys(data)))
  })
  await site.get('/first')
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => site.get(`/key${i}`)))
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  expect(JSON.parse((await site.get('/last')).text)).toHaveLength(22)
})

test.each(both)('%s: a logout is not undone by a change that was sent with it', async (_name, session) => {
  const site = await Site.of(session, { store: slowed(session, 5) }, async (req, res) => {
    if (req.url === '/logout') await new Promise((done) => req.session.destroy(done))
    else if (req.url !== '/look') req.session.n = Math.random()
    res.end(String(req.session?.n))
  })
  for (let round = 0; round < 20; round++) {
    site.cookies.clear()
    await site.get('/login')
    const { cookie } = site
    await Promise.all([site.get('/change'), site.get('/logout')])
    site.cookie = cookie
    expect((await site.get('/look')).text).toBe('undefined')
  }
})
