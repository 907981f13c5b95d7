import express from 'express'
import real from 'express-session'
import session from '../../lib'
import dropIn from '../../lib/express-session'
import { serve } from '../support/serve'
import { portOf } from '../support/server'
import { send } from '../support/send'
import { answerErrors, type Bag, secret } from '../support/site'

const REQUESTS = 20

/** A store written for express-session whose every call takes so long. */
function slowStore(ms: number) {
  const store = new real.MemoryStore()
  for (const name of ['get', 'set', 'destroy', 'touch'] as const) {
    const methods = store as unknown as Record<string, (...args: unknown[]) => void>
    const method = methods[name]!.bind(store)
    methods[name] = (...args) => void setTimeout(method, ms, ...args)
  }
  return store
}

const middlewares = {
  'the main entry': (store: real.Store, timeout: number) =>
    session({ secret, store, timeout }) as express.Handler,
  'the drop-in': (store: real.Store, timeout: number) =>
    dropIn({ secret, store, timeout, resave: false, saveUninitialized: false })
}

// All of them take their turns: the last have waited for longer than the timeout when those before them are through.
describe.each(Object.entries(middlewares))(
  '%s, over a store with callbacks that takes its time',
  (_name, make) => {
    test.each([
      [10, 200],
      [30, 1000]
    ])('keeps every change that was acknowledged: %i ms a call, a timeout of %i ms', async (ms, timeout) => {
      const store = slowStore(ms)
      const app = express()
      app.use(make(store, timeout))
      app.use((req, res) => {
        const s = req.session as unknown as Bag
        if (req.url === '/read') {
          const { cookie: _cookie, ...data } = s
          return void res.json(data)
        }
        s[req.url.slice(1)] = true
        res.end()
      })
      app.use(answerErrors)
      const port = portOf(await serve(app))
      const cookie = (await send(port, '/begin')).setCookies[0]!.split(';')[0]
      const asked = { headers: { cookie } }
      const answers = await Promise.all(
        Array.from({ length: REQUESTS }, (_, i) => send(port, `/${i}`, asked))
      )
      const acknowledged = answers.flatMap(({ status }, i) => (status === 200 ? [`${i}`] : []))
      expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([])
      expect(acknowledged.length).toBeGreaterThan(0)
      const kept = JSON.parse((await send(port, '/read', asked)).text) as object
      expect(acknowledged.filter((key) => !(key in kept))).toEqual([])
    })
  }
)

test('update counts what it acknowledged, over a store with callbacks that takes its time', async () => {
  const app = express()
  app.use(middlewares['the main entry'](slowStore(10), 200))
  app.use(async (req, res) => {
    const s = req.session as unknown as Bag
    if (req.url === '/count')
      await s.update((draft) => (draft.n = ((draft.n as number | undefined) ?? 0) + 1))
    else if (req.url === '/begin') s.n = 0
    res.json(s.n)
  })
  app.use(answerErrors)
  const port = portOf(await serve(app))
  const cookie = (await send(port, '/begin')).setCookies[0]!.split(';')[0]
  const asked = { headers: { cookie } }
  const answers = await Promise.all(Array.from({ length: REQUESTS }, () => send(port, '/count', asked)))
  const acknowledged = answers.filter(({ status }) => status === 200).length
  expect(acknowledged).toBeGreaterThan(0)
  const { text } = await send(port, '/read', asked)
  // One that was answered with 503 may have been stored all the same.
  expect(Number(text)).toBeGreaterThanOrEqual(acknowledged)
})
