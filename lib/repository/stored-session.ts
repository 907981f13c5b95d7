import type { Data } from './merge'

/** A session as a repository read or wrote it. */
export interface StoredSession {
  readonly handle: string
  /** A copy of the data, the caller's own. */
  data(): Data
  /** The stored cookie settings, unchecked. */
  readonly cookie: unknown
  /** When a cookie with an age was last sent, in milliseconds since 1970. */
  readonly sent: number | undefined
  /** Its user. */
  readonly user?: string | undefined
  /** When it became that user's, in microseconds by the store's clock. */
  readonly since?: number | undefined
}
