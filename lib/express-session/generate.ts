import { refusePromise, SessionError } from '../errors'
import { isSecure } from '../request'
import { Cookie } from './cookie'
import type { Incoming, Settings } from './options'
import { setOrigin } from './origin'
import { Session } from './session'

/**
 * Makes a new session `req.session`.
 *
 * @throws SessionError `ERR_SESSION_OPTIONS` where `genid` gave no text
 */
export function createSession(req: Incoming, { genid, cookieOptions, proxy }: Settings): Session {
  const id = genid(req)
  if (id instanceof Promise) refusePromise(id, 'genid')
  if (typeof id !== 'string' || id === '') {
    throw new SessionError('ERR_SESSION_OPTIONS', 'genid must return a string, and not an empty one')
  }
  const options = cookieOptions(req)
  req.sessionID = id
  const session = new Session(req)
  session.cookie = new Cookie(options)
  if (options.secure === 'auto') session.cookie.secure = isSecure(req, proxy)
  if (options.sameSite === 'auto') session.cookie.sameSite = isSecure(req, proxy) ? 'none' : 'lax'
  req.session = session
  setOrigin(session, null)
  return session
}
