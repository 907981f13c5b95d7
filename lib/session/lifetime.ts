import { restoreCookie, type SessionCookie } from '../cookie/session-cookie'
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
 * In whole milliseconds, so that nothing ends before its time. A life that is over ends at once: stores refuse 0.
 */
export function idleLife(
  cookie: SessionCookie,
  { settings, defaults }: { readonly settings: Lifetimes; readonly defaults: SessionCookie }
): number {
  const { idleTimeout, lifetime } = settings
  const own = cookie.originalMaxAge
  const life = own === null || own === defaults.originalMaxAge ? idleTimeout : own
  return Math.max(1, Math.ceil(Math.min(life, lifetime)))
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
 * is kept as well, and is no session, and another request may have given the session another life.
 *
 * @param given - the life that reading it is to give, in milliseconds: saves a command, and counts as another use
 */
export async function touchSession(
  { id, handle }: TrackedSession,
  scope: SessionScope,
  given?: number
): Promise<boolean> {
  const { settings, defaults, repository } = scope
  if (lifetimeLeft(settings, handle) <= 0) return false
  const budget = new Budget(settings.timeout)
  const stored = await repository.load(id, budget, given)
  if (!stored) return false
  const life = idleLife(restoreCookie(stored.cookie, defaults), scope)
  return life === given || giveLife(id, life, given, scope, budget)
}

/** The pauses between attempts to set a life right, in milliseconds: the first, and the longest. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 10_000

/**
 * Gives a session that was just read the life that it should have.
 *
 * @param given - the life that reading gave it, in milliseconds. If that is too long and the store fails, it is tried
 *   again in the background until the session has its life, or has ended.
 */
export async function giveLife(
  id: string,
  life: number,
  given: number | undefined,
  scope: SessionScope,
  budget: Budget
): Promise<boolean> {
  try {
    return await scope.repository.touch(id, life, budget)
  } catch (error) {
    if (given !== undefined && life < given) shortenLater(id, life, scope)
    throw error
  }
}

function shortenLater(id: string, life: number, { settings, repository }: SessionScope): void {
  const end = Date.now() + life
  let pause = FIRST_PAUSE
  const again = () => {
    const left = Math.max(1, end - Date.now())
    repository.touch(id, left, new Budget(settings.timeout)).catch((error: unknown) => {
      if (!isStoreFailure(error)) return
      pause = Math.min(2 * pause, LONGEST_PAUSE)
      setTimeout(again, pause).unref()
    })
  }
  setTimeout(again, pause).unref()
}
