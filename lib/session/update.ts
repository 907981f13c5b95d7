import { AsyncLocalStorage } from 'node:async_hooks'
import { isDeepStrictEqual } from 'node:util'
import { hasSettings, restoreCookie, storedCookie } from '../cookie/session-cookie'
import { SessionError } from '../errors'
import { warnInDevelopment } from '../events'
import { Budget } from '../repository/budget'
import { sameValue, type Data } from '../repository/merge'
import { encodeData } from '../repository/record'
import { gone, type Draft, type StoredSession } from '../repository/repository'
import { checkValues, isDevelopment, isPlain } from '../repository/values'
import { abandonId, callBeforeSave, checkReturned, commitSession, mergedText, toDraft } from './commit'
import { checkSending, checkSessionCookie, headersSent, isCookieDue } from './cookie-policy'
import { checkFit } from './load'
import { collect } from './lost-change'
import type { SessionScope } from './scope'
import { dataOf, Session, watchWrites, type SessionOwner } from './session'
import type { Mark, TrackedSession } from './tracked-session'

/** The owners of the sessions that wait for the function in which the code runs. */
const waiting = new AsyncLocalStorage<Set<SessionOwner>>()

/** Whether the caller is a function given to `update` of this owner's session: a call would wait for its own caller. */
export function isInsideUpdate(owner: SessionOwner): boolean {
  return waiting.getStore()?.has(owner) === true
}

/** What is told of the function that `update` runs. */
interface Caller {
  /** Is given the promise of an asynchronous function, and undefined when it has ended. */
  readonly running: (ended: Promise<unknown> | undefined) => void
  /** Is given what says whether the state that the function got is still as it was stored. */
  readonly left: (isUnchanged: () => boolean) => void
  /**
   * Called when that state is written to after the function has ended. To throw there could end the process: the caller may
   * be a promise that the function did not wait for.
   */
  readonly late: (error: SessionError) => void
}

/**
 * Runs `fn` on the newest stored state with the unsaved changes in it, and stores the result.
 *
 * @param marked - the session's state when the call was made: what was changed since is later than what `fn` changes
 */
