import { Budget } from '../repository/budget'
import { CONDITIONAL, type Answer } from '../repository/express-store'
import { asError, SessionError } from '../errors'
import { createHandle, encodeData, META, type StoredRecord } from '../repository/record'
import { mergeData, sameValue, type Data } from '../repository/merge'
import { RecordRepository } from '../repository/record-repository'
import { isGone, type Draft } from '../repository/repository'
import type { Store as Texts } from '../stores/store'
import { choiceOf, keptCookie, type CookieData } from './cookie'
import { originOf, setOrigin } from './origin'
import { plainData, Session, TIMEOUT } from './session'
import { Store } from './store'

/** Only what is Holdfast's own: an application may have a `handle` or an `update` of its own in its sessions. */
const RESERVED: ReadonlySet<string> = new Set([META, '__proto__'])

/** Far above what an application of express-session stores: to go on as before, and not for ever. */
const LIMITS = { bytes: 2 ** 26, depth: 1000, reserved: RESERVED }

export interface ConditionalStoreOptions {
  /** How long a session lives whose cookie ends with the browser, in milliseconds. */
  readonly life: number
  /** Milliseconds for each call. */
  readonly timeout?: number | undefined
}

/**
 * Puts a store of Holdfast's behind the contract of express-session's. A session object that `get` gave, or that the
 * middleware made, is written on condition: what others stored meanwhile is merged in, and what is gone stays gone.
 */
export class ConditionalStore extends Store {
  readonly [CONDITIONAL] = true
  readonly #repository: RecordRepository
  readonly #life: number
  readonly #timeout: number
  /** Ends on their way, by id. */
  readonly #ends = new Map<string, Promise<unknown>>()

  constructor(texts: Texts, { life, timeout = TIMEOUT }: ConditionalStoreOptions) {
    super()
    this.#repository = new RecordRepository(texts, LIMITS, timeout)
    this.#life = life
    this.#timeout = timeout
  }

