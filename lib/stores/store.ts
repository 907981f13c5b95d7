/**
 * What a store answers to a conditional write: the id that belongs in the cookie when the text was kept, or
 * what is kept under the id instead when somebody else was faster.
 */
export type SetResult = { readonly id: string } | { readonly conflict: string | null }

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

  /** Removes what is kept under `id`. Answers whether something was there. */
  destroy(id: string): Promise<boolean>
}
