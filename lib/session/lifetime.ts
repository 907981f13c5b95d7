import type { SessionCookie } from '../cookie/session-cookie'
import { publish } from '../events'
import { Budget } from '../repository/budget'
import { beganAt } from '../repository/record'
import { isStoreFailure, type StoredSession } from '../repository/repository'
import type { Lifetimes, SessionScope } from './scope'
import type { TrackedSession } from './tracked-session'

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
  cookie: SessionCookie,
  { settings, defaults }: { readonly settings: Lifetimes; readonly defaults: SessionCookie }
): number {
  const { idleTimeout, lifetime } = settings
  const own = cookie.originalMaxAge
  return Math.min(own === null || own === defaults.originalMaxAge ? idleTimeout : own, lifetime)
}

/** Whether less than half of the life of the browser's copy, in milliseconds, is left. Null: it has none of its own. */
export function renewalDue(life: number | null, sent: number | undefined): boolean {
  return life !== null && (sent === undefined || Date.now() - sent > life / 2)
}

/** The session that was read, or null if it is past its lifetime. */
export function living(known: StoredSession | null, { settings }: SessionScope): StoredSession | null {
  if (!known || lifetimeLeft(settings, known.handle) > 0) return known
  publish('holdfast:expired', () => ({ handle: known.handle }))
  return null
}

/**
 * Renews the life of a stored session. Answers false if it is not there any more. The session is read for that: a closed id
 * is kept as well, and is no session.
 */
export async function touchSession(
  { id, handle, session }: TrackedSession,
  scope: SessionScope,
  budget = new Budget(scope.settings.timeout)
): Promise<boolean> {
  if (lifetimeLeft(scope.settings, handle) <= 0) return false
  return (await scope.repository.load(id, budget, idleLife(session.cookie, scope))) !== null
}

/** The pauses between attempts to set a life right, in milliseconds: the first, and the longest. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 10_000

/**
 * Reading gave a session the common idle timeout, and the store failed when it was to get a shorter one of its own: goes on
 * trying until it has it, or has ended.
 */
export function shortenLater(current: TrackedSession, scope: SessionScope): void {
  const { settings, repository } = scope
  const life = idleLife(current.session.cookie, scope)
  if (life >= settings.idleTimeout) return
  const end = Date.now() + life
  let pause = FIRST_PAUSE
  const again = () => {
    const left = Math.max(1, end - Date.now())
    repository.load(current.id, new Budget(settings.timeout), left).catch((error: unknown) => {
      if (!isStoreFailure(error)) return
      pause = Math.min(2 * pause, LONGEST_PAUSE)
      setTimeout(again, pause).unref()
    })
  }
  setTimeout(again, pause).unref()
}
