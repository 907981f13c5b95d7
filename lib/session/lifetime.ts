import type { SessionCookie } from '../cookie/session-cookie'
import { beganAt } from '../repository/handle'

/** The two clocks of a session, in milliseconds. */
export interface Clocks {
  /** How long a session lives without being used. */
  readonly idleTimeout: number
  /** How long a session lives at most, however much it is used. */
  readonly lifetime: number
}

/** What is left of a session's lifetime; nothing or less: it is over (OWASP ASVS 5.0, 7.3.2). */
export function lifetimeLeft({ lifetime }: Clocks, handle: string): number {
  return beganAt(handle) + lifetime - Date.now()
}

/**
 * The life that each use of a session gives it: the idle timeout, or the `cookie.maxAge` of its own where it has
 * one that differs from the configured one.
 */
export function idleLife({ idleTimeout }: Clocks, cookie: SessionCookie, defaults: SessionCookie): number {
  const own = cookie.originalMaxAge
  return own === null || own === defaults.originalMaxAge ? idleTimeout : own
}

/** Whether less than half of the life of the browser's copy, in milliseconds, is left. Null: it has none of its own. */
export function renewalDue(life: number | null, sent: number | undefined): boolean {
  return life !== null && (sent === undefined || Date.now() - sent > life / 2)
}
