/**
 * What a store answers to a conditional write: the id that belongs in the cookie when the text was kept, or
 * what is kept under the id instead when somebody else was faster.
 */
export type SetResult = { readonly id: string } | { readonly conflict: string | null }

/** What was destroyed; `successor` is the id under which the session lives on, where it does. */
export interface Ended {
  readonly id: string
  readonly successor?: string
}

/** An id in a {@link SessionIndex}. */
export interface IndexEntry {
  readonly id: string
  /** Tells one noting of an id from another: a number for the index alone. */
  readonly noted: number
  /** Milliseconds since it was noted, by the clock of the store. */
  readonly age: number
}

/**
 * Notes which ids may be whose. An id is noted before its session is stored, so that no session is missing; whether it is
 * still that user's, or there at all, is for who reads the index to find out. A user is any text that is not empty.
 */
export interface SessionIndex {
  /**
   * Notes that `id` may be one of `user`'s, or notes it anew. Answers with up to two others of the user's, those that were
   * noted longest ago, to be looked after.
   *
   * @param ttl - How long it stays at least, in milliseconds; Infinity: until it is removed. A store may forget it before
   *   where what was kept under `id` has ended, or where nothing was kept there for an hour.
   */
  add(user: string, id: string, ttl: number): Promise<readonly IndexEntry[]>

  /** All ids of the user's, noted longest ago first. */
  list(user: string): Promise<readonly IndexEntry[]>

  /** Notes an id anew, if `entry` is still its noting. Its life stays as it is. */
  renew(user: string, entry: IndexEntry): Promise<void>

  /** Removes an id, if `entry` is still its noting. */
  remove(user: string, entry: IndexEntry): Promise<void>

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
   * Whether `set` compares with `expected`. `false` for a store that cannot, such as one that keeps the text
   * in the cookie: its last response wins. Left out means `true`.
   */
  readonly conditional?: boolean

  /**
   * `true` for a store that keeps nothing, as the text is in the id itself: each `set` makes a new id, and an id that was
   * given away can be neither renewed nor taken back. Such ids prove themselves: the cookie carries them unsigned.
   * It has to be `conditional: false`.
   */
  readonly stateless?: boolean

  /**
   * Hands over what a store needs that seals: the middleware's secrets, of which the first seals and each opens, and
   * the name of its cookie, and what makes an object of a text (default `JSON.parse`). Called once, when the middleware is
   * made.
   */
  keys?(secrets: readonly (string | Buffer)[], name: string, deserialize?: (text: string) => object): void

  /**
   * The text kept under `id`, or null: never saved, destroyed, or expired.
   *
   * @param ttl - Renews the life to this many milliseconds in the same round trip. Left out: the life stays as it is.
   */
  get(id: string, ttl?: number): Promise<string | null>

  /**
   * Keeps `text` under `id` for `ttl` milliseconds, if what is kept there is still exactly `expected`
   * (null: nothing is kept there). Otherwise changes nothing and answers with what is kept now.
   */
  set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult>

  /**
   * Which of several servers keeps `id`: an object that stands for it, always the same. While one does not answer,
   * requests for its sessions fail fast, those of the others go on. Left out: the store is one server.
   */
  nodeOf?(id: string): object

  /** Renews the life to `ttl` milliseconds. Answers false where nothing is kept. */
  touch(id: string, ttl: number): Promise<boolean>

  /**
   * Removes what is kept under `id`. Answers whether something was there.
   *
   * @param successor - The id under which the session lives on, for those who {@link watch}.
   */
  destroy(id: string, successor?: string): Promise<boolean>

  /**
   * How long what is kept under `id` will live, in milliseconds, or null: nothing is there. Renews nothing. Left out:
   * the store cannot say, and neither `sessions.onDestroy` nor the option `user` works with it.
   */
  life?(id: string): Promise<number | null>

  /** Which sessions are whose. Needs `life`. Left out: the option `user` does not work with the store. */
  readonly index?: SessionIndex

  /**
   * Hears of what is destroyed, by whichever process, from now on until the returned function is called. What expires
   * is not told, and messages may be lost. Left out: the store cannot tell, and `sessions.onDestroy` does not work with it.
   *
   * @param listener - Told of each `destroy` that removed something. Never throws.
   * @param resumed - Called where the store begins to listen later than this returns: when it is connected, and again
   *   after each time that messages may have been lost. What was destroyed before was perhaps not told. Never throws.
   */
  watch?(listener: (ended: Ended) => void, resumed: () => void): () => void
}
