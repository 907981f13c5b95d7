import { Budget } from '../repository/budget'
import {
  abandonId,
  accept,
  checkAnnouncement,
  commitSession,
  isAnnounced,
  mergedText,
  toDraft
} from './commit'
import { restoreCookie, storedCookie } from '../cookie/session-cookie'
import type { CurrentSession } from './tracked-session'
import type { Data } from '../repository/merge'
import { encodeData } from '../repository/record'
import { dataOf, Session, type SessionOwner } from './session'
import type { SessionContext } from './scope'
import type { Snapshot } from '../repository/snapshot'

/**
 * Runs `fn` on the newest stored state with the unsaved changes in it, and stores the result.
 *
 * @param running - told when `fn` starts and when it has ended
 */
export async function updateSession<T>(
  current: CurrentSession,
  context: SessionContext,
  owner: SessionOwner,
  fn: (draft: Session) => T | Promise<T>,
  running: (isRunning: boolean) => void
): Promise<T> {
  // A staged id is committed by itself: its commit takes two steps, which fn must not be repeated for.
  if (current.movedFrom || current.retired.length > 0) await commitSession(current, context)
  checkAnnouncement(current, context)
  const { repository, defaults } = context
  const began = current.text
  const announce = isAnnounced(current, context)
  let result!: T
  let changes = false
  const draft = async (latest: Snapshot | null) => {
    const data = JSON.parse(mergedText(current, began, latest, context)) as Data
    const cookie = current.cookieChanged ? current.session.cookie : restoreCookie(latest?.cookie, defaults)
    const state = new Session(owner, current, data, restoreCookie(storedCookie(cookie, defaults), defaults))
    running(true)
    try {
      result = await fn(state)
    } finally {
      running(false)
    }
    context.beforeSave(state)
    context.checkCookie(state.cookie)
    const text = encodeData(dataOf(state))
    const cookieText = JSON.stringify(storedCookie(state.cookie, defaults))
    const isSame =
      !repository.changed(latest, text) &&
      !current.wanted &&
      cookieText === JSON.stringify(storedCookie(restoreCookie(latest?.cookie, defaults), defaults))
    changes = !isSame
    if (isSame) return undefined
    return toDraft(current, context, state, latest, text, announce)
  }
  try {
    const budget = new Budget(context.settings.timeout)
    const committed = await repository.commit(current.id, current.known, draft, budget)
    if (committed.snapshot) accept(current, committed, began, announce && changes, true)
    return result
  } catch (error) {
    abandonId(current, context, error)
    throw error
  }
}
