import { checkOptions, type LoadMode, type SessionOptions } from './options'
import { pathMatches, requestPath } from './cookie/cookie-header'
import type { SessionCookie } from './cookie/session-cookie'
import { warnOfReplaced } from './cookie/replaced'
import { readIds, type ResponseHeaders } from './cookie/transport'
import { asError, need, refusePromise, SessionError } from './errors'
import { hears, publish } from './events'
import { DetachedSessions } from './manager/detached-sessions'
import type { Middleware, Sessions } from './manager/sessions'
import { checkIndex, UserSessions } from './manager/user-sessions'
import type { ExpressStore } from './repository/express-store'
import type { Repository } from './repository/repository'
import { isDevelopment } from './repository/values'
import { makeDictionaries, type Linked, type SessionRequest } from './request'
import type { HoldableResponse } from './response/response'
import { HeaderSnapshot, ResponseHold, type ResponseGate } from './response/response-hold'
import { announcementAtEnd, commitAtEnd, isDirtyAtEnd, isExpectant } from './session/end-of-response'
import { RequestSession } from './session/request-session'
import type { SessionScope, VerifiedId } from './session/scope'
import { refuseDestroyed, type Session } from './session/session'
import { createSetup, type Shared } from './setup'
import type { Store } from './stores/store'

export type { Middleware } from './manager/sessions'

const EXCHANGE = Symbol('holdfast')

interface Attached {
  [EXCHANGE]?: Exchange
  session?: Session
  sessionStore?: Store | ExpressStore
}

/** Makes the middleware. Throws `ERR_SESSION_OPTIONS` for options that cannot be right. */
export function createMiddleware(options: SessionOptions): Sessions {
  const { secrets, ...settings } = checkOptions(options)
  const setup = createSetup(settings, secrets)
  if (settings.user && setup.only) checkIndex(setup.only.store)
  const path = settings.cookie.path ?? '/'

  let isSkipped = false
  const session: Middleware = (req, res, next) => {
    if ((req as unknown) === undefined) throw calledAtStart('sessions')
    if (typeof next !== 'function') throw calledWithoutNext()
    // Another session middleware was here first, or the cookie is not sent to this path.
    const { [EXCHANGE]: first, session: theirs } = req as Attached
    if (first || theirs !== undefined) {
      isSkipped ||= warnSkipped(settings.name, first?.settings)
      return next()
    }
    if (path !== '/' && !pathMatches(requestPath(req.originalUrl ?? req.url), path)) return next()
    makeDictionaries(req as Linked, res)
    let exchange: Exchange
    let mode: LoadMode
    try {
      exchange = new Exchange(setup.only ?? setup.of(req), req, res as HoldableResponse, next)
      mode = typeof settings.load === 'function' ? modeOf(settings.load(req)) : settings.load
    } catch (error) {
      return next(asError(error))
    }
    exchange.start(mode)
  }
  const users = new UserSessions(settings, setup.only?.repository)
  const detached = new DetachedSessions(setup, (req, repository) => {
    const exchange = (req as Attached)[EXCHANGE]
    if (exchange?.repository !== repository) return undefined
    exchange.hold()
    return exchange.session
  })
  return Object.assign(process.env.HOLDFAST_DEBUG === '1' ? withLines(session, settings.name) : session, {
    list: users.list.bind(users),
    destroy: users.destroy.bind(users),
    open: detached.open.bind(detached),
    load: formerLoad,
    create: detached.create.bind(detached),
    of: (req: object) => sessionOf(req, settings),
    onDestroy: detached.onDestroy.bind(detached)
  })
}

function calledAtStart(name: string): SessionError {
  const message = `the middleware was called without a request: app.use(${name}), and not app.use(${name}())`
  return new SessionError('ERR_SESSION_OPTIONS', message)
}

function calledWithoutNext(): SessionError {
  const message = 'the middleware takes (req, res, next): what handles the request goes on in next'
  return new SessionError('ERR_SESSION_OPTIONS', message)
}

/** The answer of the option `load`. */
function modeOf(answer: unknown): LoadMode {
  if (answer instanceof Promise) refusePromise(answer, 'load')
  need(answer === 'eager' || answer === 'lazy', "load must return 'eager' or 'lazy'")
  return answer
}

