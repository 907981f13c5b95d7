import { publish } from '../events'
import { Budget } from '../repository/budget'
import { isStoreFailure, type StoredSession } from '../repository/repository'
import { idleLife, lifetimeLeft } from './lifetime'
import type { StandardSchema } from '../standard-schema'
import type { SessionScope, VerifiedId } from './scope'
import { dataOf, type Session } from './session'
import type { TrackedSession } from './tracked-session'

/** The session that the ids of a request led to. */
export interface Found {
  readonly verified: VerifiedId
  readonly known: StoredSession
}

/**
 * Looks up the session that several ids of a request name. Several that are all stored are `'ambiguous'`: a planted
 * cookie in front of the real one looks like this, and taking either could take the wrong one.
 */
export async function findAmong(
  ids: readonly VerifiedId[],
  scope: SessionScope,
  budget: Budget
): Promise<Found | 'ambiguous' | undefined> {
  const found: Found[] = []
  for (const verified of ids) {
    // None is renewed before it is clear which one counts.
    const known = await scope.repository.load(verified.id, budget)
    if (known) found.push({ verified, known })
  }
  if (found.length > 1) {
    // If the id holds the session, the browser may have kept an older one: under another path or domain, say.
    const isOne =
      scope.repository.stateless && found.every(({ known }) => known.handle === found[0]!.known.handle)
    if (!isOne) return 'ambiguous'
    found.sort((a, b) => (b.known.sent ?? 0) - (a.known.sent ?? 0))
  }
  return found[0]
}

/** The session that was read, or null if it is past its lifetime. */
export function living(known: StoredSession | null, { settings }: SessionScope): StoredSession | null {
  if (!known || lifetimeLeft(settings, known.handle) > 0) return known
  publish('holdfast:expired', () => ({ handle: known.handle }))
  return null
}

/**
 * Checks what was stored against the application's schema, and writes what the schema makes of it over the data, which
 * others keep their own keys in. A key that is absent is no misfit: a new session has none. Nothing is transformed then.
 */
export async function fits(session: Session, schema: StandardSchema): Promise<boolean> {
  const data = dataOf(session)
  const result = await schema['~standard'].validate(data)
  if (!result.issues) {
    Object.assign(session, result.value)
    return true
  }
  return result.issues.every(({ path: [first] = [] }) => {
    const key = typeof first === 'object' ? first.key : first
    return key !== undefined && !Object.hasOwn(data, key)
  })
}

/**
 * Renews the life of a stored session. Answers false if it is not there any more. The session is read for that: a closed id
 * is kept as well, and is no session.
 */
export async function touchSession(
  { id, handle, session }: TrackedSession,
  { settings, defaults, repository }: SessionScope,
  budget = new Budget(settings.timeout)
): Promise<boolean> {
  if (lifetimeLeft(settings, handle) <= 0) return false
  return (await repository.load(id, budget, idleLife(settings, session.cookie, defaults))) !== null
}

/**
 * Whether reading the session did not give it the life that it should have.
 *
 * @param given - the life that it was given, in milliseconds; undefined: none
 */
export function needsTouch(
  { session }: TrackedSession,
  { settings, defaults }: SessionScope,
  given: number | undefined
): boolean {
  return idleLife(settings, session.cookie, defaults) !== given
}

/** The pauses between attempts to set a life right, in milliseconds: the first, and the longest. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 10_000

/**
 * Reading gave a session the common idle timeout, and the store failed when it was to get a shorter one of its own: goes on
 * trying until it has it, or has ended.
 */
export function shortenLater(current: TrackedSession, scope: SessionScope): void {
  const { settings, defaults, repository } = scope
  const life = idleLife(settings, current.session.cookie, defaults)
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
