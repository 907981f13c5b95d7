import { promisify } from 'node:util'
import { Budget } from '../repository/budget'
import type { Answer } from '../repository/express-store'
import { mergeSetCookie } from '../cookie/set-cookie'
import { asError, SessionError } from '../errors'
import { publish, warnInDevelopment } from '../events'
import { isGone } from '../repository/repository'
import type { HoldableResponse } from '../response/response'
import { HeaderSnapshot, ResponseHold, type ResponseGate } from '../response/response-hold'
import { isSecure, warnInsecure } from '../request'
import { CallQueue, type Failure } from '../session/call-queue'
import { FailedCommit } from '../session/failed-commit'
import { choiceOf, Cookie, cookieData, serialize, type CookieData } from './cookie'
import { createSession } from './generate'
import type { Incoming, Secret, Settings } from './options'
import { carryOrigin, setOrigin } from './origin'
import type { Ender } from './own-ends'
import { attach, estranged, isEstranged, notFound, Session, type Host } from './session'
import type { StoredSessions } from './stored-sessions'
import { signId } from './signature'
import { attemptState, carryChanges, isSame, looksOf, stateOf, type State } from './state'
import { warnOfLossy } from './lossy'

type Call = 'save' | 'reload' | 'destroy' | 'regenerate'

/**
 * One request and its response, by express-session's rules on what is stored, renewed, ended and sent when the
 * response ends. Nothing of the response leaves before the store has answered.
 */
export class ExpressExchange implements Host, ResponseGate, Ender {
  #calls = new CallQueue<Call>()
  #hold: ResponseHold | undefined
  /** The id that the request brought. */
  #came: string | undefined
  /** The state that the application's changes started from. */
  #original: State | undefined
  /** The state that the store has, or was asked to have. */
  #saved: State | undefined
  /** The session that was read, or made, last. */
  #last: Session | undefined
  /** Ids that the store knows, ids that it has forgotten, and ids that it was asked to forget and may know. */
  readonly #stored = new Set<string>()
  readonly #ended = new Set<string>()
  readonly #unended = new Set<string>()
  /** The cookie that the browser has to drop. */
  #cleared: CookieData | undefined
  #touched = false
  #renewed = false
  /** The state in which the application ended the session by a method of the store. */
  #atEnd: State | undefined
  /** The request's session is gone from the store, and was not stored again. */
  #gone = false
  /** The commit at the end, if it failed: nothing is stored any more. */
  #failedCommit: FailedCommit | undefined
  /** A new session came too late to be stored. */
  #lost = false

  constructor(
    private readonly sessions: StoredSessions,
    private readonly settings: Settings,
    private readonly secrets: () => readonly Secret[],
    private readonly req: Incoming,
    private readonly res: HoldableResponse,
    private readonly next: (error?: unknown) => void
  ) {
    attach(req, this)
  }

  /** Reads the first of these sessions that is stored, or makes a new one. */
  async load(ids: readonly string[]): Promise<void> {
    this.#came = ids[0]
    for (const id of ids) {
      const session = await this.sessions.load(id, this.req)
      if (!session) continue
      this.#came = id
      this.#stored.add(id)
      this.#last = session
      this.#start()
      if (!this.settings.resave) this.#saved = this.#original
      return
    }
    this.begin()
  }

  /** Makes a new session. */
  begin(): void {
    this.#generate()
    this.#start()
  }

  /** `store.generate`, for this request. */
  create(): void {
    this.#last = createSession(this.req, this.settings)
  }

  /**
   * A session that its own request has ended may be stored anew by it, if it is changed from now on: nobody else's end is
   * undone.
   */
  ended(id: unknown): boolean {
    const session = this.#last
    if (!session || (id !== undefined && id !== session.id)) return false
    setOrigin(session, null)
    this.#atEnd = attemptState(session)
    // Some stores read and write the whole session for that.
    this.#renewed = true
    return true
  }

  save(session: Session): Promise<void> {
    return this.#run('save', () => this.#save(session))
  }

