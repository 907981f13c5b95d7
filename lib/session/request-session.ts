import { setTimeout } from 'node:timers'
import { isDeepStrictEqual } from 'node:util'
import { isCopy, type SessionCookie } from '../cookie/session-cookie'
import { isId } from '../cookie/signature'
import { asError, need, needKnown, refusePromise, SessionError } from '../errors'
import { publish, warnInDevelopment, type SessionEvents } from '../events'
import { Budget } from '../repository/budget'
import type { Data } from '../repository/merge'
import { encodeData, serializing } from '../repository/record'
import { gone, isGone, isStoreFailure, type StoredSession } from '../repository/repository'
import { checkData, checkValues, isDevelopment, reserved } from '../repository/values'
import { CallQueue, warnOfStray } from './call-queue'
import { commitSession, isSaving } from './commit'
import { headersSent } from './cookie-policy'
import { FailedCommit } from './failed-commit'
import { createLazySession } from './lazy-session'
import { giveLife, idleLife, living, touchSession } from './lifetime'
import { findAmong, fit, isInsideValid, isValid } from './load'
import { hasLostChange } from './lost-change'
import type { SessionScope, VerifiedId } from './scope'
import {
  checkAssigned,
  dataOf,
  nested,
  noticing,
  onlooker,
  refuseDestroyed,
  refuseMeanwhile,
  refuseNested,
  refuseRetired,
  replaceData,
  retire,
  watchWrites,
  Session,
  type RegenerateOptions
} from './session'
import { moveFrom, TrackedSession, type Mark, type TrackedOwner } from './tracked-session'
import { ignore, isInsideUpdate, updateSession } from './update'

/** So many milliseconds a handler of a socket may take to save what it has changed. */
const UNSAVED = 2000

/** The calls that a handler makes on its session. */
export type Call = 'save' | 'update' | 'reload' | 'regenerate' | 'destroy' | 'touch' | 'assign'

/** Failed calls that a later commit makes good: it stores all that these wanted to. */
const MADE_GOOD: ReadonlySet<Call> = new Set(['save', 'touch'])

/** How long ago a session may have been read, in milliseconds, for its life to need no renewal. */
const FRESH = 1000

/**
 * The session of one request: which one it is, what handlers ask of it, and how far it has come. Each call runs when
 * those before it have ended. It knows nothing of HTTP; end-of-response.ts has what happens when the response is ready.
 */
export class RequestSession implements TrackedOwner {
  /** The calls of the handlers, if there were any. */
  calls: CallQueue<Call> | undefined
  /** The commit at the end, while it is under way. */
  finishing: Promise<void> | undefined
  /** The session, once it is read or made. */
  current: TrackedSession | undefined
  /** The cookie that the browser has to drop. */
  cleared: SessionCookie | undefined
  /** The commit at the end, if it failed: nothing is stored any more. */
  failedCommit: FailedCommit | undefined
  /** The session is gone, and its changes go without an error. */
  isDropped = false
  #readAt = Date.now()
  /** Throw if an object was changed that the session is not made of any more. */
  readonly #replaced: (() => void)[] = []
  /** Throws if the object that was assigned was changed. */
  #assigned: (() => void) | undefined
  /** Whether the states that `update` gave to its functions are as they were stored. */
  readonly #drafts: (() => boolean)[] = []
  #isDestroyed = false
  #loading: Promise<Session> | undefined
  /** The object that handlers hold before the load, and the session behind it. */
  #lazy: Session | undefined
  #unloaded: Session | undefined
  /** The id that a handler was given before the load, if the request came with none. */
  #newId: string | undefined
  /** The ids of this request lead to several sessions, and none of them was taken. */
  #isAmbiguous = false
  /**
   * Why the ids of this request led to no session. Unknown: what was stored there may live on under another id. Else
   * the record is there, and refused.
   */
  #rejected: SessionEvents['holdfast:rejected']['reason'] | undefined
  /** The response has ended. */
  #isOver = false
  /** The function given to `update` that is running, and for which other calls wait. */
  #function: Promise<unknown> | undefined
  /** The session that could not be stored, and its state then: its caller knows. */
  #refused: { readonly current: TrackedSession; readonly looks: unknown } | undefined

