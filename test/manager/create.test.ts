import express from 'express'
import session, { CookieStore, headerTransport, MemoryStore, type Sessions } from '../../lib'
import { testCookie } from '../../lib/testing'
import { codeOf } from '../support/outcome'
import { secret, Site } from '../support/site'

interface Data {
  userId: string
  cart: string[]
}

/** An application that keeps a user's name and cart, and what its tests need of it. */
async function open(options: Partial<Parameters<typeof session<Data>>[0]> = {}) {
  const sessions = session<Data>({ secret, user: (s) => s.userId, ...options })
  const app = express()
  app.use(sessions)
  app.get('/', async (req, res) => {
    const { userId, cart, handle } = await sessions.of(req).load()
    res.json({ userId, cart, handle })
  })
  app.get('/others', async (req, res) => {
    const before = await sessions.list(req.session)
    const ended = await sessions.destroy(req.session, { others: true })
    res.json([before.length, ended, (await sessions.list(req.session)).length])
  })
  const site = await Site.listen(app as never)
  const get = async (cookie: string, path = '/') =>
    JSON.parse((await site.visitor().send(path, { headers: { cookie } })).text) as Record<string, unknown>
  return { sessions, get }
}

test.each([
  ['eager', {}],
  ['lazy', { load: 'lazy' as const }],
  ['in the cookie', { store: new CookieStore(), user: undefined }]
])('a test of an application begins where its user is logged in: %s', async (_how, options) => {
  const { sessions, get } = await open(options)
  const cookie = await testCookie(sessions, { userId: 'ann', cart: ['tea'] })
  expect(await get(cookie)).toMatchObject({ userId: 'ann', cart: ['tea'] })
})

test('create gives the session itself, which is stored and goes on working', async () => {
  const { sessions, get } = await open()
  const { session: made, cookie } = await sessions.create({ userId: 'ann' })
  expect(made).toMatchObject({ userId: 'ann', isNew: false })
  await made.update((s) => void (s.cart = ['tea']))
  expect(await get(cookie)).toMatchObject({ cart: ['tea'], handle: made.handle })
  expect((await sessions.list('ann')).map(({ handle }) => handle)).toEqual([made.handle])
})

test.each([
  ['the application', express()],
  ['nothing', undefined]
])('testCookie refuses %s', async (_what, given) => {
  await expect(testCookie(given as never, {})).rejects.toMatchObject({
    code: 'ERR_SESSION_OPTIONS',
    message: expect.stringMatching(/^testCookie takes what session\(\) of holdfast returned.*export sessions/)
  })
})

test('create refuses no data', async () => {
  const { sessions } = await open()
  expect(await codeOf(sessions.create(undefined as never))).toBe('ERR_SESSION_DATA')
})

test.each<[string, (sessions: Sessions<Data>) => Promise<unknown>, object]>([
  ['ids in a header', (sessions) => sessions.create({}), { transport: headerTransport('x-session-id') }],
  [
    'a store for each request',
    (sessions) => sessions.create({}),
    { store: () => new MemoryStore(), user: undefined }
  ]
])('create refuses %s', async (_what, create, options) => {
  const { sessions } = await open(options)
  expect(await codeOf(create(sessions))).toBe('ERR_SESSION_OPTIONS')
})

test("a user's other sessions are ended from one of them, without its name", async () => {
  const { sessions, get } = await open()
  const [mine, other, somebody] = await Promise.all(
    ['ann', 'ann', 'bob'].map((userId) => testCookie(sessions, { userId }))
  )
  expect(await get(mine!, '/others')).toEqual([2, 1, 1])
  expect(await get(mine!)).toMatchObject({ userId: 'ann' })
  expect(await get(other!)).not.toHaveProperty('userId')
  expect(await get(somebody!)).toMatchObject({ userId: 'bob' })
})

test("nobody's session has no others", async () => {
  const { get } = await open()
  expect(await get('', '/others')).toEqual([0, 0, 0])
})

test('of refuses a request that its middleware has not seen', async () => {
  const { sessions } = await open()
  const refused = () => sessions.of({})
  expect(refused).toThrow(expect.objectContaining({ code: 'ERR_SESSION_OPTIONS' }) as Error)
})

test('others of a name, or beside another choice, are refused, and nothing is ended', async () => {
  const { sessions } = await open()
  const { session: made } = await sessions.create({ userId: 'ann' })
  for (const call of [
    () => sessions.destroy('ann', { others: true } as never),
    () => sessions.destroy(made, { others: false } as never),
    () => sessions.destroy(made, { others: true, handle: made.handle } as never),
    () => sessions.destroy(made, { other: true } as never)
  ])
    expect(await codeOf(call())).toBe('ERR_SESSION_OPTIONS')
  expect(await sessions.list(made)).toHaveLength(1)
})
