import { need, needKnown, SessionError } from '../errors'
import { Seal, type Sealed } from './seal'
import { wholeMilliseconds, type SetResult, type Store } from './store'

/** Name and value of a cookie together, in bytes (RFC 6265bis, 5.6). */
const LIMIT = 4096

/** Options of {@link CookieStore}. */
export interface CookieStoreOptions {
  /**
   * The moment, in milliseconds since 1970, at which the user was last logged out everywhere; 0 if never. After a
   * logout, a copy of the cookie works until it expires, and only the application can remember that
   * it must not. Each cookie carries the moment that was known when it was sealed, and stops counting once the answer
   * is a later one; the servers' clocks do not matter. Asked at each read, and twice before each write, with the
   * session's data. To log a user out everywhere but here, note the moment and call `regenerate`. Default: 0.
   */
  notBefore?: ((session: Record<string, unknown>) => number | Promise<number>) | undefined
}

/**
 * Keeps sessions in their cookies, sealed, and nothing on the server. The id is the sealed text itself: only the owner
 * of the middleware's `secret` can read it or make one. No round trip, no server, no state; and therefore:
 *
 * - there is no conditional write: of two responses at once, the one that the browser gets last wins, even if its request
 *   only read, and sealed again what it had read (at half of the life, or with `renew: 'always'`);
 * - nothing can be taken back: a copied cookie works until it expires, in spite of `destroy` and `regenerate` (see
 *   `notBefore`);
 * - name and sealed text have 4096 bytes, which leaves about 2900 for the session's JSON; anything larger is refused
 *   with `ERR_SESSION_DATA`, before anything is sent;
 * - a change after the response headers have gone is refused with `ERR_SESSION_HEADERS_SENT`.
 *
 * If you change `cookie.path` or `cookie.domain`, change `name` as well: a browser with a cookie from before would send
 * both, and after a login nobody could tell which of them counts.
 *
 * The value is base64url of: a byte for the version (2), 12 of nonce, the sealed part, 16 of tag. Sealed, by AES-256-GCM,
 * are two doubles, the `notBefore` that was known and the end of the life in milliseconds since 1970, and the text.
 * The life begins anew with each seal: once half of it has passed, a read seals again. `npx holdfast inspect
 * 'sid=<value>'` with the secret in `SESSION_SECRET` opens one.
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
    return this.#notBefore ? this.#notBefore(this.#decode(text) as Record<string, unknown>) : 0
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
    // "Never" (Infinity), and anything that is not a moment, must not make a seal that counts for ever.
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
