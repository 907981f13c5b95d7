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
app.use(session({ secret, store: new RedisStore(new Redis({ lazyConnect: true })) }))
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
  await req.session.update((s) => {
    // @ts-expect-error -- a string
    s.userinfo = 1
  })

  res.json({ text, store: store.contract, fresher })
})

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