  reload(session: Session): Promise<void> {
    const called = attemptState(session)
    return this.#run('reload', async () => {
      let found: unknown
      const reloaded = await this.sessions.load(session.id, this.req, (now) => (found = now))
      if (!reloaded) throw notFound()
      this.#last = reloaded
      if (!this.settings.resave) this.#saved = stateOf(reloaded)
      // A handler that does not wait for the answer goes on with the session, or without one.
      if (!found) this.req.session = found
      else if (called && found === session) carryChanges(called, session, reloaded)
    })
  }

  destroy({ id }: Session): Promise<void> {
    if (!this.#failedCommit) delete this.req.session
    return this.#run('destroy', () => this.#end(id))
  }

  regenerate(): Promise<void> {
    return this.#run('regenerate', async () => {
      const { sessionID } = this.req
      const ended = typeof sessionID === 'string' ? this.#end(sessionID) : Promise.resolve()
      // A new session there is in any case: who goes on after the error must not go on with the old one.
      await ended.finally(() => this.#generate())
    })
  }

  /** Stores everything that has to be stored before the response goes on. */
  commit(): Promise<void> | undefined {
    const pending = this.#commit()
    // The response that a WebSocket library makes sends its headers when the call returns: it cannot wait.
    if (pending && !('headersSent' in this.res)) this.#announce(() => true)
    return pending
  }

  /** The cookie that the response carries, where it carries one. Called when everything is stored. */
  headers(): void {
    this.#announce((id) => this.#stored.has(id))
  }

  /** A client that hung up gets no answer, and express-session stores nothing without one. */
  closed(): void {
    return undefined
  }

  #commit(): Promise<void> | undefined {
    if (this.#failedCommit) return this.#failedCommit.commit(this.res)
    try {
      if (!this.#calls.idle) return this.#orFailed(this.#settled())
      this.#check(this.#calls.unheard)
      const pending = this.#finish()
      return pending && this.#orFailed(pending)
    } catch (error) {
      return this.#orFailed(Promise.reject(error))
    }
  }

  /** Waits for all calls. A failure meanwhile counts, as the handler had ended its response and could not act on it. */
  async #settled(): Promise<void> {
    this.#check(await this.#calls.settled())
    await this.#commit()
  }

  #check(failure: Failure<Call> | undefined): void {
    if (!failure) return
    // express-session sends the response all the same.
    if (isTooLate(failure.error)) this.#lose()
    else throw failure.error
  }

  /** At once, where nothing else is running: an application may end the session in the same turn, and that comes later. */
  #run(call: Call, work: () => Promise<void>): Promise<void> {
    if (this.#failedCommit) return this.#failedCommit.refuse(this.#calls, call)
    const run = async () => {
      await work()
      // A save that succeeds makes up for one that failed before; nothing makes up for a session that was not ended.
      if (call === 'save') this.#calls.forgive((failure) => failure.call === 'save')
    }
    return this.#calls.run(call, run, true)
  }

  /** After a failure nothing of this session is stored or sent any more. */
  #orFailed(pending: Promise<void>): Promise<void> {
    return pending.catch((error: unknown) => {
      this.#failedCommit ??= new FailedCommit(error, () => looksOf(this.req.session))
      throw this.#failedCommit.error
    })
  }

  #announce(isStored: (id: string) => boolean): void {
    const { settings, req, secrets } = this
    if (this.#failedCommit || this.#gone) return
    try {
      if (isMissing(req.session)) {
        if (this.#cleared)
          this.#send(serialize(settings.name, '', { ...this.#cleared, expires: new Date(0) }))
        return
      }
      const { session, sessionID } = req as { session: Session; sessionID: unknown }
      if (typeof sessionID !== 'string' || !isStored(sessionID)) return
      if (!this.#isAnnounced(sessionID, session)) return
      const cookie = cookieData(session.cookie)
      if (cookie.secure && !isSecure(req, settings.proxy)) return warnInsecure()
      this.#send(serialize(settings.name, signId(sessionID, secrets()), cookie))
    } catch (error) {
      // The session is stored: the response goes without its cookie, and the error handler hears of it.
      setImmediate(this.next, asError(error))
    }
  }

  #start(): void {
    this.#original = stateOf(this.req.session as Session)
    this.#hold = new ResponseHold(this.req.method, this.res, this, new HeaderSnapshot(this.res), this.next)
  }

  #generate(): void {
    this.settings.store.generate?.(this.req)
  }

  #finish(): Promise<void> | undefined {
    const { req, settings } = this
    const { sessionID } = req
    if (isMissing(req.session)) {
      if (settings.unset === 'keep' || typeof sessionID !== 'string' || this.#ended.has(sessionID))
        return undefined
      return this.#run('destroy', () => this.#end(sessionID))
    }
    if (typeof sessionID !== 'string' || this.#gone) return undefined
    const session = this.#adopt(req.session)
    if (!this.#touched) session.touch()
    this.#touched = true
    if (this.#isDue(sessionID, session))
      return this.#canStore(sessionID) ? this.#store(session) : this.#lose()
    if (this.#renewed || !settings.store.touch || sessionID !== this.#came) return undefined
    this.#renewed = true
    // Nothing of the handler's is lost where this fails.
    return this.sessions
      .touch(session)
      .catch((error: unknown) => void setImmediate(this.next, asError(error)))
  }

  /**
   * An object that an application assigns to `req.session` replaces the data.
   *
   * @throws SessionError `ERR_SESSION_DATA` for a session that was given another prototype
   */
  #adopt(value: unknown): Session {
    if (typeof value !== 'object') throw new TypeError('req.session must be an object, or null')
    const { save, touch } = value as Partial<Session>
    if (typeof save === 'function' && typeof touch === 'function') return value as Session
    if (isEstranged(value as object)) throw estranged()
    const session = new Session(this.req, value)
    if (!(session.cookie instanceof Cookie)) session.cookie = this.#last?.cookie ?? new Cookie(session.cookie)
    if (this.#last?.id === session.id) carryOrigin(this.#last, session)
    this.req.session = session
    return session
  }

  #isDue(id: string, session: Session): boolean {
    const state = stateOf(session)
    if (isSame(state, this.#saved) || isSame(state, this.#atEnd)) return false
    const isUntouched = !this.settings.saveUninitialized && !this.#saved && this.#came !== id
    return !isUntouched || !isSame(state, this.#original)
  }

  #isAnnounced(id: string, session: Session): boolean {
    const { rolling, saveUninitialized } = this.settings
    const isModified = () => !isSame(stateOf(session), this.#original)
    if (id !== this.#came) return saveUninitialized || isModified()
    if (rolling || choiceOf(session.cookie) !== this.#original?.choice) return true
    return !isMissing(session.cookie.expires) && isModified()
  }

  /** Stores the session at the end. One that is gone, and that the application left alone, goes without an error. */
  async #store(session: Session): Promise<void> {
    this.#renewed = true
    if (Object.hasOwn(session, 'save')) {
      const save = promisify((done: (error?: Error | null) => void) => void session.save(done as Answer))
      await new Budget(this.settings.timeout).run(save)
      return void this.#stored.add(session.id)
    }
    const isModified = !isSame(stateOf(session), this.#original)
    await this.#run('save', () =>
      this.#save(session).catch((error: unknown) => {
        if (isModified || !isGone(error)) throw error
        this.#gone = true
      })
    )
  }

  async #save(session: Session): Promise<void> {
    if (!this.#canStore(session.id)) throw madeTooLate()
    const state = stateOf(session)
    warnOfLossy(session)
    this.#saved = state
    const ended = this.#atEnd
    const text = await this.sessions.save(session).catch((error: unknown) => {
      // Ended by this request itself since: as if it had been stored before.
      if (!isGone(error) || this.#atEnd === ended) throw error
      return undefined
    })
    if (this.#atEnd !== ended) setOrigin(session, null)
    if (text !== undefined) this.#saved = { ...state, text }
    this.#stored.add(session.id)
  }

  /** Whether the cookie of a new session can still be sent. */
  #canStore(id: string): boolean {
    return this.#stored.has(id) || !this.#hold?.begun || !('headersSent' in this.res)
  }

  /** Half of a page is better than none; but nobody finds a session whose cookie was not sent. */
  #lose(): undefined {
    if (this.#lost) return
    this.#lost = true
    publish('holdfast:dropped', () => ({ handle: '', reason: 'headers sent' }))
    warnInDevelopment(
      'HOLDFAST_HEADERS_SENT',
      'a session was made after the response had begun, so that its cookie could not be sent, and was not stored'
    )
  }

  /** Ends a session, and before it those whose end has failed: after a refused `regenerate` a logout means them as well. */
  async #end(id: string): Promise<void> {
    const cookie = this.#last?.cookie
    this.#unended.add(id)
    for (const ending of this.#unended) {
      await this.sessions.destroy(ending)
      this.#unended.delete(ending)
      if (ending === this.#came && this.#stored.has(ending)) this.#cleared = cookieData(cookie)
      this.#stored.delete(ending)
      this.#ended.add(ending)
    }
  }

  #send(header: string): void {
    const { res } = this
    res.setHeader?.('Set-Cookie', mergeSetCookie(res.getHeader?.('Set-Cookie'), this.settings.name, header))
  }
}

function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

function madeTooLate(): SessionError {
  return new SessionError(
    'ERR_SESSION_HEADERS_SENT',
    'a session was made after the response headers had gone, so that its cookie cannot be sent: nothing was stored'
  )
}

function isTooLate(error: unknown): boolean {
  return error instanceof SessionError && error.code === 'ERR_SESSION_HEADERS_SENT'
}
