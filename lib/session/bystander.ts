import { SessionError } from '../errors'
import type { SessionOwner } from './session'

/** Why a method of the session cannot be called where the session itself waits for what calls it. */
export function nested(): SessionError {
  return new SessionError(
    'ERR_SESSION_DATA',
    'a method of the session was called inside the function given to update, or inside valid: look at the state there, ' +
      'and call the method afterwards'
  )
}

const refuse = () => Promise.reject(nested())

/** Owns a session that is only to be looked at. */
export const bystander: SessionOwner = {
  load: refuse,
  update: refuse,
  save: refuse,
  reload: refuse,
  regenerate: refuse,
  destroy: refuse,
  touch: refuse
}
