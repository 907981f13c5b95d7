import type { Data } from './merge'
import { parseData, type Frame } from './record'

/** A session as a repository read or wrote it. */
export interface Snapshot {
  readonly handle: string
  /** A copy of the data, the caller's own. */
  data(): Data
  /** The stored cookie settings, unchecked. */
  readonly cookie: unknown
  /** When a cookie with an age was last sent, in milliseconds since 1970. */
  readonly sent: number | undefined
  /** Whose it is. */
  readonly user?: string | undefined
}

/** A snapshot, with the text that it was read from. */
export class TextSnapshot implements Snapshot {
  readonly cookie: unknown
  readonly sent: number | undefined
  readonly user: string | undefined
  #data: Data | undefined

  constructor(
    readonly text: string,
    readonly handle: string,
    readonly frame: Frame,
    data?: Data,
    private readonly reserved?: ReadonlySet<string>,
    /** What the store keeps for it, which the next conditional write compares with. */
    readonly stored = text
  ) {
    this.cookie = frame.cookie
    this.sent = frame.sent
    this.user = frame.user
    this.#data = data
  }

  data(): Data {
    const data = this.#data ?? parseData(this.text, this.reserved)
    this.#data = undefined
    return data
  }
}