  constructor(readonly scope: SessionScope) {}

  /** The value of `req.session`: the session, before `load()` a substitute for it, after `destroy()` undefined. */
  get session(): Session | undefined {
    if (this.#isDestroyed) return undefined
    if (this.current) return this.current.given
    this.#unloaded ??= new Session(this, this, {})
    return (this.#lazy ??= createLazySession(this.#unloaded, this))
  }

  /** The session id; before a load, the one that the request came with. */
  get id(): string {
    return this.current?.id ?? this.scope.ids[0]?.id ?? (this.#newId ??= this.createId())
  }

  get handle(): string {
    return this.current?.handle ?? ''
  }

  get isNew(): boolean {
    return this.current?.isNew ?? true
  }

  /** The session that the response is about; undefined before a load and after `destroy`. */
  get active(): TrackedSession | undefined {
    return this.#isDestroyed ? undefined : this.current
  }

  /** Nothing that was asked for is under way. */
  get isIdle(): boolean {
    return !this.finishing && (this.calls === undefined || this.calls.idle)
  }

  /** A new session, for a request that came without an id: there is nothing to load. */
  begin(): void {
    this.#take(new TrackedSession(this, {}))
  }

  load(): Promise<Session> {
    const loaded = this.open()
    const isLate = !this.current
    // One that nobody waits for must not end the process.
    loaded.then(() => {
      warnOfStray('load', loaded)
      if (isLate && this.#isOver) this.watchLateWrites(true)
    }, ignore)
    return loaded
  }

  /** The session, read from the store if that has not happened yet. */
  open(): Promise<Session> {
    if (this.current) return Promise.resolve(this.current.given)
    if (this.#isDestroyed) return new Promise(refuseDestroyed)
    if (this.scope.settings.valid && isInsideValid(this.scope)) return refuseNested()
    return (this.#loading ??= this.#find())
  }

  /** The session was stored under `from` and now is under `to`. */
  follow(from: string, to: string): void {
    // After what is under way, which began under the old id.
    this.#queue.run('assign', () => Promise.resolve(this.current?.follow(from, to))).catch(ignore)
  }

  update<T>(session: Session, fn: (draft: Session) => T | Promise<T>): Promise<T> {
    const { scope } = this
    if (typeof fn !== 'function') return this.#run('update', () => Promise.reject(noFunction()))
    const mark = this.current?.mark(this.isIdle)
    return this.#run('update', async () => {
      const current = await this.#require(session)
      try {
        const left = (isUnchanged: () => boolean) => {
          if (scope.canSendCookie()) this.#drafts.push(isUnchanged)
        }
        const running = (ended: Promise<unknown> | undefined) => void (this.#function = ended)
        const late = (error: SessionError) => void this.#queue.refuse('update', error)
        const result = await this.#following(current, () =>
          updateSession(current, scope, this, fn, { running, left, late }, mark)
        )
        this.succeeded()
        return result
      } catch (error) {
        // The caller answers for what fn would have changed, and not for the handler's earlier changes.
        if (!isGone(error)) throw error
        this.refuse(current, error)
        return undefined as T
      }
    })
  }

  save(session: Session): Promise<void> {
    return this.#run('save', async () => {
      const current = await this.#require(session)
      if (current.isNew) current.isWanted = true
      try {
        const text = this.changedText(current)
        if (text !== undefined) await this.#following(current, () => commitSession(current, this.scope, text))
        this.succeeded()
      } catch (error) {
        this.refuse(current, error)
      }
    })
  }

  reload(session: Session): Promise<Session> {
    const mark = this.current?.mark(this.isIdle)
    return this.#run('reload', async () => {
      const { scope } = this
      const current = await this.#require(session)
      if (current.unreadable) throw current.unreadable
      const budget = new Budget(scope.settings.timeout, 'load')
      const life = idleLife(current.session.cookie, scope)
      // A session that this request has just read has its life already.
      const isFresh = Date.now() - this.#readAt < FRESH
      const read =
        current.known && (await scope.repository.load(current.id, budget, isFresh ? undefined : life))
      const known = living(read, scope)
      if (!known) throw this.#gone(current)
      current.reloaded(known, mark)
      const { schema } = scope.settings
      if (schema && (await fit(current, schema))) throw this.#gone(current)
      if (!isFresh && !(await this.#hasLife(current, life, budget))) throw this.#gone(current)
      this.#readAt = Date.now()
      // The handler gave its changes up. A failure that no caller heard of is not given up by that.
      this.#refused = undefined
      return current.session
    })
  }

  /** At once, if nothing is in front of it: what a handler writes to `req.session` after the call is the new one's. */
  regenerate(options: RegenerateOptions = {}): Promise<Session> {
    const { keep = [] } = options
    const mark = this.isIdle ? undefined : this.active?.mark(false)
    const replace = () => {
      const old = this.current
      if (mark && keep !== true && !isDeepStrictEqual(old?.state, mark)) refuseMeanwhile()
      return Promise.resolve(this.#replace(old, keep, options))
    }
    const start = () => {
      needKnown('regenerate({ keep, set, remember })', options, ['keep', 'set', 'remember'])
      need(keep === true || Array.isArray(keep), 'keep takes true or a list of keys')
      const { remember, set } = options
      need(typeof (remember ?? false) === 'boolean', 'remember takes true or false: compare what a form sent')
      if (set !== undefined) checkData('set', set)
      if (!this.scope.canSendCookie()) throw headersSent()
      const keepsAny = keep === true || keep.length > 0
      return keepsAny && !this.current ? this.open().then(replace) : replace()
    }
    return this.#run('regenerate', start, true)
  }

  destroy(session?: Session): Promise<void> {
    const { scope } = this
    if (session && this.#isReplaced(session)) return this.#run('destroy', refuseRetired)
    const isRefused = this.failedCommit !== undefined || this.#isNested
    const { current } = this
    const mark = current?.mark(this.isIdle)
    // What is under way may still write to it.
    const ending = this.isIdle ? current?.session : undefined
    const ended = this.#run('destroy', async () => {
      const budget = new Budget(scope.settings.timeout)
      const cookie = this.current?.session.cookie ?? scope.defaults
      try {
        if (scope.repository.stateless && !scope.canSendCookie()) throw headersSent()
        for (const { id, known } of this.#sessionsToEnd(true)) {
          // If nothing was stored the browser may have a newer cookie by now: it is left alone.
          if (await scope.repository.destroy(id, budget, known)) this.cleared = cookie
        }
      } catch (error) {
        this.#isDestroyed = false
        if (this.current) this.refuse(this.current, error)
        throw error
      }
      this.#ended(this.current === current ? mark : undefined)
    })
    if (!isRefused) {
      this.#isDestroyed = true
      this.isDropped = false
      // Also before the store has answered. If it fails, the session goes on.
      if (ending) watchWrites(ending, () => this.#isDestroyed && refuseDestroyed())
    }
    return ended
  }

  touch(session: Session): Promise<void> {
    return this.#run('touch', async () => {
      const current = await this.#require(session)
      if (current.unreadable) throw current.unreadable
      current.session.cookie.resetMaxAge()
      if (current.known && !(await touchSession(current, this.scope))) throw this.#gone(current)
      // Its life is in the id: only another one prolongs it.
      if (this.scope.repository.stateless && current.known) await commitSession(current, this.scope)
      if (current.session.cookie.originalMaxAge !== null) current.sendCookie()
    })
  }

  /** Handles an assignment to `req.session`: null ends the session, an object replaces its data. */
  assign(value: unknown): void {
    if (value === null || value === undefined) {
      if (!this.#isDestroyed) void this.destroy()
    } else if (value !== this.session) {
      checkData('req.session', value)
      checkValues(value)
      this.#checkCookie(value)
      const data = value instanceof Session ? dataOf(value) : { ...value }
      if (!(value instanceof Session))
        this.#assigned = () => checkAssigned(this.active?.session, value as Data, data)
      if (this.#isDestroyed && this.isIdle) this.begin()
      const wasDestroyed = this.#isDestroyed
      if (this.current && !wasDestroyed) {
        if (this.current.unreadable) this.current.isWanted = true
        return replaceData(this.current.session, data, false)
      }
      const replace = (session: Session): Session => {
        replaceData(session, data, false)
        return session
      }
      if (!wasDestroyed && this.isIdle) {
        // A load that follows gives what was assigned, so that nothing is written to it before.
        const loading = (this.#loading = this.open().then(replace))
        return void this.#run('assign', () => loading)
      }
      void this.#run('assign', async () => {
        if (wasDestroyed) this.begin()
        replace(await this.open())
      })
    }
  }

  /** A session keeps its cookie. An object that has other settings would lose them. */
  #checkCookie(value: { readonly cookie?: object }): void {
    const { defaults } = this.scope
    const cookie = this.current?.session.cookie ?? defaults
    if (value.cookie && !(value instanceof Session) && !isCopy(value.cookie, cookie, defaults)) {
      throw reserved('cookie')
    }
  }

  /**
   * The text to store; undefined: nothing has changed.
   *
   * @throws SessionError `ERR_SESSION_DATA` for what cannot be stored, `ERR_SESSION_GONE` if a replaced session was changed
   */
  changedText(current: TrackedSession): string | undefined {
    if (this.#replaced.length > 0 || this.#assigned) this.checkReplaced()
    const { known } = current
    const isAwaited = current.isWanted || current.retired.length > 0 || current.move !== undefined
    const isBegun = known === null && this.scope.settings.saveUninitialized && !current.unreadable
    checkValues(current.session)
    const { text } = current
    const isChanged =
      isAwaited || isBegun || current.cookieChanged || this.scope.repository.changed(known, text)
    return isChanged ? text : undefined
  }

  /** @throws SessionError for a change that would be lost, as it went to an object that is not in use any more */
  checkReplaced(): void {
    for (const check of this.#replaced) check()
    this.#assigned?.()
  }

  /** Nothing is stored any more. */
  endWith(error: unknown): Promise<never> {
    this.failedCommit = new FailedCommit(error, () => this.active?.looks)
    // The calls so far have failed this response.
    if (this.scope.canSendCookie()) this.calls = undefined
    return Promise.reject(this.failedCommit.error)
  }

  /** Everything was stored. That does not make good a lost `update` or `destroy`, nor the changes of a session that is gone. */
  succeeded(): void {
    this.calls?.forgive(({ call, error }) => MADE_GOOD.has(call) && !isGone(error))
    this.#refused = undefined
    const { current } = this
    if (!current?.isSignedBefore) return
    if (current.known) current.sendCookie()
    current.isSignedBefore = false
  }

  /**
   * If the caller heard of a failure, it must send the response, until something else changes. Throws it; with
   * `whenGone: 'drop'`, the changes of a session that is gone go without an error.
   */
  refuse(current: TrackedSession, error: unknown): void {
    this.#refused = { current, looks: current.looks }
    if (!isGone(error)) throw error
    const failure = this.#gone(current)
    if (this.scope.settings.whenGone === 'throw') throw failure
    this.isDropped = true
    publish('holdfast:dropped', () => ({ handle: current.handle, reason: 'gone' }))
  }

  isRefused(current: TrackedSession): boolean {
    return this.#refused?.current === current && isDeepStrictEqual(this.#refused.looks, current.looks)
  }

  /**
   * Reports what is written to the session when nothing of it is stored any more.
   *
   * @param hasEnded - the handler has ended the response, whose last commit is over
   */
  watchLateWrites(hasEnded: boolean): void {
    this.#isOver = true
    const { active } = this
    if (!active) return
    const lost = () => {
      const { handle } = active
      publish('holdfast:dropped', () => ({ handle, reason: 'response ended' }))
      warnInDevelopment(
        'HOLDFAST_LOST',
        'a session was changed after its response had ended, and nothing stores the change: change it before, or call save()'
      )
    }
    if (hasEnded && this.#isLeftBehind(active)) lost()
    // While a call is under way, what it stored goes into the session; a call that follows stores what was written.
    const look = () => this.isIdle && this.#isUnstored(active) && lost()
    watchWrites(active.session, () => this.isIdle && setImmediate(look))
  }

  /** In development: tells of what is written to a session without a response, and not saved. */
  watchUnsaved(): void {
    const { active } = this
    if (!active || !isDevelopment) return
    const message =
      'a session of open() or create() was changed, and nothing stores it: call save(), or use update()'
    const look = () => this.isIdle && this.#isUnstored(active) && warnInDevelopment('HOLDFAST_LOST', message)
    watchWrites(active.session, () => this.isIdle && setTimeout(look, UNSAVED).unref())
  }

  /** Whether something changed that no commit has seen, and none will see. */
  #isLeftBehind(current: TrackedSession): boolean {
    const isSettled = this.isIdle && !this.failedCommit && !this.isDropped && !this.isRefused(current)
    if (!isSettled || !this.scope.settings.autoCommit) return false
    return this.#isUnstored(current)
  }

  #isUnstored(current: TrackedSession): boolean {
    try {
      return this.#drafts.some((isUnchanged) => !isUnchanged()) || this.changedText(current) !== undefined
    } catch {
      return true
    }
  }

  get #queue(): CallQueue<Call> {
    if (this.calls) return this.calls
    this.calls = new CallQueue<Call>((error) => this.failed(error))
    if (this.finishing) this.calls.occupy(this.finishing)
    return this.calls
  }

  /** The caller is a function for which the session waits. */
  get #isNested(): boolean {
    return isInsideUpdate(this) || isInsideValid(this.scope)
  }

