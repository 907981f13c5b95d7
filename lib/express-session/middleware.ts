import { pathMatches, requestPath } from '../cookie/cookie-header'
import { asError } from '../errors'
import { makeDictionaries, type Linked } from '../request'
import type { HoldableResponse } from '../response/response'
import { ExpressExchange } from './express-exchange'
import { createSession } from './generate'
import { readOptions, type Incoming, type Options, type Secret } from './options'
import { attached } from './session'
import { runAs, watchEnds } from './own-ends'
import { readIds } from './signature'
import { readinessOf } from './readiness'
import { StoredSessions } from './stored-sessions'

export type Middleware = (req: Incoming, res: HoldableResponse, next: (error?: unknown) => void) => void

/** Makes the middleware: express-session's options, defaults and rules, on a response that waits for the store. */
export function createExpressSession(options?: Options | null): Middleware {
  const settings = readOptions(options ?? {})
  const { store } = settings
  const readiness = readinessOf(store)
  const sessions = new StoredSessions(store, settings.timeout)
  watchEnds(store)
  // Applications call this, and put functions of their own around it. The request knows whose session it is.
  store.generate = (req) => {
    const host = attached(req)
    if (host) host.create()
    else createSession(req as Incoming, settings)
  }

  return function session(req, res, next) {
    if (req.session || !readiness.ready) return next()
    const { path } = settings.cookieOptions(req)
    if (!pathMatches(requestPath(req.originalUrl ?? req.url), (path as string | undefined) || '/'))
      return next()
    const secrets = () => settings.secrets() ?? (req.secret ? ([req.secret].flat() as Secret[]) : [])
    if (secrets().length === 0) return next(new Error('secret option required for sessions'))

    makeDictionaries(req as Linked, res)
    req.sessionStore = store
    const ids = readIds(req, settings, secrets())
    req.sessionID = ids[0]
    const exchange = new ExpressExchange(sessions, settings, secrets, req, res, next)
    if (ids.length > 0) {
      exchange.load(ids).then(
        () => process.nextTick(runAs, exchange, next),
        (error: unknown) => process.nextTick(next, asError(error))
      )
      return
    }
    try {
      exchange.begin()
    } catch (error) {
      return next(asError(error))
    }
    runAs(exchange, next)
  }
}
