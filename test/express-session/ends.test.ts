import { setTimeout as delay } from 'node:timers/promises'
import expressSession from 'express-session'
import ours from '../../lib/express-session'
import { until } from '../support/site'
import { end, Site, storeOf, type Req } from './support/both'

/** A store that removes at once or later, answers that later, and writes later than it removes; and what it was asked. */
function slow(removes: number, answers: number) {
  const store = storeOf(expressSession as never)
  const asked: string[] = []
  const takes = { get: 0, set: removes + 40, destroy: removes }
  for (const name of ['get', 'set', 'destroy'] as const) {
    const method = store[name].bind(store) as (...args: unknown[]) => void
    store[name] = (...args: unknown[]) => {
      asked.push(name)
      const done = args.at(-1)
      if (name === 'destroy' && typeof done === 'function')
        args[args.length - 1] = (...given: unknown[]) =>
          void delay(answers).then(() => (done as (...given: unknown[]) => void)(...given))
      void delay(takes[name]).then(() => method(...args))
    }
  }
  return { store, asked }
}

test.each<[string, 'set' | 'destroy', number, number]>([
  ['being written', 'set', 0, 0],
  ['about to be removed', 'destroy', 40, 0],
  ['about to be removed by a store that takes its time to say so', 'destroy', 40, 200]
])(
  'a session that another request ends by a method of the store stays ended, although it was %s',
  async (_how, first, removes, answered) => {
    const { store, asked } = slow(removes, answered)
    const site = await Site.of(ours, { store }, (req, res) => {
      req.session.user ??= 'ann'
      req.session.n = Math.random()
      return end(req, res)
    })
    await site.get()
    const { id } = site
    const admin = await Site.of(ours, { store }, (_req, res) => store.destroy(id, () => res.end('ended')))
    const write = () => site.get()
    const remove = () => admin.get()
    asked.length = 0
    const begun = first === 'set' ? write() : remove()
    await until(() => asked.includes(first))
    const answers = await Promise.all([begun, first === 'set' ? remove() : write()])
    expect(answers.map(({ text }) => text)).toContain('ended')
    const left = await new Promise((resolve) => store.get(id, (_error, session) => resolve(session)))
    expect(left ?? null).toBeNull()
  }
)

test.each<[string, (req: Req) => Promise<unknown>]>([
  ['destroy', (req) => req.session.destroy()],
  ['regenerate', (req) => req.session.regenerate()]
])('a logout by %s after a regenerate that the store refused ends the login', async (_how, logOut) => {
  const store = storeOf(expressSession as never)
  const destroy = store.destroy.bind(store)
  const site = await Site.of(ours, { store }, async (req, res) => {
    if (req.url === '/out') {
      store.destroy = (_id, done) => {
        store.destroy = destroy
        done?.(new Error('the store says no'))
      }
      await req.session.regenerate().catch(() => undefined)
      await logOut(req)
    } else req.session.user ??= 'ann'
    return end(req, res)
  })
  await site.get()
  const { id } = site
  expect((await site.get('/out')).status).toBe(200)
  expect(
    await new Promise((resolve) => store.get(id, (_error, session) => resolve(session ?? null)))
  ).toBeNull()
})

describe.each<[string, (done: ((error?: unknown) => void) | undefined) => void]>([
  ['answers with an error', (done) => setImmediate(() => done?.(new Error('the store says no')))],
  [
    'throws',
    () => {
      throw new Error('the store says no')
    }
  ]
])('where the store %s', (_how, fail) => {
  test.each<[string, (req: Req, done: () => void) => unknown]>([
    ['destroy', (req, done) => req.session.destroy(done)],
    ['regenerate', (req, done) => req.session.regenerate(done)],
    ['save', (req, done) => req.session.save(done)]
  ])('%s does not look done, although its callback takes no parameter', async (_call, call) => {
    const store = storeOf(expressSession as never)
    const site = await Site.of(ours, { store }, (req, res) => {
      if (req.url === '/') return ((req.session.user = 'ann'), end(req, res))
      req.session.n = 1
      store.destroy = (_id, done) => fail(done)
      store.set = (_id, _session, done) => fail(done)
      return call(req, () => res.end('done'))
    })
    await site.get()
    expect((await site.get('/call')).status).toBe(500)
  })

  test('a callback of reload may ignore it, as express-session lets it', async () => {
    const store = storeOf(expressSession as never)
    const get = store.get.bind(store)
    const site = await Site.of(ours, { store }, (req, res) => {
      if (req.url === '/') return ((req.session.user = 'ann'), end(req, res))
      store.get = (_id, done) => {
        store.get = get
        fail(done)
      }
      return req.session.reload(() => res.end('as it was'))
    })
    await site.get()
    expect(await site.get('/reload')).toMatchObject({ status: 200, text: 'as it was' })
  })
})

test('a change of the promise of regenerate, where the session was meant, fails the response', async () => {
  const site = await Site.of(ours, {}, (req, res) => {
    Object.assign(req.session.regenerate() as unknown as object, { user: 'ann' })
    res.end('welcome')
  })
  expect((await site.get()).status).toBe(500)
})
