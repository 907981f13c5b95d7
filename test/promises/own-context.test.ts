import { AsyncLocalStorage } from 'node:async_hooks'
import real from 'express-session'
import type { SessionOptions } from '../../lib'
import dropIn from '../../lib/express-session'
import { Site as DropInSite } from '../express-session/support/both'
import { after, CountingStore } from '../support/counting-store'
import { gate } from '../support/gate'
import { Site, until, type Bag } from '../support/site'

/** What an application keeps for each request: a logger, a tenant, a transaction. */
const requests = new AsyncLocalStorage<string>()

const names = ['first', 'second', 'third', 'fourth', 'fifth']

/** Where a function of the application ran, and for which request. */
const seen = new Set<string>()
const note = (who: string, whose: unknown) =>
  void seen.add(`${who} of ${String(whose)} in ${requests.getStore()}`)

const hooks = {
  beforeSave: (_req, s) => note('beforeSave', (s as Bag).last),
  merge: (_base, mine, theirs) => {
    const { last } = mine as Bag
    note('merge', last)
    return { ...theirs, last }
  }
} satisfies Partial<SessionOptions>

/** The request whose write is under way when all others ask for theirs. */
async function together(options: Partial<SessionOptions>, hold: (gate: Promise<void>) => void) {
  const site = await Site.open(options, (app) =>
    app.use((req, _res, next) => requests.run(String(req.headers['x-name']), next))
  )
  const visitor = site.visitor()
  await visitor.visit((s) => void (s.items = []), { headers: { 'x-name': 'first' } })
  seen.clear()
  const write = gate()
  let [arrived, asked] = [0, 0]
  hold(write.opened)
  const answers = names.map((name) =>
    visitor.clone().visit(
      async (s) => {
        arrived++
        await until(() => arrived === names.length)
        s.last = name
        const updated = s.update((draft) => void (draft.items as unknown[]).push(requests.getStore()))
        if (++asked === names.length) setImmediate(write.open)
        await updated
        note('handler', name)
      },
      { headers: { 'x-name': name } }
    )
  )
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(names.map(() => 200))
  const items = await visitor.ask((s) => s.items as unknown[])
  return { items: items.sort(), seen: [...seen].sort() }
}

const inTheirOwn = (...functions: string[]) =>
  functions.flatMap((who) => names.map((name) => `${who} of ${name} in ${name}`)).sort()

test('all that the application gave runs in the context of its own request, also for commits that share a write', async () => {
  const store = new CountingStore()
  const result = await together(
    {
      ...hooks,
      timeout: 60_000,
      store,
      user: (s) => {
        note('user', (s as Bag).last)
        return 'ann'
      },
      codec: {
        encode: (data) => {
          note('codec', data.last)
          return JSON.stringify(data)
        },
        decode: (text) => JSON.parse(text) as Record<string, unknown>
      }
    },
    (gate) =>
      store.next(
        'set',
        after(() => gate)
      )
  )
  expect(result.items).toEqual([...names].sort())
  expect(result.seen).toEqual(expect.arrayContaining(inTheirOwn('beforeSave', 'codec', 'handler', 'user')))
  expect(result.seen.filter((line) => !/of (.*) in \1$/.test(line))).toEqual([])
})

test('the same over a store that was written for express-session', async () => {
  const store = new real.MemoryStore()
  const result = await together({ ...hooks, timeout: 60_000, store: () => store }, (gate) => {
    const set = store.set.bind(store)
    store.set = (...args) => {
      store.set = set
      void gate.then(() => set(...args))
    }
  })
  expect(result.items).toEqual([...names].sort())
  expect(result.seen).toEqual(expect.arrayContaining(inTheirOwn('beforeSave', 'handler')))
  expect(result.seen.filter((line) => !/of (.*) in \1$/.test(line))).toEqual([])
})

test('a toJSON of the drop-in runs in the context of its own request, also for sessions that share a write', async () => {
  const store = new real.MemoryStore()
  let [arrived, ended] = [0, 0]
  const site = await DropInSite.of(
    dropIn,
    { store, before: ({ url }) => requests.enterWith(url!.slice(1)) },
    async ({ url, session }, res) => {
      const name = url!.slice(1)
      if (name === 'new') session.n = 0
      else if (name !== 'all') {
        arrived++
        await until(() => arrived === names.length)
        session[name] = { toJSON: () => requests.getStore() }
        ended++
      }
      res.end(JSON.stringify(session))
    }
  )
  await site.get('/new')
  const set = store.set.bind(store)
  store.set = (...args) => {
    store.set = set
    // When the others have asked for their write.
    void until(() => ended === names.length).then(() => setImmediate(set, ...args))
  }
  await Promise.all(names.map((name) => site.get(`/${name}`)))
  const all = JSON.parse((await site.get('/all')).text) as Record<string, unknown>
  expect(names.map((name) => all[name])).toEqual(names)
})
