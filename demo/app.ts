import express from 'express'
import session, { type Sessions, type Store } from '../lib/index'
import { cors, refuseForeignOrigins } from './cors'
import { answerErrors, notFound } from './errors'
import { Freezer } from './freezer'
import { refuseForeignHosts } from './hosts'
import type { Logouts } from './logouts'
import { page } from './page'
import type { StoreMaker } from './race/race'
import { cookieRoutes } from './routes/cookie'
import { countRoutes } from './routes/count'
import { deviceRoutes, hasDevices } from './routes/devices'
import { eventRoutes } from './routes/events'
import { formRoutes } from './routes/form'
import { freezeRoutes } from './routes/freeze'
import { raceRoutes } from './routes/race'
import { sessionRoutes } from './routes/session'
import { userRoutes } from './routes/users'
import { tap } from './tap'
import { around, timed, traced } from './trace'

const DAY = 24 * 60 * 60_000

/** The two clocks of the demo's sessions, in milliseconds: since the last use, and since the session began. */
export const life = { idleTimeout: DAY, lifetime: 30 * DAY }

/** What the demo's server decides and its tests vary. */
export interface AppOptions {
  store: Store
  /** For the second browser on the page, where a store serves one cookie only. Default: `store`. */
  secondStore?: Store | undefined
  /** What the page calls the store. */
  storeName: string
  /** Ends the sessions of a store that keeps nothing: what its `notBefore` asks. */
  logouts?: Logouts | undefined
  /** Signs the cookies; 32 bytes or more. */
  secret: string
  /** Origins of front ends elsewhere that may use the demo, such as `http://127.0.0.1:8080`. Default: none. */
  allowedOrigins?: readonly string[]
  /** Names of this machine beside `localhost`, as browsers ask for it. Default: none. */
  allowedHosts?: readonly string[]
  /** Makes the stores of the race. Default: each package's own MemoryStore. */
  raceStore?: StoreMaker | undefined
  /** Milliseconds after which a frozen store thaws by itself. Default: 12,000. */
  longestFreeze?: number | undefined
  /** Hears the id of each session that was just saved for the first time. An id is a secret: for a demo only. */
  onSession?: (id: string) => void
}

/** The login server, and its page. Everything above the session here works without one, and never touches it. */
export function createApp(options: AppOptions): express.Express {
  const { store, storeName, logouts, secret, allowedOrigins = [], allowedHosts = [], onSession } = options
  const app = express()
  app.disable('x-powered-by')
  // An answer that depends on the session is never kept by a cache, so it needs no validator either.
  app.disable('etag')

  app.use(refuseForeignHosts(allowedHosts))
  app.use(page())
  app.use(cors(allowedOrigins), refuseForeignOrigins(allowedOrigins))
  app.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store')
    next()
  })

  const freezer = new Freezer(options.longestFreeze)
  /** The routes of one browser: the page shows two, each with a cookie of its own, on the same store. */
  const browser = (name: string, store: Store): { sessions: Sessions; routes: express.Router } => {
    const sessions = session({
      secret,
      store: tap(tap(store, freezer.around), timed),
      name,
      load: 'lazy',
      ...life,
      ...(hasDevices(store) && { user: ({ userinfo }) => userinfo })
    })
    const routes = express.Router()
    routes.use(around(sessions))
    routes.use(countRoutes(onSession), userRoutes(onSession), formRoutes(onSession))
    routes.use(deviceRoutes({ sessions, store, logouts }))
    routes.use(sessionRoutes({ store, storeName, ...life }), cookieRoutes(name, store))
    return { sessions, routes }
  }
  const [first, second] = [browser('sid', store), browser('sid2', options.secondStore ?? store)]

  app.use(traced)
  app.use(freezeRoutes(freezer), raceRoutes(options.raceStore))
  app.use(eventRoutes({ browsers: [first.sessions, second.sessions], store, freezer }))
  app.use('/second', second.routes)
  app.use(first.routes)
  app.use(notFound, answerErrors)
  return app
}
