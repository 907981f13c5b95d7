import { beganAt } from '../../../lib/repository/record'
import type { Data } from './view'

/** What the store kept under an id, from one moment on. */
export interface State {
  readonly since: number
  /** Undefined: nothing, or only the mark of a session that moved. */
  readonly data: Data | undefined
  readonly moved: boolean
  readonly handle: string | undefined
}

/** Everything that the store ever kept under one id. */
export class History {
  readonly states: State[] = [{ since: 0, data: undefined, moved: false, handle: undefined }]
  text: string | null = null
  /** A response sent it to the browser. */
  announced = false

  constructor(readonly id: string) {}

  get now(): State {
    return this.states.at(-1) as State
  }

  get isLive(): boolean {
    return this.now.data !== undefined
  }

  get existed(): boolean {
    return this.states.some(({ data }) => data !== undefined)
  }

  /** What was kept last that was a session. */
  get lastData(): Data | undefined {
    return this.states.findLast(({ data }) => data !== undefined)?.data
  }

  /** Everything that was kept at some time from `moment` until now. */
  from(moment: number): State[] {
    const first = this.states.findLastIndex(({ since }) => since <= moment)
    return this.states.slice(first)
  }

  add(text: string | null, since: number): State {
    this.text = text
    const state = { since, ...decode(text) }
    this.states.push(state)
    return state
  }

  /** Whether the session is past its lifetime. */
  isOver(lifetime: number): boolean {
    const { handle } = this.now
    return handle !== undefined && beganAt(handle) + lifetime <= Date.now()
  }
}

function decode(text: string | null): Omit<State, 'since'> {
  if (text === null) return { data: undefined, moved: false, handle: undefined }
  const { '@': meta, cookie: _cookie, ...data } = JSON.parse(text)
  if (meta?.moved) return { data: undefined, moved: true, handle: meta.handle }
  return { data, moved: false, handle: meta?.handle }
}