  override get(id: string, callback: Answer<object | null>): void {
    answer<object | null>(this.#get(id), callback)
  }

  override set(id: string, session: object, callback?: Answer): void {
    answer(this.#set(id, session), callback)
  }

  override touch(id: string, session: object, callback?: Answer): void {
    answer(this.renew(id, session), callback)
  }

  override destroy(id: string, callback?: Answer): void {
    const destroyed = this.#repository.destroy(id, this.#budget()).then(() => undefined)
    this.#ends.set(id, destroyed)
    const over = () => this.#ends.get(id) === destroyed && this.#ends.delete(id)
    destroyed.then(over, over)
    answer(destroyed, callback)
  }

  /** Renews the life of what is kept under `id`, and never brings it back. */
  protected async renew(id: string, session: object): Promise<void> {
    const budget = this.#budget()
    const began = cookieOf(session)
    let cookie = began
    for (;;) {
      const life = this.#lifeOf(cookie)
      // The text comes from the same moment as the new life, so that the cookie in it proves this life right.
      const latest = await this.#repository.load(id, budget, life > 0 ? life : undefined)
      const theirs = latest && theirCookie(session, began, latest)
      if (!theirs || choiceOf(theirs) === choiceOf(cookie)) break
      cookie = theirs
    }
    takeOverCookie(session, began, cookie)
  }

  /** As `renew`, with the end of the cookie written into the text. */
  protected async rewrite(id: string, session: object): Promise<void> {
    const budget = this.#budget()
    const known = await this.#repository.load(id, budget)
    if (!known) return
    const began = cookieOf(session)
    const current = (latest: StoredRecord) => theirCookie(session, began, latest) ?? began
    if (this.#lifeOf(current(known)) <= 0) return
    const draft = (latest: StoredRecord | null) =>
      this.#draft(encodeData((latest ?? known).data()), latest, current(latest ?? known))
    try {
      const { stored } = await this.#repository.commit(id, known, draft, budget)
      takeOverCookie(session, began, stored?.cookie)
    } catch (error) {
      if (!isGone(error)) throw error
    }
  }

  async #get(id: string): Promise<object | undefined> {
    const known = await this.#repository.load(id, new Budget(this.#timeout, 'load'))
    if (!known) return undefined
    const session = toSession(known)
    setOrigin(session, known)
    return session
  }

  async #set(id: string, session: object): Promise<void> {
    const began = encodeOwn(session)
    const cookie = cookieOf(session)
    const origin = originOf(session) as StoredRecord | null | undefined
    // A write that was asked for behind an end comes behind it, although the end asks the store several times.
    const end = this.#ends.get(id)
    if (end) await end.catch(() => undefined)
    const budget = this.#budget()
    if (this.#lifeOf(cookie) <= 0) {
      await this.#repository.destroy(id, budget)
      return
    }
    const known = origin === undefined ? await this.#repository.load(id, budget) : origin
    const draft = (latest: StoredRecord | null) => {
      // Of an object that nobody knows, all is meant to be stored.
      const isMerged = origin && latest && latest !== origin
      const text = isMerged ? this.#repository.merge(origin, began, latest) : began
      const theirs = isMerged ? theirCookie(session, cookie, latest) : undefined
      return this.#draft(text, latest, theirs ?? cookie)
    }
    const { stored, merged } = await this.#repository.commit(id, known, draft, budget)
    if (origin === undefined) return
    if (merged && stored) {
      takeOver(session, JSON.parse(began) as Data, stored.data())
      takeOverCookie(session, cookie, stored.cookie)
    }
    setOrigin(session, stored)
  }

  #draft(text: string, latest: StoredRecord | null, cookie: CookieData | undefined): Draft {
    const handle = latest?.handle ?? createHandle()
    return { handle, text, cookie, sent: latest?.sent, ttl: Math.max(1, this.#lifeOf(cookie)) }
  }

  /** In whole milliseconds; nothing or less: it is over. */
  #lifeOf(cookie: CookieData | undefined): number {
    const end = cookie?.expires ? new Date(cookie.expires).getTime() : NaN
    return Math.ceil(Number.isNaN(end) ? this.#life : end - Date.now())
  }

  #budget(): Budget {
    return new Budget(this.#timeout)
  }
}

/** A session as express-session's own stores give it: parsed from its JSON. */
export function toSession(known: Pick<StoredRecord, 'cookie' | 'data'>): object {
  return { ...(known.cookie === undefined ? {} : { cookie: known.cookie }), ...known.data() }
}

/** A session's cookie as JSON has it. */
function cookieOf(session: object): CookieData | undefined {
  const text = JSON.stringify((session as { cookie?: unknown }).cookie)
  return text === undefined ? undefined : (JSON.parse(text) as CookieData)
}

function encodeOwn(session: object): string {
  const data = plainData(session)
  if (!(META in data)) return encodeData(data)
  throw new SessionError(
    'ERR_SESSION_DATA',
    `the name "${META}" is Holdfast's own in its stores: keep your value under another one`
  )
}

/** The cookie that others stored meanwhile, with its life from now on; undefined if the session's own counts. */
function theirCookie(
  session: object,
  cookie: CookieData | undefined,
  latest: StoredRecord
): CookieData | undefined {
  const origin = originOf(session) as StoredRecord | null | undefined
  const choice = choiceOf(cookie)
  if (!origin || !latest.cookie || choiceOf(origin.cookie) !== choice || choiceOf(latest.cookie) === choice)
    return undefined
  const { originalMaxAge, ...kept } = latest.cookie as CookieData
  const expires = typeof originalMaxAge === 'number' ? new Date(Date.now() + originalMaxAge) : null
  return { ...kept, originalMaxAge, expires }
}

/** As `takeOver`, for the cookie. */
function takeOverCookie(session: object, began: CookieData | undefined, stored: unknown): void {
  const current = session as { cookie?: unknown }
  if (stored && choiceOf(stored) !== choiceOf(began) && choiceOf(current.cookie) === choiceOf(began))
    current.cookie = keptCookie(stored)
}

/** Puts what others stored meanwhile into a session. The handler's changes since `began` stay. */
export function takeOver(session: object, began: Data, stored: Data): void {
  const current = session as Data
  const now = plainData(session)
  const merged = mergeData(began, now, stored)
  for (const key of Object.keys(now)) if (!Object.hasOwn(merged, key)) delete current[key]
  for (const key of Object.keys(merged)) {
    if (!sameValue(now, merged, key) && !(key in Session.prototype)) current[key] = merged[key]
  }
}

function answer<T>(promise: Promise<T | undefined>, callback: Answer<T> | undefined): void {
  promise.then(
    (value) => callback && process.nextTick(callback, null, value),
    (error: unknown) => callback && process.nextTick(callback, asError(error))
  )
}
