import { isDeepStrictEqual } from 'node:util'
import { restoreCookie, SessionCookie, storedCookie } from '../cookie/session-cookie'
import type { SessionError } from '../errors'
import { warnInDevelopment } from '../events'
import { createHandle, createRevision, encodeData, serializing } from '../repository/record'
import { mergeData, type Data } from '../repository/merge'
import type { Committed, StoredSession } from '../repository/repository'
import { isDevelopment } from '../repository/values'
import { partsOf } from './lost-change'
import { dataOf, replaceData, Session, type SessionIdentity, type SessionOwner } from './session'

/** Does the work of a session, and knows how its request makes one. */
export interface TrackedOwner extends SessionOwner {
  readonly scope: { readonly defaults: SessionCookie }
  createId(): string
}

/** The source of a session; empty for a new one. */
export interface Origin {
  readonly id?: string | undefined
  /** Its stored state, under `id`. */
  readonly known?: StoredSession
  readonly handle?: string | undefined
  readonly data?: Data
  readonly cookie?: SessionCookie | undefined
  /** An older secret signed the cookie, or one without the cookie's name. */
  readonly isSignedBefore?: boolean
}

/** A session under the id that it is about to leave. */
export interface Move {
  readonly id: string
  /** The state that this request's changes started from. */
  readonly base: StoredSession
  /** The stored state there, as far as it is known. */
  readonly known: StoredSession
  /** Names the move, so that another attempt at it is recognised. */
  readonly rev: string
  /** The keys that move; undefined: all. */
  readonly keys: readonly string[] | undefined
}

/** The way of a session, or of some of its keys, to a new id. */
export function moveFrom(old: TrackedSession | undefined, keep: true | readonly string[]): Move | undefined {
  const keys = keep === true ? undefined : keep
  if (old?.known) return { id: old.id, base: old.known, known: old.known, rev: createRevision(), keys }
  const { move } = old ?? {}
  if (!move) return undefined
  return {
    ...move,
    keys: move.keys && keys ? move.keys.filter((key) => keys.includes(key)) : (move.keys ?? keys)
  }
}

/** A session as it was when a call was made. */
export interface Mark {
  text: string
  readonly cookie: string | undefined
}

/** A session that a request has, together with what is known of it in the store. */
export class TrackedSession implements SessionIdentity {
  readonly session: Session
  /** As handlers get it. */
  given: Session
  /** Other sessions that the commit of this one ends. */
  retired: { readonly id: string; readonly known: StoredSession | null }[] = NOBODY
  /** The place of this session, or of some of its data, until its commit moves it to its new id. */
  move: Move | undefined
  /** Why the visitor's real session could not be read: this one replaces it for the request, and is never stored. */
  unreadable: SessionError | undefined
  /** The text that the schema made of the stored one, if that is another. Nobody else's change has to give way to it. */
  fitted: string | undefined
  /** Stored even if it is empty. */
  isWanted = false
  /**
   * Whether the response sends the cookie: not, or yes, or yes if the store confirms that the session is still there.
   * The browser had the id before, so that another request may have ended it meanwhile, and sent a newer one.
   */
  cookie: 'keep' | 'send' | 'confirm' = 'keep'
  isSignedBefore: boolean
  /** In development: tells of a nested value that a handler had read before it was replaced, and has changed since. */
  warnOfStale: (() => void) | undefined
  /** The stored state; null: nothing is stored yet. */
  known: StoredSession | null
  #isFamiliar: boolean
  #id: string | undefined
  #handle: string | undefined
  #cookieText: string | undefined
  /** Of the calls that wait for others. */
  #marks: Mark[] | undefined

  constructor(
    private readonly owner: TrackedOwner,
    from: Origin
  ) {
    const { known } = from
    this.#id = from.id
    this.#isFamiliar = known !== undefined
    this.known = known ?? null
    this.#handle = from.handle
    this.isSignedBefore = from.isSignedBefore ?? false
    const cookie = from.cookie ?? restoreCookie(known?.cookie, owner.scope.defaults)
    // A record keeps nothing of a cookie that is as configured.
    this.#cookieText = known?.cookie === undefined ? undefined : this.cookieText(cookie)
    this.session = this.given = new Session(owner, this, from.data ?? known?.data() ?? {}, cookie)
  }

