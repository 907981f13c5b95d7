import { Budget } from '../repository/budget'
import { idleLife, lifetimeLeft } from './lifetime'
import type { SessionContext } from './scope'
import type { CurrentSession } from './tracked-session'
import { publish } from '../events'
import type { Snapshot } from '../repository/snapshot'

/** An id from the request whose signature was right. */
export interface VerifiedId {
  readonly id: string
  /** Whether the first of the secrets signed it. */
  readonly current: boolean
}

/** What the ids of a request led to. */
export interface Found {
  readonly verified: VerifiedId
  readonly known: Snapshot
}

/**
 * Looks up the session that the ids of a request name. Several that are all stored are `'ambiguous'`: a planted
 * cookie in front of the real one looks like this, and taking either could take the wrong one.
 */
export async function findSession(
  ids: readonly VerifiedId[],
  context: SessionContext,
  budget: Budget
): Promise<Found | 'unknown' | 'ambiguous'> {
  const found: Found[] = []
  for (const verified of ids) {
    // Of several ids none is renewed before it is clear which one counts.
    const known = await readSession(verified.id, context, budget, ids.length === 1)
    if (known) found.push({ verified, known })
  }
  if (found.length > 1) {
    // Where the id holds the session, the browser may have kept an older one: under another path or domain, say.
    const isOne =
      context.repository.stateless && found.every(({ known }) => known.handle === found[0]!.known.handle)
    if (!isOne) return 'ambiguous'
    found.sort((a, b) => (b.known.sent ?? 0) - (a.known.sent ?? 0))
  }
  return found[0] ?? 'unknown'
}

/** The session stored under `id`, or null. One that is past its lifetime is destroyed. */
export async function readSession(
  id: string,
  context: SessionContext,
  budget: Budget,
  renew: boolean
): Promise<Snapshot | null> {
  const { idleTimeout, lifetime } = context.settings
  const life = Math.min(idleTimeout, lifetime)
  const known = await context.repository.load(id, budget, renew ? life : undefined)
  if (!known || lifetimeLeft(context.settings, known.handle) > 0) return known
  publish('holdfast:expired', () => ({ handle: known.handle }))
  await context.repository.destroy(id, budget)
  return null
}

/** Renews the life of a stored session. Answers false where it is not there any more. */
export function touchSession(
  { id, handle, session }: CurrentSession,
  context: SessionContext,
  budget = new Budget(context.settings.timeout)
): Promise<boolean> {
  const life = idleLife(context.settings, session.cookie, context.defaults)
  const left = lifetimeLeft(context.settings, handle)
  return left > 0 ? context.repository.touch(id, Math.min(life, left), budget) : Promise.resolve(false)
}

/** Whether reading the session did not give it the life that it should have. */
export function needsTouch(
  { session }: CurrentSession,
  ids: readonly VerifiedId[],
  context: SessionContext
): boolean {
  return (
    ids.length > 1 ||
    idleLife(context.settings, session.cookie, context.defaults) !== context.settings.idleTimeout
  )
}
