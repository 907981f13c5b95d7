import express from 'express'
import ours from '../../lib/express-session'
import { Browser } from '../support/browser'
import { secret, storeOf, type Bag, type Req } from './support/both'

type Act = (req: Req) => unknown

/** The answer of an error handler that does something to a session which the store refused. */
async function after(act: Act, change: Act, unset: 'keep' | 'destroy') {
  const store = storeOf(ours)
  const app = express().use(
    ours({ secret, store: store as never, resave: false, saveUninitialized: false, unset })
  )
  let handle: Act = ({ session }) => (session.user = 'ann')
  const run = (next: Act) => (handle = next)
  app.get('/', (req, res) => {
    handle(req as unknown as Req)
    res.end()
  })
  app.use((async (_error, req, res, _next) => {
    await act(req as unknown as Req)
    res.end('of the error handler')
  }) as express.ErrorRequestHandler)
  const browser = await Browser.open(app)
  await browser.get('/')
  const set = store.set.bind(store)
  const refuse: typeof set = (_id, _session, done) => {
    store.set = set
    done?.(new Error('the store says no'))
  }
  // What cannot be stored does not come as far as that.
  if (change !== unstorable) store.set = refuse
  run(change)
  const { status } = await browser.get('/')
  run(() => undefined)
  return status
}

const change: Act = ({ session }) => (session.n = 1)
const unstorable: Act = ({ session }) => (session.n = 5n)
const saved = ({ session }: Req) => {
  delete session.n
  session.flash = 'saved'
  return session.save()
}

const rows: [string, number, Act, Act, 'keep'?][] = [
  ['changed it', 500, ({ session }) => void (session.flash = 'lost'), change],
  [
    'changed it, and what cannot be stored is still there',
    500,
    ({ session }) => void (session.flash = 'x'),
    unstorable
  ],
  ['saved it', 200, saved, change],
  [
    'saved it without waiting, which fails',
    500,
    ({ session, sessionStore }) => {
      session.flash = 'lost'
      sessionStore.set = (_id, _session, done) => done?.(new Error('the store says no again'))
      void session.save()
    },
    change
  ],
  ['took away what cannot be stored, and saved it', 200, saved, unstorable],
  ['left it alone', 200, () => undefined, change],
  ['left it alone, with what cannot be stored', 200, () => undefined, unstorable],
  ['ended it by null', 500, (req) => void (req.session = null as unknown as Bag), change],
  [
    'ended it by null, which means nothing here',
    200,
    (req) => void (req.session = null as unknown as Bag),
    change,
    'keep'
  ],
  ['ended it by destroy', 200, ({ session }) => session.destroy(), change],
  [
    'began another one, and left data in it',
    500,
    async (req) => {
      await req.session.regenerate()
      req.session.user = 'bob'
    },
    change
  ]
]

test.each(rows.map(([what, ...row]) => ({ what, row })))('an error handler that $what', async ({ row }) => {
  const [status, act, failing, unset = 'destroy'] = row
  expect(await after(act, failing, unset)).toBe(status)
})
