import { need, needKnown, SessionError } from '../errors'
import { Seal, type Sealed } from './seal'
import { wholeMilliseconds, type SetResult, type Store } from './store'

/** Name and value of a cookie together, in bytes (RFC 6265bis, 5.6). */
const LIMIT = 4096

/** Options of {@link CookieStore}. */
export interface CookieStoreOptions {
  /**
   * Returns the moment of the user's last logout everywhere, in milliseconds since 1970, or 0 if there was none.
   * After a logout, a copy of the cookie works until it expires; only the application can remember that it must not.
   * Each cookie carries the moment that was known when it was sealed, and is refused once this function returns a
   * later one; the servers' clocks do not matter. Called at each read and twice before each write, with the session's
   * data. To log a user out everywhere but here, record the moment and call `regenerate`. Anything but a number, such as a
   * date, fails with `ERR_SESSION_OPTIONS`, and an error of the function's own with `ERR_SESSION_STORE`. Default: 0.
   */
  notBefore?: ((session: Record<string, unknown>) => number | Promise<number>) | undefined
}

/**
 * Keeps sessions sealed in their cookies, and nothing on the server. The id is the sealed text itself: only the owner
 * of the middleware's `secret` can read it or make one. It needs no round trip and no server, at a price:
 *
 * - There is no conditional write. Of two responses at once, the one that reaches the browser last wins, even if its
 *   request only read the session and sealed it again (at half of its life, or with `renew: 'always'`).
 * - Nothing can be revoked: a copied cookie works until it expires, despite `destroy` and `regenerate` (see
 *   `notBefore`).
 * - The name and the sealed text fill at most 4096 bytes, which leaves about 2900 for the session's JSON. Anything
 *   larger is refused with `ERR_SESSION_DATA`, before anything is sent.
 * - A change after the response headers have left is refused with `ERR_SESSION_HEADERS_SENT`.
 * - The options `genid` and `signed: false` have no effect, as the id is the sealed text, nor has `merge`.
 *
 * If you change `cookie.path` or `cookie.domain`, change `name` as well. Otherwise a browser with an older cookie
 * sends both, and after a login nobody can tell which of them counts.
 *
 * The value is base64url of a version byte (2), a nonce of 12 bytes, the sealed part, and a tag of 16 bytes.
 * AES-256-GCM seals two doubles, the `notBefore` that was known and the end of the life, both in milliseconds since
 * 1970, and then the text. Each seal starts the life over; once half of it has passed, a read seals again. `npx
 * holdfast inspect 'sid=<value>'` opens one, with the secret in `SESSION_SECRET`.
 */
export class CookieStore implements Store {
  readonly contract = 1
  readonly conditional = false
  readonly stateless = true
  readonly #notBefore: CookieStoreOptions['notBefore']
  #seal: Seal | undefined
  #name: string | undefined
  #decode: (text: string) => object = JSON.parse

  constructor(options: CookieStoreOptions = {}) {
    needKnown('CookieStore', options, ['notBefore'])
    const { notBefore } = options
    need(
      notBefore === undefined || typeof notBefore === 'function',
      'CookieStore: notBefore must be a function'
    )
    this.#notBefore = notBefore
  }

  /** @throws SessionError `ERR_SESSION_OPTIONS` if another middleware uses it already. */
  keys(
    secrets: () => readonly (string | Buffer)[],
    name: string,
    decode: (text: string) => object = JSON.parse
  ): void {
    need(!this.#seal, 'a CookieStore serves one session() only: make one for each')
    this.#seal = new Seal(secrets, name)
    this.#name = name
    this.#decode = decode
  }

  async get(id: string): Promise<string | null> {
    if (id.length > LIMIT) return null
    const sealed = this.#required.open(id)
    if (!sealed || sealed.expires <= Date.now()) return null
    return (await this.#counts(sealed)) ? sealed.text : null
  }

  async #counts({ text, since }: Sealed): Promise<boolean> {
    return !(since < (await this.#momentOf(text)))
  }

  async #momentOf(text: string): Promise<number> {
    if (!this.#notBefore) return 0
    const session = this.#decode(text) as Record<string, unknown>
    let moment: unknown
    try {
      moment = await this.#notBefore(session)
    } catch (error) {
      throw new SessionError(
        'ERR_SESSION_STORE',
        'CookieStore: notBefore failed, and its error is the cause: without its answer, nothing is opened or sealed',
        { cause: error }
      )
    }
    need(
      typeof moment === 'number' && !Number.isNaN(moment),
      'CookieStore: notBefore must return a number, in milliseconds since 1970, or 0, or a promise of one'
    )
    return moment
  }

  /** @throws SessionError `ERR_SESSION_DATA` if the cookie would be too large for browsers. */
  async set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult> {
    // Asked before the next question, so that a logout between the two is seen by one of them.
    const moment = await this.#momentOf(text)
    const before = expected === null ? undefined : this.#required.open(id)
    if (before && !(await this.#counts(before))) return { conflict: null }
    const life = wholeMilliseconds(ttl)
    const bytes = Seal.lengthOf(Buffer.byteLength(text)) + (this.#name?.length ?? 0)
    if (bytes > LIMIT) {
      throw new SessionError(
        'ERR_SESSION_DATA',
        `the session is too large for a cookie, ${bytes} of ${LIMIT} bytes: keep less in it, or take a store on a server`
      )
    }
    // "Never" (Infinity) must not make a seal that counts for ever.
    const since = Number.isFinite(moment) ? moment : 0
    return { id: this.#required.seal(text, Date.now() + life, since) }
  }

  /** Whether the session is still alive. Its life is sealed: only `set` renews it. */
  async touch(id: string): Promise<boolean> {
    return (await this.get(id)) !== null
  }

  /** Whether the session was alive. The copy in the browser is for the response to clear. */
  async destroy(id: string): Promise<boolean> {
    return this.touch(id)
  }

  get #required(): Seal {
    if (this.#seal) return this.#seal
    throw new SessionError(
      'ERR_SESSION_OPTIONS',
      'a CookieStore gets its keys from session({ store, secret }): it cannot be used before'
    )
  }
}
