// An application's file, as it is written against @types/express-session: the test puts the imports in front of it.
declare module 'express-session' {
  interface SessionData {
    user: { name: string }
    views?: number
  }
}

class OwnStore extends session.Store {
  readonly #kept = new Map<string, string>()

  get(sid: string, callback: (err: any, session?: session.SessionData | null) => void): void {
    const text = this.#kept.get(sid)
    callback(null, text === undefined ? null : (JSON.parse(text) as session.SessionData))
  }

  set(sid: string, data: session.SessionData, callback?: (err?: any) => void): void {
    this.#kept.set(sid, JSON.stringify(data))
    callback?.()
  }

  destroy(sid: string, callback?: (err?: any) => void): void {
    this.#kept.delete(sid)
    callback?.()
  }
}

const cookie: session.CookieOptions = { maxAge: 60_000, sameSite: 'lax', secure: 'auto', httpOnly: true }
const options: session.SessionOptions = {
  secret: ['one', Buffer.from('two')],
  name: 'sid',
  resave: false,
  saveUninitialized: false,
  rolling: true,
  proxy: true,
  unset: 'destroy',
  store: new OwnStore(),
  cookie,
  genid: (req) => req.get('x-request-id') ?? req.ip ?? 'none'
}

const app = express()
app.use(session(options))
app.use(
  session({ secret: 'one', store: new session.MemoryStore(), cookie: (req) => ({ path: req.baseUrl }) })
)
const handler: express.RequestHandler = session({ secret: 'one' })
app.use('/path', handler)

app.post('/login', (req, res, next) => {
  req.session.regenerate((err) => {
    if (err) return next(err)
    req.session.user = { name: 'bob' }
    req.session.views = (req.session.views ?? 0) + 1
    req.session.cookie.maxAge = 1000
    req.session.cookie.expires = new Date()
    const left: number | null = req.session.cookie.originalMaxAge
    req.session.save((error?: any) => {
      res.json({ left, error: String(error) })
    })
  })
})

app.get('/', (req, res) => {
  const name: string | undefined = req.session.user?.name
  const id: string = req.sessionID + req.session.id
  req.session.touch().resetMaxAge()
  req.session.reload((err) => {
    // @ts-expect-error -- not declared
    req.session.nobody = 1
    // @ts-expect-error -- an object
    req.session.user = 'bob'
    res.json({ name, id, err: String(err) })
  })
})

app.get('/logout', (req, res) => {
  const store: Express.SessionStore = req.sessionStore
  store.generate(req)
  store.all?.((err, all) => console.log(err, all))
  store.get(req.sessionID, (err, data) => console.log(err, data?.user.name, data?.cookie.path))
  req.session.destroy((err) => {
    res.end(String(err))
  })
})

function describe(data: session.Session & Partial<session.SessionData>): string {
  return `${data.id} ${String(data.cookie instanceof session.Cookie)}`
}
console.log(describe)

// What tests of stores do, and code that passes a callback on.
const kept: session.Cookie = { originalMaxAge: 1000, path: '/' }
const data: session.SessionData = { cookie: kept, user: { name: 'bob' } }
new OwnStore().set('id', data)
options.store?.on('disconnect', () => console.log(typeof options.cookie))

export function finish(current: session.Session, done?: (err: any) => void): session.Session {
  return current.save(done)
}

export const mocked: Pick<session.Session, 'save' | 'destroy' | 'regenerate' | 'reload'> = {
  save(done) {
    done?.(undefined)
    return mocked as session.Session
  },
  destroy: (done: (err: any) => void) => (done(undefined), mocked as session.Session),
  regenerate: (done: (err: any) => void) => (done(undefined), mocked as session.Session),
  reload: (done: (err: any) => void) => (done(undefined), mocked as session.Session)
}
const { sameSite }: { sameSite?: boolean | 'lax' | 'strict' | 'none' | undefined } = cookie
express().get(
  '/attributes',
  (_req, res) => void res.cookie('other', 'value', { sameSite: sameSite ?? 'lax' })
)
