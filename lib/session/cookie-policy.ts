import { checkCookie } from '../cookie/attributes'
import { SessionCookie, storedCookie, warnOfLife } from '../cookie/session-cookie'
import { SessionError } from '../errors'
import { beganAt } from '../repository/record'
import { idleLife, renewalDue } from './lifetime'
import type { SessionScope } from './scope'
import type { TrackedSession } from './tracked-session'

/** The cookie that the response has to send. */
export type Announcement =
  | { readonly set: string; readonly life: number | undefined; readonly cookie: SessionCookie }
  | { readonly clear: SessionCookie }

/** Whether the response has to send the cookie again, with a commit of its own, although nothing changed. */
export function isRenewalDue({ session, known }: TrackedSession, scope: SessionScope): boolean {
  const { settings, repository } = scope
  if (known === null) return false
  const life = repository.stateless ? idleLife(session.cookie, scope) : session.cookie.originalMaxAge
  if (life === null) return false
  const isDue = repository.stateless
    ? settings.renew === 'always' || renewalDue(life, known.sent)
    : settings.renew === 'half' && renewalDue(life, known.sent)
  return isDue && scope.canSendCookie()
}

/**
 * Whether a commit has to be followed by the cookie: the id is new, or the browser's copy has to change or to live on.
 *
 * @throws SessionError `ERR_SESSION_HEADERS_SENT` if it has to change and cannot
 */
export function isCookieDue(current: TrackedSession, scope: SessionScope): boolean {
  if (current.known === null || scope.repository.stateless) return true
  const { cookieChanged } = current
  if (cookieChanged && !scope.canSendCookie()) throw headersSent()
  const isDue = scope.settings.renew === 'always' || cookieChanged || isRenewalDue(current, scope)
  return isDue && scope.canSendCookie()
}

/** Whether the store has to say that the session is still there before a response that stores nothing sends the cookie. */
export function needsConfirmation(current: TrackedSession, scope: SessionScope): boolean {
  const isAsked =
    current.cookie === 'confirm' || (current.cookie === 'keep' && scope.settings.renew === 'always')
  return isAsked && current.known !== null && scope.canSendCookie()
}

/** The cookie for a stored session, which ends no later than the session. */
export function announcementOf(
  { id, handle, session: { cookie } }: TrackedSession,
  scope: SessionScope
): Extract<Announcement, { readonly set: string }> {
  const { settings, defaults, repository } = scope
  const own = idleLife(cookie, scope)
  const life = own === idleLife(defaults, scope) || repository.stateless ? undefined : own
  const end = beganAt(handle) + settings.lifetime
  if (!cookie.expires || cookie.expires.getTime() <= end) return { set: id, life, cookie }
  const shortened = cookie.copy()
  shortened.expires = new Date(end)
  return { set: id, life, cookie: shortened }
}

/** Checks that the response can send the cookie, before anything is stored. */
export function checkSending(current: TrackedSession, scope: SessionScope): void {
  if (current.unreadable) throw current.unreadable
  checkSessionCookie(current.session.cookie, scope)
  if ((current.known === null || scope.repository.stateless) && !scope.canSendCookie()) throw headersSent()
}

/** @throws SessionError `ERR_SESSION_DATA` for a cookie that must not be sent */
export function checkSessionCookie(cookie: SessionCookie, { settings, defaults }: SessionScope): void {
  if (cookie instanceof SessionCookie) {
    // The configuration was checked at the start.
    const isConfigured = cookie.originalMaxAge === null && storedCookie(cookie, defaults) === undefined
    if (isConfigured) return
    checkCookie(settings.name, cookie, 'ERR_SESSION_DATA')
    const configured = [defaults.originalMaxAge, settings.rememberFor]
    return warnOfLife(cookie.originalMaxAge, settings.lifetime, configured)
  }
  throw new SessionError('ERR_SESSION_DATA', 'req.session.cookie was replaced: change its attributes instead')
}

export function headersSent(): SessionError {
  return new SessionError(
    'ERR_SESSION_HEADERS_SENT',
    'the cookie of a session cannot be sent or changed, as the response headers have gone, or there is no response: nothing ' +
      'was stored. Do it before a response begins'
  )
}
