import express from 'express'
import session, { type Store } from '../lib/index'
import { cors, refuseForeignOrigins } from './cors'
import { answerErrors, notFound } from './errors'
import type { Logouts } from './logouts'
import { page } from './page'
import { countRoutes } from './routes/count'
import { deviceRoutes, hasDevices } from './routes/devices'
import { formRoutes } from './routes/form'
import { sessionRoutes } from './routes/session'
import { userRoutes } from './routes/users'

const DAY = 24 * 60 * 60_000

/** The two clocks of the demo's sessions, in milliseconds: since the last use, and since the session began. */
export const life = { idleTimeout: DAY, lifetime: 30 * DAY }

/** What the demo's server decides and its tests vary. */
export interface AppOptions {
  store: Store
  /** What the page calls the store. */
  storeName: string
  /** Ends the sessions of a store that keeps nothing: what its `notBefore` asks. */
  logouts?: Logouts | undefined
  /** Signs the cookies; 32 bytes or more. */
  secret: string
  /** Origins of front ends elsewhere that may use the demo, such as `http://127.0.0.1:8080`. Default: none. */
  allowedOrigins?: readonly string[]
  /** Hears the id of each session that was just saved for the first time. An id is a secret: for a demo only. */
  onSession?: (id: string) => void
}

/** The login server. Whatever stands above the session here can be had without one, and never touches it. */
export function createApp(options: AppOptions): express.Express {
  const { store, storeName, logouts, secret, allowedOrigins = [], onSession } = options
  const app = express()
  app.disable('x-powered-by')
  // An answer that depends on the session is never kept by a cache, so it needs no validator either.
  app.disable('etag')

  app.use(page())
  app.use(cors(allowedOrigins), refuseForeignOrigins(allowedOrigins))
  app.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store')
    next()
  })

  const sessions = session({
    secret,
    store,
    load: 'lazy',
    ...life,
    ...(hasDevices(store) && { user: ({ userinfo }) => userinfo })
  })
  app.use(sessions)
  app.use(countRoutes(onSession), userRoutes(onSession), formRoutes(onSession))
  app.use(deviceRoutes({ sessions, store, logouts }))
  app.use(sessionRoutes({ store, storeName, ...life }))
  app.use(notFound, answerErrors)
  return app
}
