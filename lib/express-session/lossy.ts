import { hears, publish, warnInDevelopment } from '../events'
import { findLoss } from '../repository/values'
import { plainData } from './session'

/** Reports values that JSON drops, or makes empty. express-session stores such a session, and so does this. */
export function warnOfLossy(session: object): void {
  if (process.env.NODE_ENV === 'production' && !hears('holdfast:lossy')) return
  for (const [key, value] of Object.entries(plainData(session))) {
    const loss = findLoss({ [key]: value })
    if (!loss?.isLost) continue
    publish('holdfast:lossy', () => ({ key, type: loss.type }))
    warnInDevelopment(
      'HOLDFAST_LOSSY',
      `req.session.${loss.path} holds a ${loss.type}, which JSON cannot: it is lost or changed when it is read`
    )
  }
}
