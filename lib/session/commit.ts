import { hasSettings, restoreCookie, storedCookie, type SessionCookie } from '../cookie/session-cookie'
import { refusePromise, SessionError } from '../errors'
import { Budget } from '../repository/budget'
import { sameValue, type Data } from '../repository/merge'
import { encodeData } from '../repository/record'
import {
  gone,
  isGone,
  isStoreFailure,
  type Committed,
  type Draft,
  type StoredSession
} from '../repository/repository'
import { checkValues, isDevelopment } from '../repository/values'
import { checkSending, isCookieDue } from './cookie-policy'
import { idleLife, lifetimeLeft } from './lifetime'
import { checkFit, warnOfChange } from './load'
import type { SessionScope } from './scope'
import { dataOf, onlooker, OWNER, Session, type SessionOwner } from './session'
import type { Move, TrackedSession } from './tracked-session'

/**
 * Stores the session, with what others stored meanwhile merged in. If it has a new id, the new one is stored before the
 * old ones end: a crash in between leaves both, never neither.
 *
 * @param text - the session's, if the caller has checked it and nobody had a turn since
 */
export function commitSession(current: TrackedSession, scope: SessionScope, text?: string): Promise<void> {
  const { schema } = scope.settings
  if (!schema) return store(current, scope, text)
  return checkFit(current.session, schema).then(() => store(current, scope))
}

function store(current: TrackedSession, scope: SessionScope, text?: string): Promise<void> {
  let id: string
  let began: string
  let isAnnounced: boolean
  try {
    const { beforeSave } = scope.settings
    if (beforeSave) callBeforeSave(current.session, scope)
    checkSending(current, scope)
    isAnnounced = isCookieDue(current, scope)
    const isChecked = text !== undefined && !beforeSave
    if (!isChecked) checkValues(current.session)
    began = isChecked ? text : current.text
    id = current.id
  } catch (error) {
    return Promise.reject(error)
  }
  const budget = new Budget(scope.settings.timeout)
  const draft = (latest: StoredSession | null) => {
    const isMerged = current.move !== undefined || latest !== current.known
    const text = isMerged ? mergedText(current, began, latest, scope) : began
    return toDraft(current, scope, current.session, latest, text, isAnnounced)
  }
  const stored = scope.repository.commit(id, current.known, draft, budget)
  const isMoving = current.move !== undefined || current.retired.length > 0
  const committed = isMoving
    ? stored.then((first) => endOldIds(current, first, scope, budget, draft))
    : stored
  return committed.then(
    (committed) => current.committed(committed, began, isAnnounced),
    (error: unknown) => {
      abandonId(current, scope, error)
      throw error
    }
  )
}

/** The owner of the session that beforeSave has right now: nothing waits for it. */
let saving: SessionOwner | undefined

/** Whether the caller is beforeSave: after the commit that waits for it, each call would make another one. */
export const isSaving = (owner: SessionOwner): boolean => owner === saving

/** @throws whatever the application throws, or SessionError `ERR_SESSION_OPTIONS` if it returns a promise */
export function callBeforeSave(session: Session, { settings, req }: SessionScope): void {
  saving = session[OWNER]
  try {
    const returned: unknown = settings.beforeSave?.(req, session)
    if (returned instanceof Promise) refusePromise(returned, 'beforeSave')
    checkReturned(returned, session, 'beforeSave', 'beforeSave: (req, s) => { s.count = 1 }')
  } finally {
    saving = undefined
  }
}

/** @throws SessionError `ERR_SESSION_DATA` for `{ ...state, … }`: only that has the same cookie object, and other data */
export function checkReturned(result: unknown, state: Session, who: string, example: string): void {
  const copy = (typeof result === 'object' ? result : null) as Session | null
  if (!copy || copy === state || copy.cookie !== state.cookie) return
  if (encodeData(dataOf(copy)) === encodeData(dataOf(state))) return
  throw new SessionError(
    'ERR_SESSION_DATA',
    `${who} returned a changed copy of the state, and nothing of it would have been stored: change the state itself, ${example}`
  )
}

export function mergedText(
  { known, move, fitted }: TrackedSession,
  mine: string,
  latest: StoredSession | null,
  { repository }: SessionScope
): string {
  if (move) return repository.merge(move.base, mine, move.known, move.keys)
  if (!known || !latest) return mine
  return repository.merge(
    known,
    fitted === undefined ? mine : withoutFit(mine, fitted, known, latest),
    latest
  )
}

/** Leaves out what only the schema changed, where somebody else has changed the same key. */
function withoutFit(mine: string, fitted: string, known: StoredSession, latest: StoredSession): string {
  const [data, made] = [mine, fitted].map((text) => JSON.parse(text) as Data) as [Data, Data]
  const [before, theirs] = [known.data(), latest.data()]
  for (const key of Object.keys(made)) {
    if (!sameValue(data, made, key) || sameValue(before, theirs, key)) continue
    if (Object.hasOwn(before, key)) data[key] = before[key]
    else delete data[key]
  }
  return encodeData(data)
}

