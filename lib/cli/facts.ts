import { beganAt, CorruptRecord, decodeRecord, type SessionRecord } from '../repository/record'
import { UsageError } from './outcome'
import { printable, printDuration, printJson, printTime } from './print'

/** As deep as `JSON.stringify` can go by far. */
export const LIMITS = { bytes: Number.MAX_SAFE_INTEGER, depth: 1000 }

/** A session as the store keeps it; null for each part that is missing. */
export interface Facts {
  readonly handle: string | null
  readonly user: string | null
  readonly created: Date | null
  /** When its life in the store is over, if nobody uses it until then; null: never. */
  readonly expires: Date | null
  /** The cookie settings of its own. */
  readonly cookie: unknown
  readonly data: Record<string, unknown>
}

/**
 * Reads a stored text; null: the session lives on under another id.
 *
 * @param life - that is left of it, in milliseconds
 * @throws UsageError where the text is not a session as Holdfast writes it
 */
export function factsOf(text: string, life: number): Facts | null {
  const { data, cookie, handle, user, moved } = readRecord(text)
  if (moved) return null
  return {
    handle: handle ?? null,
    user: user ?? null,
    created: handle === undefined ? null : new Date(beganAt(handle)),
    expires: life === Infinity ? null : new Date(Date.now() + life),
    cookie: cookie ?? null,
    data
  }
}

/** @throws UsageError */
export function readRecord(text: string): SessionRecord {
  try {
    return decodeRecord(text, LIMITS)
  } catch (error) {
    if (!(error instanceof CorruptRecord)) throw error
    throw unreadable(error.message)
  }
}

export function unreadable(why: string): UsageError {
  return new UsageError(
    `what is stored is no session that can be read here (${why}): does the application use the option codec?`
  )
}

/** The facts for people, each with its name. */
export function rowsOf({ handle, user, created, expires, cookie }: Facts): [string, string][] {
  const rows: [string, string][] = [
    ['handle', handle ?? 'none, another library wrote it'],
    ['user', user === null ? 'nobody' : printable(user)]
  ]
  if (created !== null)
    rows.push(['created', `${printTime(created)} (${printDuration(-until(created))} ago)`])
  const end = expires && `${printTime(expires)} (in ${printDuration(until(expires))})`
  rows.push(['expires', end ?? 'never'])
  if (cookie !== null) rows.push(['settings', printJson(cookie)])
  return rows
}

function until(moment: Date): number {
  return moment.getTime() - Date.now()
}
