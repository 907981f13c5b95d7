import { pathMatches, requestPath } from './cookie/path'
import { createSigner } from './cookie/sign'
import { SessionError } from './errors'
import { HttpSession, type SessionResponse } from './http-session'
import { checkOptions, type SessionOptions, type SessionRequest } from './options'
import { RecordRepository } from './record-repository'
import type { Session } from './session'

/**
 * A middleware for Express 4 and 5, Connect, and `node:http` with a function in the place of `next`. `next` is called
 * a second time, with an error, when a response was ended but what it promised could not be stored.
 */
export type Middleware = (req: SessionRequest, res: SessionResponse, next: (error?: unknown) => void) => void

interface Attached {
  session?: Session
}

const attached = new WeakSet<object>()

/** Makes the middleware. Throws `ERR_SESSION_OPTIONS` for options that cannot be right. */
export function createMiddleware(options: SessionOptions): Middleware {
  const settings = checkOptions(options)
  const { store, load, timeout, merge } = settings
  const shared = {
    settings,
    signer: createSigner(settings.secrets),
    repository: new RecordRepository(store, settings, timeout, merge)
  }

  return function session(req, res, next) {
    // Another session middleware was here first, or the cookie is not sent to this path.
    if (attached.has(req) || (req as Attached).session !== undefined) return next()
    if (!pathMatches(requestPath(req.originalUrl ?? req.url), settings.cookie.path ?? '/')) return next()

    const http = new HttpSession(shared, req, res, next)
    const mode = typeof load === 'function' ? load(req) : load
    if (mode === 'lazy') {
      attach(req, http)
      return next()
    }
    http.vary()
    const ready = () => {
      attach(req, http)
      if (http.session.expectant) http.hold()
      next()
    }
    // Without a verified id there is nothing to wait for.
    if (http.ids.length === 0) {
      http.session.begin()
      return ready()
    }
    http.session.load().then(
      () => process.nextTick(ready),
      (error: unknown) => {
        // No handler has run, so that asking again is safe.
        if (error instanceof SessionError && error.status === 503) error.headers = { 'Retry-After': '1' }
        process.nextTick(next, error)
      }
    )
  }

  /** The response waits for the session from the moment on that somebody looks at it. */
  function attach(req: SessionRequest, http: HttpSession): void {
    attached.add(req)
    Object.defineProperties(req, {
      session: {
        configurable: true,
        enumerable: true,
        get() {
          http.hold()
          return http.session.session
        },
        set(value: unknown) {
          http.hold()
          http.session.assign(value)
        }
      },
      sessionID: { configurable: true, enumerable: true, get: () => http.session.id },
      sessionStore: { configurable: true, enumerable: true, writable: true, value: store }
    })
  }
}

/**
 * Goes in front of code that needs the plain session, such as passport, connect-flash or csrf-sync, where sessions are
 * loaded lazily.
 *
 * @throws SessionError to `next`: `ERR_SESSION_OPTIONS` where no session middleware ran, else as `load()`
 */
export const loadSession: Middleware = (req, _res, next) => {
  const { session } = req as Attached
  if (!session) {
    return next(
      new SessionError('ERR_SESSION_OPTIONS', 'loadSession found no session: mount session() before it')
    )
  }
  session.load((error: unknown) => (error ? next(error) : next()))
}
