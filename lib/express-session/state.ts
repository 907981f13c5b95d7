import { isDeepStrictEqual } from 'node:util'
import { encodeData } from '../repository/record'
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

/** Brings to `to` what was changed in `from` since it was in this state. */
export function carryChanges(state: State, from: Session, to: Session): void {
  const before = JSON.parse(state.text) as Record<string, unknown>
  const now = plainData(from)
  const next = to as unknown as Record<string, unknown>
  for (const key of Object.keys({ ...before, ...now })) {
    if (isDeepStrictEqual(before[key], plain(now[key]))) continue
    if (Object.hasOwn(now, key)) next[key] = now[key]
    else delete next[key]
  }
  if (choiceOf(from.cookie) !== state.choice) to.cookie = from.cookie
}

function plain(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined
  return text && JSON.parse(text)
}

export function isSame(state: State, other: State | undefined): boolean {
  return state.id === other?.id && state.text === other.text && state.choice === other.choice
}
