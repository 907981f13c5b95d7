import { commitSession } from './commit'
import { announcementOf, isRenewalDue, needsConfirmation, type Announcement } from './cookie-policy'
import { idleLife, touchSession } from './lifetime'
import type { SessionScope } from './scope'
import { report, type RequestSession } from './request-session'
import type { TrackedSession } from './tracked-session'

/**
 * Commits what has to be in the store before the response goes on. Undefined: there is nothing to wait for. After a
 * rejection nothing of the session is stored any more.
 */
export function commitAtEnd(request: RequestSession): Promise<void> | undefined {
  const { scope } = request
  if (!request.isIdle) return settle(request)
  if (request.failedCommit || request.isDropped) return undefined
  const current = request.active
  let text: string | undefined
  try {
    const unheard = request.calls?.unheard
    if (unheard) throw unheard.error
    if (!current) request.checkReplaced()
    current?.warnOfStale?.()
    if (!current || request.isRefused(current)) return undefined
    text = request.changedText(current)
  } catch (error) {
    return request.endWith(error)
  }
  if (text !== undefined && scope.settings.autoCommit) {
    request.finishing = commitSession(current, scope, text).then(
      () => {
        request.finishing = undefined
        request.succeeded()
        // The store has just said that the session is there.
        if (current.cookie === 'confirm') current.cookie = 'send'
      },
      (error: unknown) => refuseAtEnd(request, current, error)
    )
    request.calls?.occupy(request.finishing)
    return request.finishing
  }
  const isRenewed = text === undefined && isRenewalDue(current, scope)
  return isRenewed || needsConfirmation(current, scope) ? prolong(current, scope, isRenewed) : undefined
}

/** Whether there is something that the next commit would store. */
export function isDirtyAtEnd(request: RequestSession): boolean {
  const current = request.active
  if (!current || request.failedCommit || request.isDropped || !request.scope.settings.autoCommit)
    return false
  return request.changedText(current) !== undefined
}

/** Whether the response may have something to store or to say although no handler looks at the session. */
export function isExpectant({ current, scope }: RequestSession): boolean {
  if (!current) return false
  const { saveUninitialized, renew } = scope.settings
  return current.known === null ? saveUninitialized : renew === 'always' || isRenewalDue(current, scope)
}

/** The cookie to send, once everything is committed. */
export function announcementAtEnd(request: RequestSession): Announcement | undefined {
  if (request.failedCommit || request.isDropped) return undefined
  const { current, cleared } = request
  if (current?.cookie === 'send' && current.known) return announcementOf(current, request.scope)
  return cleared && { clear: cleared }
}

/** Waits for what the handler asked for. A handler that ended the response before the answer came could not act on a failure. */
async function settle(request: RequestSession): Promise<void> {
  // Calls wait for a commit as well.
  if (!request.calls) await request.finishing?.catch(() => undefined)
  const late = await request.calls?.settled()
  return late && !request.failedCommit ? request.endWith(late.error) : commitAtEnd(request)
}

function refuseAtEnd(
  request: RequestSession,
  current: TrackedSession,
  error: unknown
): Promise<void> | undefined {
  request.finishing = undefined
  try {
    request.refuse(current, error)
    return undefined
  } catch (failure) {
    request.failed(failure)
    return request.endWith(failure)
  }
}

/** Renews the browser's copy. If that fails, nothing of the handler's is lost: the response goes without the cookie. */
async function prolong(current: TrackedSession, scope: SessionScope, isRenewed: boolean): Promise<void> {
  try {
    const isThere = isRenewed || (await touchSession(current, scope, idleLife(current.session.cookie, scope)))
    if (isRenewed) await commitSession(current, scope)
    current.cookie = isThere ? 'send' : 'keep'
  } catch (error) {
    report('commit', error)
  }
}