/** `open` had the name of what a session does to itself. */
function formerLoad(): never {
  throw new SessionError(
    'ERR_SESSION_OPTIONS',
    'sessions.load is sessions.open now: await sessions.open(req)'
  )
}

/** Writes a line for each request. Loaded only here: everybody else pays nothing for it. */
function withLines(session: Middleware, cookie: string): Middleware {
  // oxlint-disable-next-line typescript/no-require-imports
  const { writeLines } = require('./debug') as typeof import('./debug')
  return writeLines(session, cookie)
}

/** Says that a request had a session already: once for each middleware that is skipped. */
function warnSkipped(name: string, first: Shared['settings'] | undefined): true {
  const found = first
    ? `the session() named ${JSON.stringify(first.name)}`
    : 'req.session of another middleware'
  process.emitWarning(
    `the session() named ${JSON.stringify(name)} was skipped, as ${found} was there before: mount one of them only, or each ` +
      'on paths of its own and with a name of its own',
    { code: 'HOLDFAST_SKIPPED' }
  )
  return true
}

/** See `Sessions.of`. */
function sessionOf(req: object, settings: Shared['settings']): Session {
  const exchange = (req as Attached | undefined)?.[EXCHANGE]
  need(
    exchange?.settings === settings,
    'sessions.of was given a request for which this session() did not run: mount it before, and no other session() in front of it; ' +
      'the option valid gets the session as its second argument'
  )
  const { session } = req as Attached
  if (session) return session
  return refuseDestroyed()
}

/**
 * One request and its response: the path of a session from the cookie that comes to the cookie that goes, in the order of
 * events.
 */
class Exchange implements SessionScope, ResponseGate {
  readonly session: RequestSession
  readonly #shared: Shared
  /** To go back to when a response that was ready cannot leave. */
  readonly #pristine: HeaderSnapshot
  readonly defaults: SessionCookie
  #ids: readonly VerifiedId[] | undefined
  #hold: ResponseHold | undefined

  constructor(
    shared: Shared,
    readonly req: SessionRequest,
    private readonly res: HoldableResponse,
    private readonly next: (error?: unknown) => void
  ) {
    this.#shared = shared
    this.#pristine = new HeaderSnapshot(res)
    this.defaults = shared.cookieFor(req)
    this.session = new RequestSession(this)
  }

  // Not fields: printing a request, even with its hidden properties, must not show what a store holds.

  get settings(): Shared['settings'] {
    return this.#shared.settings
  }

  get repository(): Repository {
    return this.#shared.repository
  }

  // 1. Which session does the cookie name?

  get ids(): readonly VerifiedId[] {
    const { transport, signer } = this.#shared
    return (this.#ids ??= readIds(transport, signer, this.req))
  }

  // 2. It is loaded, now or when the handler asks for it.

  start(mode: LoadMode): void {
    if (mode === 'eager') {
      try {
        this.#vary()
        if (this.ids.length === 0) this.session.begin()
      } catch (error) {
        return this.next(asError(error))
      }
    }
    if (mode === 'lazy' || this.session.current) {
      this.#attach()
      return this.next()
    }
    this.session.open().then(
      () => {
        this.#attach()
        // On a tick of its own, so that what the handler throws is not caught here.
        process.nextTick(this.next)
      },
      (error: unknown) => {
        // No handler has run, so that asking again is safe.
        if (error instanceof SessionError && error.status === 503) error.headers = { 'Retry-After': '1' }
        process.nextTick(this.next, error)
      }
    )
  }

  // 3. The handler finds it at `req.session`.

  #attach(): void {
    const req = this.req as Attached
    // Not enumerable: printing a request must not print all that is behind it.
    Object.defineProperty(req, EXCHANGE, { value: this })
    Object.defineProperty(req, 'session', SESSION)
    Object.defineProperty(req, 'sessionID', SESSION_ID)
    req.sessionStore = this.#shared.store
    if (isExpectant(this.session)) this.hold()
  }

  // 4. The response waits for the store, from the moment on at which the session was first looked at.

