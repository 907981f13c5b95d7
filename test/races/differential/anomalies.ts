import type { Data } from './actions'
import type { Visit } from './stage'

/**
 * What goes wrong, in the words of those to whom it happens. The last two are counted, and no fault of a library: an
 * application copies a login by hand while it ends, and a request is refused because of what came at the same time.
 */
export const KINDS = [
  'undone logout',
  'lost regenerate',
  'resurrected session',
  'lost acknowledged write',
  'wrong status',
  'hung request',
  'copy outlives logout',
  'honest refusal'
] as const

export type Kind = (typeof KINDS)[number]

/** The kinds that are a library's fault. */
export const FAULTS: ReadonlySet<Kind> = new Set(KINDS.slice(0, -2))

export interface Anomaly {
  readonly kind: Kind
  readonly what: string
}

interface Rules {
  /** More requests of one session than the time for the store allows: then a 503 is an honest answer. */
  crowded?: boolean
}

/**
 * Judges what became of the requests of one visitor, by what each of them was answered, and when. A request comes before
 * another one if its answer was there when the other one was sent; else they may take effect in either order.
 */
export function anomalies(visits: readonly Visit[], { crowded = false }: Rules = {}): Anomaly[] {
  const found = new Map<string, Anomaly>()
  // One thing that went wrong counts once, however often it is seen.
  const add = (kind: Kind, what: string): void => void found.set(`${kind}: ${what}`, { kind, what })

  for (const visit of visits) {
    judgeStatus(visit, visits, crowded, add)
    if (visit.status !== 200) continue
    const ends = visits.filter((other) => other.action.ends && other.cookie === visit.cookie)
    const before = ends.filter((end) => end.status === 200 && precedes(end, visit))
    if (visit.cookie === undefined) continue
    if (before.length > 0) judgeEnded(visit, before, add)
    else if (!ends.some(({ sent }) => sent < visit.answered)) judgeData(visit, visits, add)
    judgeCopies(visit, visits, add)
  }
  return [...found.values()]
}

type Add = (kind: Kind, what: string) => void

function judgeStatus(visit: Visit, visits: readonly Visit[], crowded: boolean, add: Add): void {
  const { status, name, cookie } = visit
  if (status === 200) return
  if (status === 'hung') return add('hung request', name)
  const isEnding = visits.some(
    (other) => other.action.ends && other.cookie === cookie && overlap(other, visit)
  )
  // express-session answers 500 where a session that is to be loaded again has ended.
  const isWaiting =
    crowded && visits.some((other) => other !== visit && other.cookie === cookie && overlap(other, visit))
  const isHonest = (isEnding && (status === 409 || status === 500)) || (isWaiting && status === 503)
  add(isHonest ? 'honest refusal' : 'wrong status', `${status} for ${name}`)
}

/** The session had ended when the request was sent: nothing may be there. */
function judgeEnded({ seen, cookie }: Visit, ends: readonly Visit[], add: Add): void {
  if (Object.keys(seen).length === 0) return
  const isLogout = ends.some(({ action }) => !action.writes)
  if (!('user' in seen)) add('resurrected session', cookie!)
  else add(isLogout ? 'undone logout' : 'lost regenerate', cookie!)
}

/** Nobody has ended the session: every acknowledged write is there, unless a later one replaced it. */
function judgeData(visit: Visit, visits: readonly Visit[], add: Add): void {
  const writes = visits.filter((other) => writesTo(other) === visit.cookie)
  const keys = new Set([
    ...Object.keys(visit.seen),
    ...writes.flatMap((write) => Object.keys(written(write)))
  ])
  for (const key of keys) {
    const ofKey = writes.filter((write) => key in written(write) && write.sent < visit.answered)
    const values = ofKey.filter((write) => !ofKey.some((later) => replaces(later, write, visit)))
    const mayBeAbsent = !ofKey.some((write) => write.status === 200 && precedes(write, visit))
    const isRight =
      values.some((write) => written(write)[key] === visit.seen[key]) ||
      (mayBeAbsent && visit.seen[key] === undefined)
    if (!isRight) add('lost acknowledged write', `${key} of ${visit.cookie}`)
  }
}

/** A login that an application copied to another id, beside the logout of the same login. */
function judgeCopies({ seen, cookie, sent }: Visit, visits: readonly Visit[], add: Add): void {
  const { user } = seen
  if (user === undefined) return
  const logout = visits.find(
    (other) =>
      other.action.ends &&
      !other.action.writes &&
      other.status === 200 &&
      other.answered < sent &&
      other.cookie !== cookie &&
      other.seen.user === user
  )
  if (logout) add('copy outlives logout', user as string)
}

/** The cookie of the session that a request writes to. */
function writesTo({ cookie, given, action, status }: Visit): string | undefined {
  if (given !== undefined) return given
  // What a new session was to have is nowhere, where none was announced.
  return action.ends && status !== 200 ? undefined : cookie
}

function written({ action, name, seen }: Visit): Data {
  return { ...(action.copies && seen), ...action.writes?.(name) }
}

/** Whether a request that comes later finds the value of `later` in the place of that of `earlier`. */
function replaces(later: Visit, earlier: Visit, seenBy: Visit): boolean {
  return later.status === 200 && precedes(earlier, later) && precedes(later, seenBy)
}

function precedes(one: Visit, other: Visit): boolean {
  return one.answered < other.sent
}

function overlap(one: Visit, other: Visit): boolean {
  return !precedes(one, other) && !precedes(other, one)
}
