import { bystander } from './bystander'
import type { SessionCookie } from '../cookie/session-cookie'
import type { CurrentSession } from './tracked-session'
import { SessionError } from '../errors'
import type { Data } from '../repository/merge'
import { Session } from './session'
import type { SessionContext } from './scope'
import type { Snapshot } from '../repository/snapshot'

/**
 * Whose the session is that a commit is about to store, by the option `user`. A program without the option leaves it as
 * it is stored.
 *
 * @param text - the data as they will be stored: what others changed is in it, too
 * @throws SessionError `ERR_SESSION_OPTIONS`, `ERR_SESSION_DATA`
 */
export function userOf(
  current: CurrentSession,
  { settings }: SessionContext,
  cookie: SessionCookie,
  text: string,
  latest: Snapshot | null
): string | undefined {
  if (!settings.user) return (current.movedFrom?.known ?? latest)?.user
  const user: unknown = settings.user(new Session(bystander, current, JSON.parse(text) as Data, cookie))
  if (user === undefined || user === null || user === '') return undefined
  if (typeof user === 'string') return checkUser(user, 'ERR_SESSION_DATA')
  if (user instanceof Promise) user.catch(() => undefined)
  throw new SessionError(
    'ERR_SESSION_OPTIONS',
    "user must return a string, or undefined for nobody's session, and not a promise of one: make numbers a string"
  )
}

/** Two names that are different here must not become one in a store that keeps UTF-8. */
export function checkUser(user: string, code: 'ERR_SESSION_DATA' | 'ERR_SESSION_OPTIONS'): string {
  if (!/\p{Surrogate}/u.test(user)) return user
  throw new SessionError(code, 'the name of a user holds half a surrogate pair, which is no text')
}
