import type { SessionCookie } from '../cookie/session-cookie'
import { beganAt } from '../repository/record'

/** The two clocks of a session, in milliseconds. */
export interface Lifetimes {
  /** How long a session lives without being used. */
  readonly idleTimeout: number
  /** How long a session lives at most, however much it is used. */
  readonly lifetime: number
}

/**
 * What is left of a session's lifetime; nothing or less: it is over (OWASP ASVS 5.0, 7.3.2). A session that begins in the
 * future, by another process's clock, begins now.
 */
export function lifetimeLeft({ lifetime }: Lifetimes, handle: string): number {
  const now = Date.now()
  return Math.min(beganAt(handle), now) + lifetime - now
}

/**
 * The life that each use of a session gives it: the idle timeout, or the `cookie.maxAge` of its own where it has one that
 * differs from the configured one. Never more than the lifetime, but also never what is left of it: a clock that is wrong
 * must not erase what other processes can still use, so past its lifetime a session is refused, and the store ends it.
 */
export function idleLife(
  { idleTimeout, lifetime }: Lifetimes,
  cookie: SessionCookie,
  defaults: SessionCookie
): number {
  const own = cookie.originalMaxAge
  return Math.min(own === null || own === defaults.originalMaxAge ? idleTimeout : own, lifetime)
}

/** The life that each use gives a session without one of its own. */
export function commonLife({ idleTimeout, lifetime }: Lifetimes): number {
  return Math.min(idleTimeout, lifetime)
}

/** Whether less than half of the life of the browser's copy, in milliseconds, is left. Null: it has none of its own. */
export function renewalDue(life: number | null, sent: number | undefined): boolean {
  return life !== null && (sent === undefined || Date.now() - sent > life / 2)
}
