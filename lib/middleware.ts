import { CallbackRepository } from './callback-repository'
import type { CallbackStore } from './callback-store'
import { checkOptions, checkStore } from './check-options'
import { cookieTransport } from './cookie-transport'
import { pathMatches, requestPath } from './cookie/path'
import { createBareSigner, createSigner, type Signer } from './cookie/sign'
import { SessionError } from './errors'
import { HttpSession, type SessionResponse, type Shared } from './http-session'
import type { SessionOptions, Settings } from './options'
import { RecordRepository } from './record-repository'
import type { Repository } from './repository'
import type { Session } from './session'
import type { SessionRequest } from './session-request'
import type { Store } from './stores/store'

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
  const { store, load } = settings
  const sharedFor = typeof store === 'function' ? chooser(settings, store) : always(share(settings, store))

  return function session(req, res, next) {
    // Another session middleware was here first, or the cookie is not sent to this path.
    if (attached.has(req) || (req as Attached).session !== undefined) return next()
    if (!pathMatches(requestPath(req.originalUrl ?? req.url), settings.cookie.path ?? '/')) return next()

    const shared = sharedFor(req)
    const http = new HttpSession(shared, req, res, next)
    const mode = typeof load === 'function' ? load(req) : load
    if (mode === 'lazy') {
      attach(req, http, shared.store)
      return next()
    }
    http.vary()
    const ready = () => {
      attach(req, http, shared.store)
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
  function attach(req: SessionRequest, http: HttpSession, store: Store | CallbackStore): void {
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

const always =
  <T>(value: T) =>
  () =>
    value

/** What the requests of each store share, made when the store is first chosen. */
function chooser(
  settings: Settings,
  storeOf: (req: SessionRequest) => Store | CallbackStore
): (req: SessionRequest) => Shared {
  const made = new WeakMap<object, Shared>()
  return (req) => {
    const store = checkStore(storeOf(req))
    let shared = made.get(store)
    if (!shared) made.set(store, (shared = share(settings, store)))
    return shared
  }
}

function share(settings: Settings, store: Store | CallbackStore): Shared {
  const { secrets, name, transport = cookieTransport(settings) } = settings
  if ('contract' in store) store.keys?.(secrets, name)
  const repository = createRepository(settings, store)
  return { settings, store, transport, repository, signer: signerFor(settings, repository) }
}

function createRepository(settings: Settings, store: Store | CallbackStore): Repository {
  const { timeout, merge } = settings
  return 'contract' in store
    ? new RecordRepository(store, settings, timeout, merge)
    : new CallbackRepository(store, timeout, merge)
}

/** Name and value of a cookie together, in bytes (RFC 6265bis, 5.6). */
const MAX_COOKIE = 4096
const MAX_ID = 128

function signerFor({ secrets, signed }: Settings, { stateless }: Repository): Signer {
  if (stateless) return createBareSigner(MAX_COOKIE)
  return signed ? createSigner(secrets) : createBareSigner(MAX_ID)
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