  get id(): string {
    return (this.#id ??= this.owner.createId())
  }

  /** Gives up an id that no browser was sent; the next use of `id` makes another one. */
  dropId(): void {
    this.#id = undefined
  }

  /** Goes to the id under which another request stores this session now. */
  follow(from: string, to: string): void {
    if (this.#id === from && this.known) this.#id = to
  }

  get handle(): string {
    return this.known?.handle ?? (this.#handle ??= createHandle())
  }

  get isNew(): boolean {
    return this.known === null
  }

  /** The data as JSON text. */
  get text(): string {
    return encodeData(dataOf(this.session))
  }

  /** Whether the cookie settings differ from those stored, or from the configured ones if nothing is stored. */
  get cookieChanged(): boolean {
    return this.cookieText(this.session.cookie) !== this.#cookieText
  }

  /** The data and the cookie settings; undefined if they cannot be stored. */
  get state(): Mark | undefined {
    try {
      return { text: this.text, cookie: this.cookieState }
    } catch {
      return undefined
    }
  }

  /** As `state`, and of one that cannot be stored as well. */
  get looks(): unknown {
    return [this.cookieState, partsOf(dataOf(this.session))]
  }

  /**
   * The state that a call finds which is made now, and may have to wait: with what the calls before it store, and without
   * what the handler changes from now on.
   *
   * @param isFirst - no call is under way
   */
  mark(isFirst: boolean): Mark | undefined {
    if (serializing.now) return undefined
    const { state } = this
    if (isFirst) this.#marks = undefined
    // A call on a staged id commits that first.
    const waits = !isFirst || this.move !== undefined || this.retired.length > 0
    if (waits && state) (this.#marks ??= []).push(state)
    return state
  }

  /** The response has to send the cookie. */
  sendCookie(): void {
    this.cookie = this.#isFamiliar ? 'confirm' : 'send'
  }

  /**
   * Takes what was committed as the stored state. Others' changes in it go into the session, and what the
   * handler changed since the commit began stays.
   *
   * @param began - the session's text when the commit began
   * @param isAnnounced - whether the response has to send the cookie
   * @param cookieTouched - whether the session's cookie has settings that were not committed
   */
  committed(
    { id, stored: known, merged }: Committed,
    began: string,
    isAnnounced: boolean,
    cookieTouched = this.cookieChanged
  ): void {
    if (id !== this.#id) {
      this.#isFamiliar = false
      this.sendCookie()
    }
    this.#id = id
    this.known = known
    this.fitted = undefined
    this.isWanted = false
    if (known && merged) this.#rebase(JSON.parse(began) as Data, dataOf(this.session), known.data())
    if (isAnnounced) this.sendCookie()
    if (known?.cookie === undefined && this.#cookieText === undefined && !cookieTouched) return
    const stored = restoreCookie(known?.cookie, this.owner.scope.defaults)
    this.#cookieText = this.cookieText(stored)
    if (!cookieTouched && this.cookieChanged) Object.assign(this.session.cookie, stored)
  }

  /**
   * Takes the stored state, and forgets what was not committed.
   *
   * @param mark - the state when the call was made: what the handler changed since stays
   */
  reloaded(known: StoredSession, mark: Mark | undefined): void {
    const { state } = this
    this.known = known
    this.fitted = undefined
    if (mark && state)
      this.#rebase(JSON.parse(mark.text) as Data, JSON.parse(state.text) as Data, known.data())
    else this.#put(known.data())
    const stored = restoreCookie(known.cookie, this.owner.scope.defaults)
    this.#cookieText = this.cookieText(stored)
    if (state?.cookie !== mark?.cookie) return
    // The object stays the same: a handler may hold it.
    const { cookie } = this.session
    this.session.cookie = cookie instanceof SessionCookie ? Object.assign(cookie, stored) : stored
  }

  /** Takes `theirs`, but for what was changed since the session held `base`; so do the calls that wait. */
  #rebase(base: Data, mine: Data, theirs: Data): void {
    this.#put(mergeData(base, mine, theirs))
    const merged = (text: string) => encodeData(mergeData(base, JSON.parse(text) as Data, theirs))
    for (const mark of this.#marks ?? []) mark.text = merged(mark.text)
  }

  #put(data: Data): void {
    const before = isDevelopment ? dataOf(this.session) : {}
    replaceData(this.session, data)
    const replaced = Object.entries(before).filter(
      ([key, value]) => typeof value === 'object' && data[key] !== value
    )
    if (replaced.length === 0) return
    const state = partsOf(Object.fromEntries(replaced))
    const { warnOfStale } = this
    this.warnOfStale = () => {
      warnOfStale?.()
      const now = partsOf(Object.fromEntries(replaced))
      const index = now.findIndex((part, index) => !isDeepStrictEqual(part, state[index]))
      if (index >= 0) warnInDevelopment('HOLDFAST_LOST', staleMessage(replaced[index]![0]))
    }
  }

  /** The cookie settings of the session, to compare them. */
  get cookieState(): string | undefined {
    return this.cookieText(this.session.cookie)
  }

  private cookieText(cookie: SessionCookie | null | undefined): string | undefined {
    // A handler took it away, or put another object in its place: that is a change, which the commit refuses.
    if (!(cookie instanceof SessionCookie)) return 'none'
    const stored = storedCookie(cookie, this.owner.scope.defaults)
    return stored && JSON.stringify(stored)
  }
}

const staleMessage = (key: string): string =>
  `${key} was changed in an object that update(), save() or reload() had replaced by a newer one, and nothing stores that: ` +
  `read req.session.${key} again after the call`

/** Most sessions end no other one. */
const NOBODY: TrackedSession['retired'] = []