  #run<T>(call: Call, operation: () => Promise<T>, now = false): Promise<T> {
    if (this.failedCommit) return this.failedCommit.refuse(this.#queue, call)
    // It cannot wait. Thrown at once, the error stops the commit.
    if (isSaving(this) || serializing.now) throw nested()
    if (this.#isNested) return this.#queue.refuse(call, nested())
    const patience = this.#function && patienceWith(this.#function, this.scope.settings.timeout)
    return this.#queue.run(call, operation, now, patience)
  }

  /** A session that no response can tell a new id goes on under the one that another request moved it to. */
  async #following<T>(current: TrackedSession, operation: () => Promise<T>): Promise<T> {
    try {
      return await operation()
    } catch (error) {
      const { repository, settings } = this.scope
      if (!isGone(error) || this.scope.canSendCookie() || !repository.follow) throw error
      const { id, handle } = current
      const found = await repository.follow(id, new Budget(settings.timeout))
      // Carried by some of its keys it is another session, with a handle of its own.
      if (!found || found.id === id || found.stored?.handle !== handle) throw error
      current.follow(id, found.id)
      return operation()
    }
  }

  /** Publishes a failure, whether its caller hears of it or not. */
  failed(error: unknown): void {
    report('commit', error)
    const { handle } = this
    if (isGone(error)) publish('holdfast:dropped', () => ({ handle, reason: 'gone' }))
    if (error instanceof SessionError && error.code === 'ERR_SESSION_HEADERS_SENT') {
      publish('holdfast:dropped', () => ({ handle, reason: 'headers sent' }))
      warnInDevelopment('HOLDFAST_LOST', error.message)
    } else if (!this.scope.canSendCookie()) setImmediate(() => this.calls?.warnOfUnheard())
  }