export async function updateSession<T>(
  current: TrackedSession,
  scope: SessionScope,
  owner: SessionOwner,
  fn: (draft: Session) => T | Promise<T>,
  { running, left, late }: Caller,
  marked: Mark | undefined
): Promise<T> {
  // A staged id is committed by itself: its commit takes several steps, for which fn must not be repeated.
  if (current.move || current.retired.length > 0) await commitSession(current, scope)
  checkSending(current, scope)
  const { repository, defaults, settings } = scope
  const { schema, timeout } = settings
  checkValues(current.session)
  const began = marked?.text ?? current.text
  let isAnnounced = isCookieDue(current, scope)
  let result!: T
  // Else a lazy session was read for this call, or its state is in the cookie.
  const isFresh = marked === undefined || repository.stateless
  let changes = false
  let cookieBegan: string | undefined
  const run = async (latest: StoredSession | null) => {
    const before = mergedText(current, began, latest, scope)
    const data = JSON.parse(before) as Data
    cookieBegan = current.cookieState
    const cookie = current.cookieChanged ? current.session.cookie : restoreCookie(latest?.cookie, defaults)
    const state = new Session(owner, current, data, restoreCookie(storedCookie(cookie, defaults), defaults))
    const owners = new Set(waiting.getStore()).add(owner)
    const around = isDevelopment && current.state?.text
    try {
      const returned = waiting.run(owners, fn, state)
      if (isDevelopment && around !== current.state?.text) warnOfAround()
      if (returned instanceof Promise) running(returned)
      result = await returned
    } finally {
      running(undefined)
      // What fn has begun and left may call the session from now on.
      owners.delete(owner)
    }
    callBeforeSave(state, scope)
    checkSessionCookie(state.cookie, scope)
    checkReturned(result, state, 'the function given to update', 'update((s) => { s.count = 1 })')
    checkValues(state)
    if (schema) await checkFit(state, schema)
    const text = encodeData(dataOf(state))
    if (text === before) warnOfReturned(result, state)
    const isCookieChanged = !hasSettings(state.cookie, restoreCookie(latest?.cookie, defaults), defaults)
    if (isCookieChanged && !scope.canSendCookie()) throw headersSent()
    isAnnounced ||= isCookieChanged
    changes = repository.changed(latest, text) || current.isWanted || isCookieChanged
    const drafted = changes ? toDraft(current, scope, state, latest, text, isAnnounced) : undefined
    watchWrites(state, () => late(tooLate()))
    left(() => encodeData(dataOf(state)) === text)
    return drafted
  }
  const budget = new Budget(timeout)
  /** What fn makes of this state, if the commits that share the write could not wait for it any longer. */
  let slow: { of: StoredSession | null; drafted: Promise<Draft | undefined>; error: unknown } | undefined
  const draft = async (latest: StoredSession | null, patience = { ms: timeout / 2 }) => {
    const last = slow
    slow = undefined
    const isStill = last?.of && latest ? isSame(last.of, latest, repository) : last?.of === latest
    if (last && isStill) return last.drafted
    if (last) budget.contested()
    const drafted = run(latest)
    await new Budget(patience.ms).wait(drafted.then(ignore, ignore), 1).catch((error: unknown) => {
      patience.ms /= 4
      slow = { of: latest, drafted, error }
      throw error
    })
    return drafted
  }
  try {
    for (let { known } = current; ;) {
      const committed = await repository
        .commit(current.id, known, draft, budget)
        .catch((error: unknown) =>
          slow && slow.error === error ? slow.drafted.then(ignore) : Promise.reject(error)
        )
      if (!committed) continue
      const { stored } = committed
      if (!stored) return result
      if (!changes && !isFresh) {
        // No write has shown that the state which fn saw is the newest one.
        const latest = await repository.load(current.id, budget)
        if (!latest) throw gone()
        if (!isSame(stored, latest, repository)) {
          budget.contested()
          known = latest
          continue
        }
      }
      const cookieTouched = current.cookieState !== cookieBegan
      current.committed({ ...committed, merged: true }, began, isAnnounced && changes, cookieTouched)
      return result
    }
  } catch (error) {
    abandonId(current, scope, error)
    throw error
  }
}

export const ignore = (): void => undefined

function isSame(one: StoredSession, other: StoredSession, repository: SessionScope['repository']): boolean {
  return !repository.changed(one, encodeData(other.data())) && isDeepStrictEqual(one.cookie, other.cookie)
}

/** What a function of React's `setState` returns becomes the state; here it would be lost behind a success. */
function warnOfReturned(result: unknown, state: Session): void {
  if (typeof result !== 'object' || result === null || !(Array.isArray(result) || isPlain(result))) return
  const data = dataOf(state)
  const parts = new Set<unknown>()
  collect(data, parts)
  const key = Object.keys(result).find((key) => !sameValue(result as Data, data, key))
  if (key === undefined || parts.has(result)) return
  const what = Array.isArray(result) ? 'a list' : `an object with the key ${JSON.stringify(key)}`
  warnInDevelopment(
    'HOLDFAST_LOST',
    `a function given to update changed nothing, and returned ${what}. Nothing of what it returns is stored: if that was ` +
      'meant, change the state itself, (s) => { s.count = 1 }'
  )
}

/** Exact on one process, whose commits wait for each other, and lossy on two. */
function warnOfAround(): void {
  warnInDevelopment(
    'HOLDFAST_LOST',
    'a function given to update changed the session around it. Others may have changed that meanwhile: change the state that the ' +
      'function gets, update((s) => { s.count = 1 })'
  )
}

function tooLate(): SessionError {
  return new SessionError(
    'ERR_SESSION_GONE',
    'the state that update gave to its function was changed after the function had ended: await there all that it begins, or call update again'
  )
}