export function toDraft(
  current: TrackedSession,
  scope: SessionScope,
  { cookie }: Session,
  latest: StoredSession | null,
  text: string,
  isAnnounced: boolean
): Draft {
  const { defaults, settings, repository } = scope
  // Of requests that loaded a text of another library, the first to commit names the session.
  const handle = latest?.handle ?? current.handle
  const moved = current.move?.known
  if (lifetimeLeft(settings, handle) <= 0) throw gone()
  if (moved && lifetimeLeft(settings, moved.handle) <= 0) throw gone()
  if (current.move) followCookie(cookie, current.move, defaults)
  const isMine =
    current.move !== undefined ||
    current.cookieChanged ||
    cookie !== current.session.cookie ||
    latest === null
  const stored = isMine ? cookie : restoreCookie(latest.cookie, defaults)
  const isAged = repository.stateless || stored.originalMaxAge !== null
  const sent = isAged ? (isAnnounced ? Date.now() : latest?.sent) : undefined
  // Without the option, it stays as it is stored.
  const user = settings.user ? userOf(current, scope, stored, text) : (latest ?? ownerBefore(current))?.user
  const since = user !== undefined && moved?.user === user ? moved.since : undefined
  return {
    handle,
    text,
    cookie: storedCookie(stored, defaults),
    sent,
    user,
    since,
    ttl: idleLife(stored, scope)
  }
}

/** A session that is carried whole to another id has the cookie that others stored meanwhile, if this request left it alone. */
function followCookie(cookie: SessionCookie, { base, known, keys }: Move, defaults: SessionCookie): void {
  if (keys !== undefined || known === base) return
  const isMine = !hasSettings(cookie, restoreCookie(base.cookie, defaults), defaults)
  if (!isMine) Object.assign(cookie, restoreCookie(known.cookie, defaults))
}

/** After a failure no response sends a new id. It may be stored all the same, so another attempt takes another one. */
export function abandonId(current: TrackedSession, scope: SessionScope, error: unknown): void {
  if (!current.isNew) return
  // Only if the outcome is unknown: an id that was refused because it is in use belongs to another session.
  if (isStoreFailure(error) && !current.move) {
    scope.repository.destroy(current.id, new Budget(scope.settings.timeout)).catch(() => undefined)
  }
  current.dropId()
}

/** Ends what the new session replaces: first where it came from, then the others. */
async function endOldIds(
  current: TrackedSession,
  stored: Committed,
  scope: SessionScope,
  budget: Budget,
  draft: (latest: StoredSession | null) => Draft
): Promise<Committed> {
  const committed = current.move ? await finishMove(current, stored, scope, budget, draft) : stored
  for (const { id, known } of current.retired) await scope.repository.destroy(id, budget, known)
  current.retired = []
  return committed
}

/**
 * What is carried to a new id is carried from the newest stored state: the old id is closed by a conditional write, so
 * that a change which another request stored there meanwhile comes along, and so that a logout meanwhile wins.
 */
async function finishMove(
  current: TrackedSession,
  stored: Committed,
  { repository }: SessionScope,
  budget: Budget,
  draft: (latest: StoredSession | null) => Draft
): Promise<Committed> {
  let committed = stored
  for (;;) {
    const move = current.move!
    try {
      const theirs = await repository.close(move.id, move.known, committed.id, move.rev, budget)
      if (!theirs) {
        current.move = undefined
        return { ...committed, merged: move.known !== move.base }
      }
      // Kept before anything else is tried: another attempt, under another new id, has to carry it as well.
      current.move = { ...move, known: theirs }
      committed = await repository.commit(committed.id, committed.stored, draft, budget)
    } catch (error) {
      // Gone means a logout: then the new id has to go, too. After any other failure the old id may be closed already,
      // and taking the new one away would leave neither.
      if (isGone(error)) await repository.destroy(committed.id, budget, committed.stored)
      throw error
    }
  }
}

/**
 * Whose the session is that a commit is about to store, by the option `user`.
 *
 * @param text - the data as they will be stored: what others changed is in it, too
 * @throws SessionError `ERR_SESSION_OPTIONS`, `ERR_SESSION_DATA`
 */
function userOf(
  current: TrackedSession,
  { settings }: SessionScope,
  cookie: SessionCookie,
  text: string
): string | undefined {
  if (!settings.user) return undefined
  const look = new Session(onlooker, current, JSON.parse(text) as Data, cookie)
  const user: unknown = settings.user(look)
  if (isDevelopment) warnOfChange('user', look, text)
  if (user === undefined || user === null || user === '') return undefined
  if (typeof user === 'string') return checkUser(user, 'ERR_SESSION_DATA')
  if (user instanceof Promise) refusePromise(user, 'user')
  throw new SessionError(
    'ERR_SESSION_OPTIONS',
    "user must return a string, or undefined for nobody's session: make numbers a string"
  )
}

/** A session that is carried whole to another id stays its user's. */
function ownerBefore({ move }: TrackedSession): StoredSession | undefined {
  return move?.keys === undefined ? move?.known : undefined
}

/** Two names that are different here must not become one in a store that keeps UTF-8. */
export function checkUser(user: string, code: 'ERR_SESSION_DATA' | 'ERR_SESSION_OPTIONS'): string {
  if (!/\p{Surrogate}/u.test(user)) return user
  throw new SessionError(code, 'the name of a user holds half a surrogate pair, which is no text')
}