  hold(): void {
    if (this.#hold) return
    this.#hold = new ResponseHold(this.req.method, this.res, this, this.#pristine, this.next)
    // It costs every request a little, and tells developers what they cannot see otherwise.
    if (!isDevelopment && !hears('holdfast:dropped')) return
    const hold = this.#hold
    const watch = () => this.session.watchLateWrites(hold.isOver)
    if (hold.isOver) watch()
    else this.res.once?.('finish', watch)
  }

  commit(): Promise<void> | undefined {
    const { failedCommit } = this.session
    return failedCommit ? failedCommit.commit(this.res) : commitAtEnd(this.session)
  }

  /** The client has hung up: what its handler had finished is stored all the same. */
  closed(begun: boolean): void {
    const { session } = this
    try {
      if (!isDirtyAtEnd(session)) return
      if (begun) commitAtEnd(session)?.catch(() => undefined)
      else publish('holdfast:dropped', () => ({ handle: session.handle, reason: 'client closed' }))
    } catch {
      // The client has gone: nobody could be answered with the failure.
    }
  }

  // 5. The headers leave, with the cookie.

  headers(): void {
    this.#vary()
    const said = announcementAtEnd(this.session)
    const { req } = this
    // What a library passes for a response may have no headers.
    if (!said || !this.res.setHeader || !this.res.getHeader) return
    const res = this.res as ResponseHeaders
    const { transport, signer, settings, store } = this.#shared
    try {
      let sent: unknown
      if ('clear' in said) sent = transport.clear(res, { req, cookie: said.clear })
      else {
        const value = signer.sign(said.set, said.life)
        if (isDevelopment) warnOfReplaced(settings.name, transport.read(req), value, store)
        sent = transport.write(res, value, { req, cookie: said.cookie })
      }
      if (sent instanceof Promise) refusePromise(sent, 'transport')
    } catch (error) {
      throw asError(error)
    }
    // A cache that keeps the response would hand this visitor's id to others (RFC 9111, 7.3).
    const policy = res.getHeader('Cache-Control')
    if (policy === undefined) res.setHeader('Cache-Control', 'no-store')
    // Express's own default for files allows it.
    else res.setHeader('Cache-Control', String(policy).replace(/\bpublic\b/i, 'private'))
  }

  canSendCookie(): boolean {
    return !(this.#hold ? this.#hold.begun : this.res.headersSent)
  }

  /** Tells caches that the answer depends on the header that carries the id (RFC 9110, 12.5.5). */
  #vary(): void {
    const { res } = this
    const { vary } = this.#shared.transport
    if (!vary || !res.setHeader || !res.getHeader) return
    const present = res.getHeader('Vary')
    if (present === vary || res.headersSent) return
    if (present === undefined) return void res.setHeader('Vary', vary)
    const list = Array.isArray(present) ? present.join(', ') : String(present)
    const names = list.split(',').map((name) => name.trim().toLowerCase())
    if (names.includes('*') || names.includes(vary.toLowerCase())) return
    res.setHeader('Vary', list === '' ? vary : `${list}, ${vary}`)
  }
}

/** The same functions for all requests: own ones would cost each of them. */
const SESSION: PropertyDescriptor & ThisType<Required<Attached>> = {
  // To delete it would end nothing, and what is assigned afterwards would be lost.
  configurable: false,
  enumerable: true,
  get() {
    const exchange = this[EXCHANGE]
    exchange.hold()
    return exchange.session.session
  },
  set(value: unknown) {
    const exchange = this[EXCHANGE]
    exchange.hold()
    exchange.session.assign(value)
  }
}
const SESSION_ID: PropertyDescriptor & ThisType<Required<Attached>> = {
  configurable: true,
  enumerable: true,
  get() {
    return this[EXCHANGE].session.id
  }
}

/**
 * Loads the session before the next handler. With `load: 'lazy'`, mount it in front of code that needs the plain
 * session, such as passport, connect-flash or csrf-sync.
 *
 * @throws SessionError to `next`: `ERR_SESSION_OPTIONS` if no session middleware ran, otherwise as `load()`
 */
export const loadSession: Middleware = (req, _res, next) => {
  if ((req as unknown) === undefined) throw calledAtStart('loadSession')
  const { session } = req as Attached
  if (!session) {
    return next(
      new SessionError('ERR_SESSION_OPTIONS', 'loadSession found no session: mount session() before it')
    )
  }
  session.load((error: unknown) => (error ? next(error) : next()))
}
