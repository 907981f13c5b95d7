import { CallbackRepository } from './repository/express-store-repository'
import type { CallbackStore } from './repository/express-store'
import { checkOptions, checkStore } from './options'
import { cookieTransport } from './cookie/transport'
import { pathMatches, requestPath } from './cookie/path'
import { createBareSigner, createSigner, type Signer } from './cookie/signature'
import { makeDictionaries, type Linked } from './dictionaries'
import { SessionError } from './errors'
import { HttpSession, type Shared } from './http-session'
import type { LoadMode, SessionOptions, Settings } from './options'
import { Outside } from './manager/detached-sessions'
import { RecordRepository } from './repository/record-repository'
import type { Repository } from './repository/repository'
import type { Session } from './session/session'
import type { SessionRequest } from './request'
import type { Middleware, Sessions } from './manager/sessions'
import type { Store } from './stores/store'
import { checkIndex, UserSessions } from './manager/user-sessions'

export type { Middleware } from './manager/sessions'

const HTTP = Symbol('holdfast')

interface Attached {
  [HTTP]?: HttpSession
  session?: Session
  sessionStore?: Store | CallbackStore
}

/** The same functions for all requests: V8 makes a dictionary of each object that gets its own (decision 15). */
const SESSION: PropertyDescriptor & ThisType<Required<Attached>> = {
  configurable: true,
  enumerable: true,
  get() {
    const http = this[HTTP]
    // The response waits for the session from the moment on that somebody looks at it.
    http.hold()
    return http.session.session
  },
  set(value: unknown) {
    const http = this[HTTP]
    http.hold()
    http.session.assign(value)
  }
}
const SESSION_ID: PropertyDescriptor & ThisType<Required<Attached>> = {
  configurable: true,
  enumerable: true,
  get() {
    return this[HTTP].session.id
  }
}

/** Makes the middleware. Throws `ERR_SESSION_OPTIONS` for options that cannot be right. */
export function createMiddleware(options: SessionOptions): Sessions {
  const settings = checkOptions(options)
  const { store, load } = settings
  let only: Shared | undefined
  const sharedFor =
    typeof store === 'function' ? chooser(settings, store) : always((only = share(settings, store)))
  const outside = new Outside(sharedFor)
  const users = new UserSessions(settings, only?.repository)

  const session: Middleware = (req, res, next) => {
    // Another session middleware was here first, or the cookie is not sent to this path.
    if ((req as Attached)[HTTP] || (req as Attached).session !== undefined) return next()
    if (!pathMatches(requestPath(req.originalUrl ?? req.url), settings.cookie.path ?? '/')) return next()

    makeDictionaries(req as Linked, res)
    let http: HttpSession
    let mode: LoadMode
    try {
      http = new HttpSession(sharedFor(req), req, res, next)
      mode = typeof load === 'function' ? load(req) : load
      // Without a verified id there is nothing to wait for.
      if (mode === 'eager' && http.ids.length === 0) http.session.begin()
    } catch (error) {
      return next(error)
    }
    if (mode === 'lazy') {
      attach(req as Attached, http)
      return next()
    }
    http.vary()
    const ready = () => {
      attach(req as Attached, http)
      if (http.session.expectant) http.hold()
      next()
    }
    if (http.ids.length === 0) return ready()
    http.session.load().then(
      () => process.nextTick(ready),
      (error: unknown) => {
        // No handler has run, so that asking again is safe.
        if (error instanceof SessionError && error.status === 503) error.headers = { 'Retry-After': '1' }
        process.nextTick(next, error)
      }
    )
  }
  return Object.assign(session, {
    list: users.list.bind(users),
    destroy: users.destroy.bind(users),
    load: outside.load.bind(outside),
    onDestroy: outside.onDestroy.bind(outside)
  })
}

function attach(req: Attached, http: HttpSession): void {
  req[HTTP] = http
  Object.defineProperty(req, 'session', SESSION)
  Object.defineProperty(req, 'sessionID', SESSION_ID)
  req.sessionStore = http.store
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
  let sealed = false
  return (req) => {
    const store = checkStore(storeOf(req))
    let shared = made.get(store)
    if (!shared) {
      shared = share(settings, store)
      // What one of them seals the others would open: a visitor of one would be a visitor of all.
      if (shared.repository.stateless && sealed) throw sharedSeal()
      sealed ||= shared.repository.stateless
      made.set(store, shared)
    }
    return shared
  }
}

function sharedSeal(): SessionError {
  return new SessionError(
    'ERR_SESSION_OPTIONS',
    'store: req => Store gave a second CookieStore, whose sessions the first would take for its own: take one session() ' +
      'for each, with a name of its own'
  )
}

function share(settings: Settings, store: Store | CallbackStore): Shared {
  const { secrets, name, deserialize, transport = cookieTransport(settings) } = settings
  if ('contract' in store) store.keys?.(secrets, name, deserialize)
  const repository = createRepository(settings, store)
  return { settings, store, transport, repository, signer: signerFor(settings, repository) }
}

function createRepository(settings: Settings, store: Store | CallbackStore): Repository {
  const { timeout, merge, serialize, user, lifetime } = settings
  if (user) checkIndex(store)
  if ('contract' in store) {
    // Also without the option: a session that gets another id stays its user's.
    return new RecordRepository(store, settings, timeout, merge, store.index && store.life && lifetime)
  }
  if (!serialize) return new CallbackRepository(store, timeout, merge, settings)
  throw new SessionError(
    'ERR_SESSION_OPTIONS',
    'serialize has no effect on a store written for express-session, which keeps objects: give it one of its own options'
  )
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
