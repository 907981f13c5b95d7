/**
 * What a store answers to a conditional write: the id that belongs in the cookie when the text was kept, or
 * the text that is kept under the id if another write was faster.
 */
export type SetResult = { readonly id: string } | { readonly conflict: string | null }

/** The end of the text under an id: it was removed, or, with `successor`, the session moved to that id. */
export interface Ended {
  readonly id: string
  readonly successor?: string
}

/** The answer to a removal: whether something was there, or the text that is kept instead of the expected one. */
export type DestroyResult = boolean | { readonly conflict: string }

/** An id in a {@link SessionIndex}. */
export interface IndexEntry {
  readonly id: string
  /** When it was noted, in microseconds by the store's clock; never the same for two notings of one user. */
  readonly noted: number
  /** Milliseconds since it was noted, by the store's clock. */
  readonly age: number
}

/** Up to which moment the logins of a user have been ended. */
export interface EndMark {
  /** In microseconds by the store's clock, as {@link IndexEntry.noted}. */
  readonly at: number
  /** The one login that goes on although it began earlier: the moment at which it was noted. */
  readonly except?: number | undefined
}

/** The answer of {@link SessionIndex.add}. */
export interface Noted {
  /** The moment of this entry. */
  readonly noted: number
  /** Up to two other ids of the user, noted longest ago, to be looked after. */
  readonly oldest: readonly IndexEntry[]
}

/**
 * Notes which ids may be whose. An id is noted before its session is stored, so that no session is missing; whether it
 * is still that user's, or there at all, is for the reader of the index to find out. A user is any text that is not
 * empty.
 */
export interface SessionIndex {
  /**
   * Notes that `id` may be one of `user`'s, or notes it anew.
   *
   * @param ttl - How long it stays at least, in milliseconds, always finite. A store may forget it earlier if what was
   *   kept under `id` has ended, or if nothing was kept there for a minute.
   */
  add(user: string, id: string, ttl: number): Promise<Noted>

  /** All ids of the user, noted longest ago first. */
  list(user: string): Promise<readonly IndexEntry[]>

  /**
   * Marks all logins of the user that began before now as ended, and answers with all ids of the user. A later mark
   * replaces an earlier one.
   *
   * @param except - The one login that goes on: the moment at which it was noted.
   * @param ttl - How long the mark stays at least, in milliseconds.
   */
  end(user: string, ttl: number, except?: number): Promise<readonly IndexEntry[]>

  /** The user's latest mark, or null. */
  ended(user: string): Promise<EndMark | null>

  /** Notes an id anew, if `entry` is still its newest entry. Its life stays as it is. */
  renew(user: string, entry: IndexEntry): Promise<void>

  /**
   * Removes an id, if `entry` is still its newest entry or names none. The last id takes the rest with it, but for a mark
   * that still counts.
   */
  remove(user: string, entry: { readonly id: string; readonly noted?: number }): Promise<void>

  /** As `nodeOf` of the store, for what is noted of a user. */
  nodeOf?(user: string): object
}

/**
 * Keeps one text per id, for a time. A store knows nothing of sessions, cookies or HTTP.
 *
 * `null` and `false` are answers. An exception means that the store could not say: the connection is down, the
 * server refused. The two are never mixed up. Every `ttl` is in milliseconds, a positive integer.
 */
export interface Store {
  /** Which contract this is. Objects without it are taken for express-session stores. */
  readonly contract: 1

  /**
   * Whether `set` and `destroy` compare with `expected`. `false` for a store that cannot, such as one that keeps the
   * text in the cookie: its last response wins. Left out means `true`.
   */
  readonly conditional?: boolean

  /**
   * `true` for a store that keeps nothing, as the text is in the id itself: each `set` makes a new id, and an id that
   * was given away can be neither renewed nor taken back. Such ids prove themselves: the cookie carries them unsigned.
   * It has to be `conditional: false`.
   */
  readonly stateless?: boolean

  /**
   * Hands over what a store needs that seals: what answers with the middleware's secrets as they are now, of which the
   * first seals and each opens, the name of its cookie, and what makes an object of a text (default `JSON.parse`). Called once, when the middleware is
   * made.
   */
  keys?(secrets: () => readonly (string | Buffer)[], name: string, decode?: (text: string) => object): void

  /**
   * The text kept under `id`, or null: never saved, destroyed, or expired.
   *
   * @param ttl - Renews the life to this many milliseconds in the same round trip. Left out: the life stays as it is.
   */
  get(id: string, ttl?: number): Promise<string | null>

  /**
   * Keeps `text` under `id` for `ttl` milliseconds, if what is kept there ends with `expected` (null: nothing is kept
   * there). Otherwise changes nothing and answers with what is kept now. The end is enough to compare, as each text
   * that Holdfast writes ends with a revision that no other text has.
   */
  set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult>

  /**
   * Which of several servers keeps `id`: an object that stands for it, always the same. While one does not answer,
   * requests for its sessions fail fast, those of the others go on. Left out: the store is one server.
   */
  nodeOf?(id: string): object

  /** Renews the life to `ttl` milliseconds. Answers false if nothing is kept. */
  touch(id: string, ttl: number): Promise<boolean>

  /**
   * Removes what is kept under `id`, and tells those who {@link watch}. Answers whether something was there.
   *
   * @param expected - Removes it only if it ends with this text. Otherwise changes nothing and answers with what is kept.
   */
  destroy(id: string, expected?: string): Promise<DestroyResult>

  /**
   * How long what is kept under `id` will live, in milliseconds, or null: nothing is there. Renews nothing. Left out:
   * the store cannot say, and neither `sessions.onDestroy` nor the option `user` works with it.
   */
  life?(id: string): Promise<number | null>

  /** Which sessions are whose. Needs `life`. Left out: the option `user` does not work with the store. */
  readonly index?: SessionIndex

  /**
   * Hears of what is destroyed and of what moves, by whichever process, from now on until the returned function is
   * called. An expiry is not reported, and messages may be lost. Left out: the store cannot tell, and
   * `sessions.onDestroy` does not work with it.
   *
   * @param listener - Called for each `destroy` that removed something, and for each `notify`. Never throws.
   * @param resumed - Called if the store begins to listen later than this returns: when it is connected, and again
   *   after each time that messages may have been lost. Never throws.
   */
  watch?(listener: (ended: Ended) => void, resumed: () => void): () => void

  /** Tells those who {@link watch}, in every process, that the session under `id` lives on under `successor`. */
  notify?(ended: Required<Ended>): Promise<void>
}

/**
 * A life in whole milliseconds, rounded up, so that nothing ends before its time.
 *
 * @throws RangeError unless it is a positive number: a fault of the caller, not of the store.
 */
export function wholeMilliseconds(ttl: number): number {
  const whole = Math.ceil(ttl)
  if (!Number.isSafeInteger(whole) || whole <= 0) {
    throw new RangeError(`A store needs a ttl above 0 in milliseconds, not ${ttl}`)
  }
  return whole
}

/** Programs that come from express-session call `store.destroy(id, callback)`: nobody would call that back. */
export const NO_CALLBACK =
  'store.destroy takes no callback, and returns a promise: await store.destroy(id), or end the session by await req.session.destroy()'
