/**
 * The moments at which users logged out all their other devices: with cookie sessions nothing else can end these. Kept in
 * this process, so that a restart forgets them; a real application keeps the moment with the user, in its database.
 */
export class Logouts {
  readonly #moments = new Map<string, number>()

  /** @param idleTimeout - milliseconds after which what was sealed before a moment has ended by itself */
  constructor(private readonly idleTimeout: number) {}

  /** From now on, nothing counts that was sealed for this user. */
  note(user: string): void {
    const now = Date.now()
    this.#moments.delete(user)
    this.#moments.set(user, now)
    for (const [other, moment] of this.#moments) {
      if (now - moment <= this.idleTimeout) break
      this.#moments.delete(other)
    }
  }

  /** In milliseconds since 1970; 0 where there was none. For the option `notBefore` of a CookieStore. */
  momentOf(user: unknown): number {
    return typeof user === 'string' ? (this.#moments.get(user) ?? 0) : 0
  }
}
