// A user's file: the test puts the imports of each module system in front of it.
declare module 'holdfast' {
  interface SessionData {
    userinfo?: string
    count?: number
  }
}

const secret = 'a secret of thirty-two bytes or more'
const app = express()
app.use(
  session({ secret, load: 'lazy', idleTimeout: 30 * 60_000, cookie: { secure: 'auto', sameSite: 'lax' } })
)
app.use(session({ secret: [secret, secret], store: new MemoryStore() }))
app.use(session({ secret, store: new session.MemoryStore() }))
// A line of its own: the compiler takes seconds to infer a client of ioredis 6 where a type is expected of it.
const client = new Redis({ lazyConnect: true })
app.use(session({ secret, store: new RedisStore(client) }))
export const storeOf = (given: RedisClient, prefixed: RedisStoreOptions) => new RedisStore(given, prefixed)
app.use(session({ secret, load: (req) => (req.url === '/' ? 'eager' : 'lazy') }))

app.get('/', async (req, res) => {
  req.session.userinfo = 'test'
  const userinfo: string | undefined = req.session.userinfo
  const count: number = await req.session.update((s) => {
    s.userinfo = userinfo
    return (s.count = (s.count ?? 0) + 1)
  })
  const loaded = await req.session.load()
  loaded.count = count
  const fresh = await req.session.regenerate({ keep: ['count'] })
  fresh.userinfo = userinfo
  await req.session.regenerate({ keep: true })
  await req.session.save()
  req.session.save((error?: unknown) => {
    console.log(error)
  })
  await req.session.destroy()

  const text: string = req.sessionID + req.session.id + req.session.handle
  const store: Store = req.sessionStore
  const fresher: boolean = req.session.isNew

  // @ts-expect-error -- not declared
  req.session.nobody = 1
  // @ts-expect-error -- a string
  req.session.userinfo = 1
  // @ts-expect-error -- no attribute of a cookie: expires
  req.session.cookie._expires = null
  await req.session.update((s) => {
    // @ts-expect-error -- a string
    s.userinfo = 1
  })

  res.json({ text, store: store.contract, fresher })
})

const byUser: SessionOptions = { secret, user: (s) => s.userinfo }
const devices: Sessions = session(byUser)
app.use(devices)
app.get('/devices', async (req, res) => {
  const list: SessionInfo[] = await devices.list('test')
  const names: (string | undefined)[] = list.map(({ data }) => data.userinfo)
  const seen: Date[] = list.flatMap(({ createdAt, lastSeenAt, expiresAt }) => [
    createdAt,
    lastSeenAt,
    expiresAt
  ])
  const others: SessionChoice = { except: req.session }
  const ended: number = await devices.destroy('test', others)
  await devices.destroy('test', { handle: list[0]!.handle })
  // @ts-expect-error -- one or the rest
  await devices.destroy('test', { id: 'a' })
  // @ts-expect-error -- a string
  const count: number = list[0]!.data.userinfo
  res.json({ names, seen, ended, count })
})
// @ts-expect-error -- a number is no name
session({ secret, user: (s) => s.count })

app.post('/assigned', (req) => {
  req.session = { userinfo: 'test' }
  // @ts-expect-error -- no such key
  req.session = { userInfo: 'test' }
  req.session = null
})
session({ secret, store: undefined, idleTimeout: undefined, user: undefined, cookie: { domain: undefined } })

const entry: IndexEntry = { id: 'a', noted: 1, age: 1 }
const index: SessionIndex | undefined = new MemoryStore().index
console.log(entry, index)

// @ts-expect-error -- no such way to load
session({ secret, load: 'never' })
// @ts-expect-error -- a secret is needed
session({})

const options: SessionOptions = { secret }
const code: SessionErrorCode = new SessionError('ERR_SESSION_GONE', 'gone').code
const handler = (s: Session & Partial<SessionData>): string | undefined => s.userinfo
const kept: SetResult = { id: 'a' }
console.log(options, code, handler, kept)

const storeOptions: StoreTestOptions = { unreachable: () => new MemoryStore() }
const tests: StoreTest[] = storeTests(() => Promise.resolve(new MemoryStore()), storeOptions)
const ran: Promise<void>[] = tests.map(({ name, run }) => (name ? run() : Promise.resolve()))
console.log(ran.length)

// Declarations are emitted of these: their data have a name in every module setting.
export const sessions = session({ secret })
export const current = (req: express.Request) => sessions.of(req)
export const login = (req: express.Request) => req.session.regenerate({ set: { userinfo: 'ann' } })
app.use(sessions)
const watched = async (req: express.Request): Promise<(() => void) | null> => {
  const found = await sessions.open(req)
  const fromHeader = await sessions.open({ headers: { cookie: 'sid=1' } })
  const userinfo: string | undefined = found?.userinfo ?? fromHeader?.userinfo
  await found?.update((s) => void (s.userinfo = userinfo ?? 'nobody'))
  sessions.onDestroy(req.session, () => Promise.resolve())()
  sessions.onDestroy('a handle', () => console.log(userinfo))()
  // @ts-expect-error -- null where there is none
  sessions.onDestroy(found, () => undefined)
  return found && sessions.onDestroy(found, () => undefined)
}
console.log(watched)
