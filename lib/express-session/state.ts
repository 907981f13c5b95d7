import { changedKeys, type Data } from '../repository/merge'
import { encodeData } from '../repository/record'
import { partsOf } from '../session/lost-change'
import { choiceOf } from './cookie'
import { plainData, type Session } from './session'

/** The part of a session that decides whether it has to be stored, without anything that changes by itself. */
export interface State {
  readonly id: string
  /** The data, as JSON. */
  readonly text: string
  /** The settings of the cookie. */
  readonly choice: string
}

/** @throws SessionError `ERR_SESSION_DATA` for what JSON cannot hold */
export function stateOf(session: Session): State {
  return { id: session.id, text: encodeData(plainData(session)), choice: choiceOf(session.cookie) }
}

/** Undefined for a session that holds what cannot be stored. */
export function attemptState(session: Session): State | undefined {
  try {
    return stateOf(session)
  } catch {
    return undefined
  }
}

/** As `stateOf`, to compare also what cannot be stored; undefined for no session. */
export function looksOf(session: unknown): unknown {
  if (typeof session !== 'object' || session === null) return session
  const { id, cookie } = session as Partial<Session>
  return [id, partsOf(plainData(session)), cookie ? choiceOf(cookie) : undefined]
}

/** Brings to `to` what was changed in `from` since it was in this state. */
export function carryChanges(state: State, from: Session, to: Session): void {
  const now = stateOf(from)
  const [then, stored] = [state.text, now.text].map((text) => JSON.parse(text) as Data) as [Data, Data]
  const given = plainData(from)
  const next = to as unknown as Data
  for (const key of changedKeys(then, stored)) {
    if (Object.hasOwn(stored, key)) next[key] = given[key]
    else delete next[key]
  }
  if (now.choice !== state.choice) to.cookie = from.cookie
}

export function isSame(state: State, other: State | undefined): boolean {
  return state.id === other?.id && state.text === other.text && state.choice === other.choice
}
