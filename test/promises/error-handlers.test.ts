import express from 'express'
import session, { MemoryStore, type SessionError } from '../../lib'
import dropIn from '../../lib/express-session'
import { Browser } from '../support/browser'
import { CountingStore, fails } from '../support/counting-store'
import { secret, type Bag } from '../support/site'

type Act = (s: Bag, req: express.Request) => unknown

/** Calls that ignore their error, as those written for express-session do. */
const ignoring = (call: (s: Bag, done: () => void) => unknown): Act => {
  return (s) => new Promise<void>((resolve) => void call(s, resolve))
}

const CHANGES: [string, Act][] = [
  ['a change', (s) => void (s.flash = 'saved')],
  ['a change with what cannot be stored taken out', (s) => (delete s.basket, (s.flash = 'saved'))],
  ['an end', (_s, req) => void (req.session = null as never)],
  ['a save() with a callback', ignoring((s, done) => s.save(done))],
  ['a save() that nobody waits for', (s) => void s.save()],
  ['a destroy() with a callback', ignoring((s, done) => s.destroy(done))],
  ['a destroy() whose error is caught', (s) => s.destroy().catch(() => undefined)],
  ['a regenerate() with a callback', ignoring((s, done) => s.regenerate(done))]
]
const FAILURES: [string, Act][] = [
  ['the store says no', (s) => void (s.n = 2)],
  ['the session holds what cannot be stored', (s) => void (s.basket = 5n)],
  ['another request has ended it', (s) => void (s.n = 2)]
]
const ENTRIES: [string, (store: CountingStore) => express.RequestHandler][] = [
  ['the main entry', (store) => session({ secret, store })],
  [
    'the drop-in',
    (store) =>
      dropIn({ secret, store, name: 'sid', resave: false, saveUninitialized: false, unset: 'destroy' })
  ]
]

/** An application whose error handler does something to the session, and answers. */
async function open(create: (store: CountingStore) => express.RequestHandler, act: Act, status: number) {
  const store = new CountingStore(new MemoryStore())
  const app = express().use(create(store))
  let handle: Act = (s) => void (s.user = 'ann')
  let errors = 0
  app.get('/me', (req, res) => res.json((req.session as Bag | undefined) ?? {}))
  app.get('/', async (req, res) => {
    await handle(req.session as Bag, req)
    res.send('done')
  })
  app.use((async (_error: SessionError, req, res, _next) => {
    errors++
    await act(req.session as Bag, req)
    res.status(status).send('of the error handler')
  }) as express.ErrorRequestHandler)
  const browser = await Browser.open(app, 'sid')
  await browser.get('/')
  return {
    browser,
    visit: (next: Act) => {
      handle = next
      return browser.get('/')
    },
    store,
    errors: () => errors
  }
}

describe.each(ENTRIES)('an error handler of a response that could not be stored: %s', (_entry, create) => {
  const cases = FAILURES.flatMap(([failure, handle]) =>
    CHANGES.map(([change, act]) => [failure, change, handle, act] as const)
  )

  async function fail(failure: string, handle: Act, act: Act, status: number) {
    const site = await open(create, act, status)
    if (failure === 'the store says no') site.store.next('set', fails)
    const before = await site.store.inner.get(site.browser.id)
    const end = () => site.store.inner.destroy(site.browser.id)
    const answer = await site.visit(async (s, req) => {
      await s.load?.()
      if (failure.startsWith('another')) await end()
      return handle(s, req)
    })
    return { ...site, answer, before }
  }

  test.each(cases)(
    '%s: it cannot answer as if all were well after %s',
    async (failure, _change, handle, act) => {
      const { answer, errors, store, browser, before } = await fail(failure, handle, act, 200)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect([answer.text.includes('of the error handler'), errors()]).toEqual([false, 1])
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(await store.inner.get(browser.id)).toBe(failure.startsWith('another') ? null : before)
    }
  )

  test.each(cases)('%s: its error page goes out after %s', async (failure, _change, handle, act) => {
    const { answer } = await fail(failure, handle, act, 503)
    expect([answer.status, answer.text]).toEqual([503, 'of the error handler'])
  })

  test.each(FAILURES)(
    '%s: it answers as it likes if it leaves the session alone',
    async (failure, handle) => {
      const { answer } = await fail(failure, handle, () => null, 200)
      expect([answer.status, answer.text]).toEqual([200, 'of the error handler'])
    }
  )
})

test.each<[string, unknown]>([
  ['a BigInt', 5n],
  ['a BigInt deep inside', { list: [{ id: 5n }] }],
  [
    'an error in toJSON',
    {
      toJSON() {
        throw new Error('of the application')
      }
    }
  ]
])(
  'a change after a failed save() that its caller caught counts, whatever it failed for: %s',
  async (_what, value) => {
    for (const [, create] of ENTRIES) {
      const { visit } = await open(create, () => null, 500)
      const save = async (s: Bag) => {
        s.basket = value
        await s.save().catch(() => undefined)
      }
      const later = await visit(async (s) => {
        await save(s)
        s.flash = 'saved'
      })
      expect(later.status).toBe(500)
      const mended = await visit(async (s) => {
        await save(s)
        delete s.basket
        s.flash = 'saved'
      })
      expect(mended.status).toBe(200)
    }
  }
)
