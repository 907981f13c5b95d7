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

export function isSame(state: State, other: State | undefined): boolean {
  return state.id === other?.id && state.text === other.text && state.choice === other.choice
}
