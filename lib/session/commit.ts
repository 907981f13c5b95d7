import { Budget } from '../repository/budget'
import { idleLife, lifetimeLeft, renewalDue } from './lifetime'
import { restoreCookie, storedCookie } from '../cookie/session-cookie'
import type { CurrentSession } from './tracked-session'
import { SessionError } from '../errors'
import { finishMove } from './move'
import { discard, gone, isStoreFailure, type Committed, type Draft } from '../repository/repository'
import type { Session } from './session'
import type { SessionContext } from './scope'
import type { Snapshot } from '../repository/snapshot'
import { userOf } from './user-of'

/** Whether the response has to send the cookie again, with a commit of its own, although nothing changed. */
export function isRenewalDue({ session, known }: CurrentSession, context: SessionContext): boolean {
  const { settings, defaults, repository } = context
  if (known === null || !context.canAnnounce()) return false
  if (!repository.stateless) {
    return settings.renew && renewalDue(session.cookie.originalMaxAge, known.sent)
  }
  return settings.rolling || renewalDue(idleLife(settings, session.cookie, defaults), known.sent)
}

/**
 * Stores the session, with what others stored meanwhile merged in. Where it has a new id, the new one is stored
 * before the old ones end: a crash in between leaves both, never neither.
 */
export async function commitSession(current: CurrentSession, context: SessionContext): Promise<void> {
  context.beforeSave(current.session)
  checkAnnouncement(current, context)
  const budget = new Budget(context.settings.timeout)
  const announce = isAnnounced(current, context)
  const began = current.text
  const draft = (latest: Snapshot | null) => {
    const text = mergedText(current, began, latest, context)
    return toDraft(current, context, current.session, latest, text, announce)
  }

  try {
    let committed = await context.repository.commit(current.id, current.known, draft, budget)
    if (current.movedFrom) committed = await finishMove(current, committed, context, budget, draft)
    await endRetired(current, context, budget)
    accept(current, committed, began, announce, committed.merged)
  } catch (error) {
    abandonId(current, context, error)
    throw error
  }
}

/** What has to hold before anything is stored: what the response could not tell must not be. */
export function checkAnnouncement(current: CurrentSession, context: SessionContext): void {
  if (current.unreadable) throw current.unreadable
  context.checkCookie(current.session.cookie)
  if ((current.isNew || context.repository.stateless) && !context.canAnnounce()) {
    throw headersSent()
  }
}

export function headersSent(): SessionError {
  return new SessionError(
    'ERR_SESSION_HEADERS_SENT',
    'the cookie of a session cannot be sent (or changed, where the cookie holds the session), as the response headers have ' +
      'gone, or there is no response: nothing was stored. Do it before a response begins'
  )
}

export function isAnnounced(current: CurrentSession, context: SessionContext): boolean {
  if (current.isNew || context.repository.stateless) return true
  const isDue = context.settings.rolling || current.cookieChanged || isRenewalDue(current, context)
  return isDue && context.canAnnounce()
}

export function mergedText(
  { known, movedFrom }: CurrentSession,
  mine: string,
  latest: Snapshot | null,
  { repository }: SessionContext
): string {
  if (movedFrom) return repository.merge(movedFrom.base, mine, movedFrom.known)
  return known && latest ? repository.merge(known, mine, latest) : mine
}

export function toDraft(
  current: CurrentSession,
  context: SessionContext,
  { cookie }: Session,
  latest: Snapshot | null,
  text: string,
  announce: boolean
): Draft {
  const { defaults, settings, repository } = context
  // Of requests that loaded a text of another library, the first to commit names the session.
  const handle = latest?.handle ?? current.handle
  const left = lifetimeLeft(settings, handle)
  if (left <= 0) throw gone()
  const isMine = current.cookieChanged || cookie !== current.session.cookie || latest === null
  const stored = isMine ? cookie : restoreCookie(latest.cookie, defaults)
  const isAged = repository.stateless || stored.originalMaxAge !== null
  const sent = isAged ? (announce ? Date.now() : latest?.sent) : undefined
  const ttl = Math.min(idleLife(settings, stored, defaults), left)
  const user = userOf(current, context, stored, text, latest)
  return { handle, text, cookie: storedCookie(stored, defaults), sent, user, ttl }
}

async function endRetired(
  current: CurrentSession,
  { repository }: SessionContext,
  budget: Budget
): Promise<void> {
  for (const id of current.retired) await repository.destroy(id, budget)
  current.retired = []
}

/** After a failure nobody is told of a new id. It may be stored all the same, so another attempt takes another one. */
export function abandonId(current: CurrentSession, context: SessionContext, error: unknown): void {
  if (!current.isNew) return
  // Only what the store left open: an id that was refused because it is in use belongs to somebody.
  if (isStoreFailure(error) && !current.movedFrom)
    discard(context.repository, current.id, context.settings.timeout)
  current.dropId()
}

export function accept(
  current: CurrentSession,
  { id, snapshot }: Committed,
  began: string,
  announce: boolean,
  theirs: boolean
): void {
  current.committed(id, snapshot, began, theirs)
  if (announce) current.announced = true
}
