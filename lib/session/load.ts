import { AsyncLocalStorage } from 'node:async_hooks'
import { need, SessionError } from '../errors'
import { warnInDevelopment } from '../events'
import type { Budget } from '../repository/budget'
import type { Data } from '../repository/merge'
import { encodeData } from '../repository/record'
import type { StoredSession } from '../repository/repository'
import { isDevelopment } from '../repository/values'
import type { SessionRequest } from '../request'
import { misfit, type Misfit, type StandardSchema } from '../standard-schema'
import type { SessionScope, SessionSettings, VerifiedId } from './scope'
import { dataOf, nested, type Session } from './session'
import type { TrackedSession } from './tracked-session'

/** Which function was asked about which session of which request, until it has answered. */
interface Question {
  readonly req: SessionRequest
  readonly id: string
  valid: SessionSettings['valid']
}

const asked = new AsyncLocalStorage<Question>()

/** Asks the application whether a session counts. */
export async function isValid(session: Session, { settings, req }: SessionScope): Promise<boolean> {
  const outer = asked.getStore()
  // Opened once more by its headers, it would ask for ever.
  if (outer?.valid === settings.valid && outer?.id === session.id) throw nested()
  const question = { req, id: session.id, valid: settings.valid }
  const text = isDevelopment && encodeData(dataOf(session))
  try {
    const answer: unknown = await asked.run(question, () => settings.valid!(req, session))
    if (text) warnOfChange('valid', session, text)
    if (typeof answer === 'boolean') return answer
    need(!answer, 'valid must return true or false, or a promise of that: it gave something else')
    warnInDevelopment('HOLDFAST_OPTIONS', 'valid gave no answer, which counts as no: return true or false')
    return false
  } finally {
    // What the function has begun and left, a connection say, may call the session from now on.
    question.valid = undefined
  }
}

/**
 * Says that a function of the application has changed a session which it is only to look at.
 *
 * @param text - the data before
 */
export function warnOfChange(name: string, session: Session, text: string): void {
  if (encodeData(dataOf(session)) === text) return
  warnInDevelopment(
    'HOLDFAST_LOST',
    `the function ${name} changed the session that it gets to look at, and nothing stores that: change req.session in a handler`
  )
}

/** Whether the caller is `valid`, for which the request's session waits. */
export function isInsideValid({ settings, req }: SessionScope): boolean {
  const question = settings.valid && asked.getStore()
  return question?.req === req && question.valid === settings.valid
}

/** The session that the ids of a request led to. */
export interface Found {
  readonly verified: VerifiedId
  readonly known: StoredSession
}

/**
 * Looks up the session that several ids of a request name. Several that are all stored are `'ambiguous'`: a planted
 * cookie in front of the real one looks like this, and taking either could take the wrong one.
 */
export async function findAmong(
  ids: readonly VerifiedId[],
  scope: SessionScope,
  budget: Budget
): Promise<Found | 'ambiguous' | undefined> {
  const found: Found[] = []
  for (const verified of ids) {
    // None is renewed before it is clear which one counts.
    const known = await scope.repository.load(verified.id, budget)
    if (known) found.push({ verified, known })
  }
  if (found.length > 1) {
    // If the id holds the session, the browser may have kept an older one: under another path or domain, say.
    const isOne =
      scope.repository.stateless && found.every(({ known }) => known.handle === found[0]!.known.handle)
    if (!isOne) return 'ambiguous'
    found.sort((a, b) => (b.known.sent ?? 0) - (a.known.sent ?? 0))
  }
  return found[0]
}

/**
 * Checks what was stored against the application's schema, and writes what the schema makes of it over the data, which
 * others keep their own keys in. A key that is absent is no misfit: a new session has none. Nothing is transformed then.
 */
export async function fit(current: TrackedSession, schema: StandardSchema): Promise<Misfit | undefined> {
  const { session, text } = current
  const data = dataOf(session)
  const result = await schema['~standard'].validate(data)
  if (!result.issues) Object.assign(session, result.value)
  if (current.text !== text) current.fitted = current.text
  const found = misfit(result.issues, data)
  if (found) {
    const message = `a stored session does not fit the option schema${placeOf(found)}, and its visitor is anonymous`
    warnInDevelopment('HOLDFAST_DATA', message)
  }
  return found
}

/**
 * Refuses what a later request could not load. A schema has to accept what JSON makes of its own output, because that is
 * what is stored.
 *
 * @throws SessionError `ERR_SESSION_DATA`, with the place, and the schema's issues as the cause
 */
export async function checkFit(session: Session, schema: StandardSchema): Promise<void> {
  // As the next request finds them: a Date is a string by then.
  const data = JSON.parse(encodeData(dataOf(session))) as Data
  const { issues } = await schema['~standard'].validate(data)
  const found = misfit(issues, data)
  if (!found) return
  throw new SessionError(
    'ERR_SESSION_DATA',
    `the session does not fit the option schema${placeOf(found)}: a later request could not load it`,
    { cause: issues }
  )
}

/** An issue with a place may quote the value there, which can be a secret. */
const placeOf = ({ key, message }: Misfit) => (key ? ` at ${key}` : ` (${message})`)
