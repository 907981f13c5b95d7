import { SessionError } from '../errors'
import { Seal, type Sealed } from './seal'
import type { SetResult, Store } from './store'
import { wholeMilliseconds } from './ttl'

/** Name and value of a cookie together, in bytes (RFC 6265bis, 5.6). */
const LIMIT = 4096

/** Options of {@link CookieStore}. */
export interface CookieStoreOptions {
  /**
   * The moment, in milliseconds since 1970, before which nothing counts that was sealed for this session: after a
   * logout, a copy of its cookie that somebody kept works on until it expires, and only the application can remember
   * that it must not. Asked at each read and before each write, with what the session holds. To log somebody out everywhere
   * but here, note the moment and call `regenerate`: only a new session is sealed after it. Default: everything counts.
   */
  notBefore?: ((session: Record<string, unknown>) => number | Promise<number>) | undefined
}

/**
 * Keeps sessions in their cookies, sealed, and nothing on the server. The id is the sealed text itself: only who has
 * the middleware's `secret` can read it or make one. No round trip, no server, no state; and therefore:
 *
 * - there is no conditional write: of two responses at once, the one that the browser gets last wins, be it only that of
 *   a request which read, and sealed again what it had read (at half of the life, or with `rolling`);
 * - nothing can be taken back: a copied cookie works until it expires, whatever `destroy` and `regenerate` did (see
 *   `notBefore`);
 * - name and sealed text have 4096 bytes, which leaves about 2900 for the session's JSON; what is larger is refused
 *   with `ERR_SESSION_DATA`, before anything is sent;
 * - a change after the response headers have gone is refused with `ERR_SESSION_HEADERS_SENT`.
 *
 * Where `cookie.path` or `cookie.domain` change, change `name` as well: a browser that has a cookie of before would send both,
 * and after a login nobody could tell which of them counts.
 *
 * The life is sealed with the text, and begins anew with each seal: where half of it has passed, a read seals again.
 */
export class CookieStore implements Store {
  readonly contract = 1
  readonly conditional = false
  readonly stateless = true
  readonly #notBefore: CookieStoreOptions['notBefore']
  #seal: Seal | undefined
  #name: string | undefined
  #deserialize: (text: string) => object = JSON.parse

  constructor({ notBefore }: CookieStoreOptions = {}) {
    if (notBefore !== undefined && typeof notBefore !== 'function') {
      throw new SessionError('ERR_SESSION_OPTIONS', 'CookieStore: notBefore must be a function')
    }
    this.#notBefore = notBefore
  }

  /** @throws SessionError `ERR_SESSION_OPTIONS` where another middleware uses it already. */
  keys(
    secrets: readonly (string | Buffer)[],
    name: string,
    deserialize: (text: string) => object = JSON.parse
  ): void {
    if (this.#seal) {
      throw new SessionError(
        'ERR_SESSION_OPTIONS',
        'a CookieStore serves one session() only: make one for each'
      )
    }
    this.#seal = new Seal(secrets, name)
    this.#name = name
    this.#deserialize = deserialize
  }

  async get(id: string): Promise<string | null> {
    if (id.length > LIMIT) return null
    const sealed = this.#required.open(id)
    if (!sealed || sealed.expires <= Date.now()) return null
    return (await this.#counts(sealed)) ? sealed.text : null
  }

  async #counts({ text, at }: Sealed): Promise<boolean> {
    if (!this.#notBefore) return true
    const moment = await this.#notBefore(this.#deserialize(text) as Record<string, unknown>)
    return !(at < moment)
  }

  /** @throws SessionError `ERR_SESSION_DATA` where the cookie would be too large for browsers. */
  async set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult> {
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
    return { id: this.#required.seal(text, Date.now() + life) }
  }

  /** Whether the session is still alive. Its life is sealed: only `set` renews it. */
  async touch(id: string): Promise<boolean> {
    return (await this.get(id)) !== null
  }

  /** Whether the session was alive. What the browser has, its response has to clear. */
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
