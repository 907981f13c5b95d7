/**
 * The result of a conditional write: if the text was stored, the id for the cookie; if another write was faster, the
 * text that is stored under the id.
 */
export type SetResult = { readonly id: string } | { readonly conflict: string | null }

/** The end of the text under an id: it was removed or, with `successor`, the session moved to that id. */
export interface Ended {
  readonly id: string
  readonly successor?: string
}

/** The result of a removal: whether the text existed, or the stored text if it is not the expected one. */
export type DestroyResult = boolean | { readonly conflict: string }

/** An entry of a {@link SessionIndex}. */
export interface IndexEntry {
  readonly id: string
  /** When the id was added, in microseconds by the store's clock; never the same for two entries of one user. */
  readonly noted: number
  /** The time since the id was added, in milliseconds by the store's clock. */
  readonly age: number
}

/** Ends all logins of a user that began before a moment. */
export interface EndMark {
  /** The moment, in microseconds by the store's clock, as {@link IndexEntry.noted}. */
  readonly at: number
  /** The `noted` of the one login that goes on although it began earlier. */
  readonly except?: number | undefined
}

/** The result of {@link SessionIndex.add}. */
export interface Noted {
  /** When the id was added, as {@link IndexEntry.noted}. */
  readonly noted: number
  /** Up to two other ids of the user, the oldest entries, for a check whether their sessions still exist. */
  readonly oldest: readonly IndexEntry[]
}

/**
 * Keeps the ids that may belong to each user. An id is added before its session is stored, so that no session is
 * missing. The reader of the index has to check whether the session exists and still belongs to the user. A user is
 * any string that is not empty.
 */
export interface SessionIndex {
  /**
   * Adds `id` to the ids that may belong to `user`, or makes it the newest of them.
   *
   * @param ttl - The least time to keep the entry, in milliseconds, always finite. A store may drop it earlier if the
   *   text under `id` has ended, or if nothing was stored there for a minute.
   */
  add(user: string, id: string, ttl: number): Promise<Noted>

  /** Returns all entries of the user, oldest first. */
  list(user: string): Promise<readonly IndexEntry[]>

  /**
   * Marks all logins of the user that began before now as ended, and returns all entries of the user. A later mark
   * replaces an earlier one.
   *
   * @param except - The `noted` of the one login that goes on.
   * @param ttl - The least time to keep the mark, in milliseconds.
   */
  end(user: string, ttl: number, except?: number): Promise<readonly IndexEntry[]>

  /** Returns the user's latest mark, or null. */
  ended(user: string): Promise<EndMark | null>

  /** Adds an id anew, if `entry` is still its newest entry. The life of the entry stays as it is. */
  renew(user: string, entry: IndexEntry): Promise<void>

  /**
   * Removes an id, if `entry` is still its newest entry or has no `noted`. With the last id, everything about the
   * user goes, except a mark that still counts.
   */
  remove(user: string, entry: { readonly id: string; readonly noted?: number }): Promise<void>

  /** Works as `nodeOf` of the store, for the entries of a user. */
  nodeOf?(user: string): object
}

/**
 * Keeps one text per id for a limited time. A store knows nothing of sessions, cookies or HTTP.
 *
 * `null` and `false` are answers. An exception means that the store could not answer: the connection is down, or the
 * server refused. A store never mixes up the two. Every `ttl` is in milliseconds, a positive integer.
 */
export interface Store {
  /** The version of the contract. An object without it counts as an express-session store. */
  readonly contract: 1

  /**
   * Whether `set` and `destroy` compare with `expected`. Set `false` for a store that cannot, such as one that keeps
   * the text in the cookie: there, the last response wins. Default `true`.
   */
  readonly conditional?: boolean

  /**
   * `true` for a store that keeps nothing because the text is in the id itself: each `set` makes a new id, and an id
   * that was given out can neither be renewed nor revoked. Such ids are authentic by themselves, so the cookie
   * carries them unsigned. Needs `conditional: false`.
   */
  readonly stateless?: boolean

  /**
   * Gives a store that seals its texts the keys for it. Called once, when the middleware is made.
   *
   * @param secrets - Returns the middleware's current secrets: the first one seals, and each of them opens.
   * @param name - The name of the middleware's cookie.
   * @param decode - Makes an object of a text. Default `JSON.parse`.
   */
  keys?(secrets: () => readonly (string | Buffer)[], name: string, decode?: (text: string) => object): void

  /**
   * Returns the text under `id`, or null if it was never saved, was destroyed, or has expired.
   *
   * @param ttl - Renews the life to this many milliseconds in the same round trip. By default, the life stays as it
   *   is.
   */
  get(id: string, ttl?: number): Promise<string | null>

  /**
   * Stores `text` under `id` for `ttl` milliseconds, if the stored text ends with `expected` (null: if there is
   * none). Otherwise it changes nothing and returns the stored text. Comparing the end is enough, as each text that
   * Holdfast writes ends with a revision that no other text has.
   */
  set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult>

  /**
   * Names the server that keeps `id`, if there are several, by an object that is always the same for one server.
   * While a server does not answer, requests for its sessions fail fast, and those for the others go on. A store
   * without `nodeOf` counts as one server.
   */
  nodeOf?(id: string): object

  /** Renews the life to `ttl` milliseconds. Returns false if there is no text. */
  touch(id: string, ttl: number): Promise<boolean>

  /**
   * Removes the text under `id`, and reports that to the listeners of {@link watch}. Returns whether there was one.
   *
   * @param expected - Removes the text only if it ends with this one. Otherwise it changes nothing and returns the
   *   stored text.
   */
  destroy(id: string, expected?: string): Promise<DestroyResult>

  /**
   * Returns how long the text under `id` will live, in milliseconds, or null if there is none. Renews nothing.
   * Without `life`, neither `sessions.onDestroy` nor the option `user` works with the store.
   */
  life?(id: string): Promise<number | null>

  /** The ids of each user. Needs `life`. Without an index, the option `user` does not work with the store. */
  readonly index?: SessionIndex

  /**
   * Reports texts that any process removes or moves, until the returned function is called. It does not report
   * expiry, and messages may be lost. Without `watch`, `sessions.onDestroy` does not work with the store.
   *
   * @param listener - Called for each `destroy` that removed a text, and for each `notify`. Never throws.
   * @param resumed - Called if the store starts to listen only after `watch` has returned: once it is connected, and
   *   again after each time that messages may have been lost. Never throws.
   */
  watch?(listener: (ended: Ended) => void, resumed: () => void): () => void

  /** Reports to the listeners of {@link watch}, in every process, that the session under `id` moved to `successor`. */
  notify?(ended: Required<Ended>): Promise<void>
}

/**
 * A life in whole milliseconds, rounded up, so that nothing ends before its time.
 *
 * @throws RangeError unless it is a positive number: a fault of the caller, not of the store.
 */
export function wholeMilliseconds(ttl: number): number {
  if (typeof (ttl as unknown) === 'function')
    throw new RangeError('a store of Holdfast takes no callback, and returns a promise: await store.get(id)')
  const whole = Math.ceil(ttl)
  if (!Number.isSafeInteger(whole) || whole <= 0) {
    throw new RangeError(`A store needs a ttl above 0 in milliseconds, not ${ttl}`)
  }
  return whole
}

/** Programs that come from express-session call `store.destroy(id, callback)`: nobody would call that back. */
export const NO_CALLBACK =
  'store.destroy takes no callback, and returns a promise: await store.destroy(id), or end the session by await req.session.destroy()'
