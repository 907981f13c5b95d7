import { restoreCookie, storedCookie, type SessionCookie } from '../cookie/session-cookie'
import type { SessionError } from '../errors'
import { createHandle } from '../repository/handle'
import { mergeData, type Data } from '../repository/merge'
import { encodeData } from '../repository/record'
import type { Snapshot } from '../repository/snapshot'
import { dataOf, replaceData, Session, type SessionIdentity, type SessionOwner } from './session'

/** What a session is made from; nothing of it for a new one. */
export interface Origin {
  readonly id?: string | undefined
  /** What is stored of it, under `id`. */
  readonly known?: Snapshot
  readonly handle?: string | undefined
  readonly data?: Data
  readonly cookie?: SessionCookie | undefined
}

/** Where a session is stored under the id that it is about to leave. */
export interface MovedFrom {
  readonly id: string
  /** What this request's changes started from. */
  readonly base: Snapshot
  /** What is stored there, as far as is known. */
  readonly known: Snapshot
  /** Names the move, so that another attempt at it is recognised. */
  readonly rev: string
}

/** A session that a request has, together with what is known of it in the store. */
export class CurrentSession implements SessionIdentity {
  readonly session: Session
  /** Ids that the commit of this session ends. */
  retired: string[] = []
  /** Where this session is stored until its commit moves it to its new id. */
  movedFrom: MovedFrom | undefined
  /** Why the visitor's real session could not be read: this one stands in for it, and is never stored. */
  unreadable: SessionError | undefined
  /** Stored even if it is empty. */
  wanted = false
  /** The browser has to be sent the cookie. */
  announced = false
  /**
   * The browser had this id before, so that another request may have ended it, and sent a newer one, since it was
   * stored: the store has to say that it is still there before it is sent again.
   */
  unconfirmed: boolean
  #id: string | undefined
  #known: Snapshot | null
  #handle: string | undefined
  #cookieText: string | undefined

  constructor(
    owner: SessionOwner,
    private readonly defaults: SessionCookie,
    private readonly createId: () => string,
    from: Origin
  ) {
    this.#id = from.id
    this.unconfirmed = from.known !== undefined
    this.#known = from.known ?? null
    this.#handle = from.handle
    const cookie = from.cookie ?? restoreCookie(from.known?.cookie, defaults)
    // A record keeps nothing of a cookie that is as configured.
    this.#cookieText = from.known?.cookie === undefined ? undefined : this.cookieText(cookie)
    this.session = new Session(owner, this, from.data ?? from.known?.data() ?? {}, cookie)
  }

  get id(): string {
    return (this.#id ??= this.createId())
  }

  /** Gives up an id that was never announced; the next use of `id` makes another one. */
  dropId(): void {
    this.#id = undefined
  }

  /** Goes to the id under which another request stores this session now. */
  follow(from: string, to: string): void {
    if (this.#id === from && this.#known) this.#id = to
  }

  get handle(): string {
    return this.#known?.handle ?? (this.#handle ??= createHandle())
  }

  get isNew(): boolean {
    return this.#known === null
  }

  get known(): Snapshot | null {
    return this.#known
  }

  /** The data as JSON text. */
  get text(): string {
    return encodeData(dataOf(this.session))
  }

  /** Whether the cookie settings differ from those stored, or from the configured ones where nothing is stored. */
  get cookieChanged(): boolean {
    return this.cookieText(this.session.cookie) !== this.#cookieText
  }

  /**
   * Takes what was committed as the stored state. Where others' changes are in it they go into the session, and
   * what the handler changed since the commit began stays.
   *
   * @param began - the session's text when the commit began
   */
  committed(id: string, known: Snapshot | null, began: string, theirs: boolean): void {
    const cookieTouched = this.cookieChanged
    if (id !== this.#id) {
      this.announced = true
      // The browser cannot have had it.
      this.unconfirmed = false
    }
    this.#id = id
    this.#known = known
    this.wanted = false
    if (known && theirs) {
      replaceData(this.session, mergeData(JSON.parse(began) as Data, dataOf(this.session), known.data()))
    }
    const stored = restoreCookie(known?.cookie, this.defaults)
    this.#cookieText = this.cookieText(stored)
    if (theirs && !cookieTouched && this.cookieChanged) this.session.cookie = stored
  }

  /** Takes the stored state, and forgets what was not committed. */
  reloaded(known: Snapshot): void {
    this.#known = known
    replaceData(this.session, known.data())
    this.session.cookie = restoreCookie(known.cookie, this.defaults)
    this.#cookieText = this.cookieText(this.session.cookie)
  }

  private cookieText(cookie: SessionCookie | null | undefined): string | undefined {
    // A handler took it away: that is a change, which the commit refuses.
    if (!cookie) return 'none'
    const stored = storedCookie(cookie, this.defaults)
    return stored && JSON.stringify(stored)
  }
}