  /** Its cookie is not sent any more: the browser may have a newer one. */
  #gone(current: TrackedSession): SessionError {
    current.cookie = 'keep'
    return gone()
  }

  /** The session has ended: there is nothing left that could be missing from it. */
  #ended(mark: Mark | undefined): void {
    this.#replaced.length = 0
    this.#assigned = undefined
    const { current } = this
    if (current) retire(current.session, refuseDestroyed)
    if (current && mark) this.#remember(current.session, [], refuseDestroyed, mark.text)
    this.current = undefined
    this.calls?.forgive(() => true)
    this.#refused = undefined
  }

  #take(current: TrackedSession): TrackedSession {
    this.#isDestroyed = this.isDropped = false
    return (this.current = current)
  }

  /** A new session id. */
  createId(): string {
    const { genid } = this.scope.settings
    const id: unknown = genid(this.scope.req)
    if (isId(id)) return id
    if (id instanceof Promise) refusePromise(id, 'genid')
    throw new SessionError('ERR_SESSION_OPTIONS', 'genid must return 1 to 128 characters of A-Z a-z 0-9 - _')
  }

  #replace(
    old: TrackedSession | undefined,
    keep: true | readonly string[],
    { set, remember }: RegenerateOptions
  ): Session {
    const keepsAny = keep === true || keep.length > 0
    if (keepsAny && old?.unreadable) throw old.unreadable
    const data = old ? dataOf(old.session) : {}
    const kept = keep === true ? Object.keys(data) : keep.filter((key) => Object.hasOwn(data, key))
    const same = keep === true ? { handle: old?.handle, cookie: old?.session.cookie } : {}
    const next = new TrackedSession(this, {
      ...same,
      data: Object.fromEntries(kept.map((key) => [key, data[key]]))
    })
    const { cookie } = next.session
    Object.assign(next.session, set)
    // A copy of the old session has its cookie.
    if (next.session.cookie === old?.session.cookie) next.session.cookie = cookie
    const life = remember ? this.scope.settings.rememberFor : this.scope.defaults.originalMaxAge
    if (remember !== undefined) next.session.cookie.maxAge = life
    next.isWanted = true
    next.move = keepsAny ? moveFrom(old, keep) : undefined
    next.retired = this.#sessionsToEnd().filter(({ id }) => id !== next.move?.id)
    if (old) {
      retire(old.session, refuseRetired, keep !== true)
      if (keep !== true) this.#remember(old.session, keep, refuseMeanwhile)
    }
    return this.#take(next).session
  }

  /** The data of a session that was replaced: a nested value can still be changed, and the change would be lost. */
  #remember(session: Session, keep: readonly string[], refuse: () => never, text?: string): void {
    const left = () => {
      const data = dataOf(session)
      // The kept data are the new session's as well.
      for (const key of keep) delete data[key]
      return data
    }
    const before = text ?? encodeData(left())
    this.#replaced.push(() => {
      if (encodeData(left()) === before) return true
      const kept = this.current && dataOf(this.current.session)
      return !hasLostChange(left(), before, kept) || refuse()
    })
  }

  /** Loads, for a caller that holds `session`. One that `regenerate` replaced is gone. */
  async #require(session: Session): Promise<TrackedSession> {
    await this.open()
    if (!this.current) refuseDestroyed()
    if (this.#isReplaced(session)) refuseRetired()
    return this.current
  }

  #isReplaced(session: Session): boolean {
    return !!this.current && session !== this.current.session && session !== this.#unloaded
  }

  /**
   * Every stored session that ends with the current one; before a load, whatever the request came with.
   *
   * @param isLogout - also what an unknown id was carried to: the visitor means the login, not the id
   */
  #sessionsToEnd(isLogout = false): { readonly id: string; readonly known: StoredSession | null }[] {
    const { current } = this
    const ending = new Map<string, StoredSession | null>()
    const isUnclear = !current || this.#isAmbiguous || current.unreadable
    if (isUnclear || (this.#rejected && (isLogout || this.#rejected !== 'unknown'))) {
      for (const { id } of this.scope.ids) ending.set(id, null)
    }
    if (current?.known) ending.set(current.id, current.known)
    if (current?.move) ending.set(current.move.id, current.move.known)
    for (const { id, known } of current?.retired ?? []) ending.set(id, known)
    return Array.from(ending, ([id, known]) => ({ id, known }))
  }

  /** `whenUnreadable: 'anonymous'`: an empty session instead of one that could not be read. */
  #replacement(error: unknown): Session {
    this.#loading = undefined
    report('load', error)
    if (this.scope.settings.whenUnreadable === 'throw' || !isStoreFailure(error)) throw asError(error)
    const current = new TrackedSession(this, {})
    current.unreadable = error
    current.given = noticing(current.session, () => (current.isWanted = true))
    return (this.current ??= current).given
  }

  #find(): Promise<Session> {
    const { scope } = this
    const [only, second] = scope.ids
    if (!only) {
      const made = new TrackedSession(this, { id: this.#newId })
      return Promise.resolve(made).then(() => (this.current ??= made).session)
    }
    const budget = new Budget(scope.settings.timeout, 'load')
    const failed = (error: unknown) => this.#replacement(error)
    if (second) return this.#findAmong(scope.ids, budget).catch(failed)
    const life = only.life ?? idleLife(scope.defaults, scope)
    return scope.repository.load(only.id, budget, life).then((known) => {
      try {
        const found = this.#found(only, living(known, scope), budget, life)
        return found instanceof Promise ? found.catch(failed) : found
      } catch (error) {
        return failed(error)
      }
    }, failed)
  }

  async #findAmong(ids: readonly VerifiedId[], budget: Budget): Promise<Session> {
    const found = await findAmong(ids, this.scope, budget)
    this.#isAmbiguous = found === 'ambiguous'
    if (typeof found !== 'object') return this.#anonymous(found ?? 'unknown')
    return this.#found(found.verified, living(found.known, this.scope), budget)
  }

  #found(
    { id, current: isCurrent }: VerifiedId,
    known: StoredSession | null,
    budget: Budget,
    life?: number
  ): Session | Promise<Session> {
    if (!known) return this.#anonymous('unknown')
    const current = new TrackedSession(this, { id, known, isSignedBefore: !isCurrent })
    const { valid, schema } = this.scope.settings
    // Reading gave it the life of one that has none of its own.
    const isRenewed = idleLife(current.session.cookie, this.scope) === life
    if (valid || schema || !isRenewed) return this.#examine(current, budget, life)
    publish('holdfast:load', () => ({ handle: current.handle }))
    return (this.current ??= current).session
  }

  async #examine(current: TrackedSession, budget: Budget, life?: number): Promise<Session> {
    const { valid, schema } = this.scope.settings
    const misfit = schema && (await fit(current, schema))
    if (misfit) return this.#anonymous('schema', misfit.key)
    if (valid) {
      // Its methods would wait for the load that waits for the application's answer.
      const look = new Session(onlooker, current, dataOf(current.session), current.session.cookie)
      if (!(await isValid(look, this.scope))) return this.#anonymous('invalid')
    }
    if (!(await this.#hasLife(current, life, budget))) return this.#anonymous('unknown')
    publish('holdfast:load', () => ({ handle: current.handle }))
    return (this.current ??= current).session
  }

  /** Gives a session that was just read its life, if reading gave it another one. Answers false if it has ended. */
  async #hasLife(current: TrackedSession, given: number | undefined, budget: Budget): Promise<boolean> {
    const life = idleLife(current.session.cookie, this.scope)
    return life === given || giveLife(current.id, life, given, this.scope, budget)
  }

  #anonymous(reason: SessionEvents['holdfast:rejected']['reason'], key?: string): Session {
    publish('holdfast:rejected', () => ({ reason, ...(key && { key }) }))
    this.#rejected = reason
    return (this.current ??= new TrackedSession(this, { id: this.#newId })).session
  }
}

/** Publishes a failure that is the store's. */
export function report(operation: 'load' | 'commit', error: unknown): void {
  if (isStoreFailure(error)) publish('holdfast:error', () => ({ operation, error }))
}

/** A function may wait for what waits for it, in a handler of another session, say. */
async function patienceWith(running: Promise<unknown>, timeout: number): Promise<void> {
  const ended = running.then(ignore, ignore)
  await new Budget(timeout).wait(ended, 1).catch(() => {
    throw new SessionError(
      'ERR_SESSION_TIMEOUT',
      `the call has waited for ${timeout} ms for a function given to update, which is still running: nothing was done`
    )
  })
}

function noFunction(): SessionError {
  return new SessionError(
    'ERR_SESSION_DATA',
    'update takes a function that changes the session: update((s) => { s.count = 1 })'
  )
}
