import { randomFillSync } from 'node:crypto'
import { SessionError } from '../errors'
import { isHandle } from './handle'
import type { Data } from './merge'
import { META, RESERVED } from './reserved'

/** How many revisions a text remembers. A lost answer is recognised for as many commits of others. */
const REVISIONS = 8

/** What a store keeps for one session, read from its text. */
export interface SessionRecord {
  readonly data: Data
  /** The cookie settings in which this session differs from the configuration, as they stand in the text. */
  readonly cookie: unknown
  /** Undefined in a text that another library wrote. */
  readonly handle: string | undefined
  /** When a cookie with an age was last sent, in milliseconds since 1970. */
  readonly sent: number | undefined
  /** Revisions of the last commits, newest first. */
  readonly revs: readonly string[]
  /** Whose session it is; undefined: nobody's. */
  readonly user?: string | undefined
  /** The session moved to another id; this text only keeps late writers away until it expires. */
  readonly moved: boolean
}

/** Bounds on what is stored and on what is read back. */
export interface Limits {
  /** Bytes of the text, in UTF-8. */
  readonly maxBytes: number
  /** Objects and arrays within each other. */
  readonly maxDepth: number
  /** Names that are not the application's, and left out where they are read. Default: those of {@link RESERVED}. */
  readonly reserved?: ReadonlySet<string>
}

/** What is kept under an id is not a session. The message says why, without quoting it. */
export class CorruptRecord extends Error {
  override readonly name = 'CorruptRecord'
}

/** @throws CorruptRecord */
export function decodeRecord(text: string, limits: Limits): SessionRecord {
  if (tooLarge(text, limits)) throw new CorruptRecord('larger than maxBytes')
  const record = parseObject(text)
  const { maxDepth } = limits
  if (maxDepth > DEEP ? tooDeep(text, limits) : isDeeper(record, maxDepth))
    throw new CorruptRecord('nested deeper than maxDepth')
  const { [META]: meta, cookie, ...rest } = record
  const data = withoutReserved(rest, limits.reserved)
  if (meta === undefined) return { data, cookie, handle: undefined, sent: undefined, revs: [], moved: false }
  if (!isMeta(meta)) throw new CorruptRecord('written in a form that this version does not know')
  const { handle, sent, revs, user } = meta
  return { data, cookie, handle, sent, revs, user, moved: meta.moved === true }
}

/** The data alone, a fresh copy, of a text that `decodeRecord` took. */
export function parseData(text: string, reserved?: ReadonlySet<string>): Data {
  const { cookie: _cookie, [META]: _meta, ...rest } = parseObject(text)
  return withoutReserved(rest, reserved)
}

/**
 * The data as JSON text, which is also what decides whether a session changed.
 *
 * @throws SessionError `ERR_SESSION_DATA` for what JSON cannot hold: a BigInt, a cycle
 */
export function encodeData(data: Data): string {
  let text: string | undefined
  try {
    text = JSON.stringify(data)
  } catch (cause) {
    throw new SessionError(
      'ERR_SESSION_DATA',
      'the session holds something that JSON cannot (a BigInt, a cycle, or far too deep): store plain values',
      { cause }
    )
  }
  // A `toJSON` among the application's keys can turn the whole into anything.
  if (!text?.startsWith('{')) {
    throw new SessionError(
      'ERR_SESSION_DATA',
      'the session does not serialise to an object: is there a key toJSON?'
    )
  }
  return text
}

/** The parts of a record that stand beside the data. */
export type Frame = Pick<SessionRecord, 'cookie' | 'handle' | 'sent' | 'revs' | 'user'> & {
  readonly moved?: boolean
}

/** The text of a record, from its data as `encodeData` gave it. `@` comes last, so that people see the data first. */
export function encodeRecord(dataText: string, { cookie, handle, sent, revs, user, moved }: Frame): string {
  const own = JSON.stringify({
    cookie,
    [META]: { v: 1, handle, revs, user, sent, moved: moved ? true : undefined } satisfies Partial<Meta>
  })
  return dataText === '{}' ? own : `${dataText.slice(0, -1)},${own.slice(1)}`
}

/** @throws SessionError `ERR_SESSION_DATA` where the text is beyond the limits */
export function checkLimits(text: string, limits: Limits): void {
  const broken = tooLarge(text, limits)
    ? `is larger than ${limits.maxBytes} bytes: keep less in it, or raise maxBytes`
    : tooDeep(text, limits)
      ? `is nested deeper than ${limits.maxDepth} levels: keep flatter data in it, or raise maxDepth`
      : undefined
  if (broken) throw new SessionError('ERR_SESSION_DATA', `the session ${broken}`)
}

const POOL = Buffer.alloc(6 * 1024)
let drawn = POOL.length

/** 48 random bits, so that no two commits of a session ever have the same text. Not a secret: they come out of a pool. */
export function createRevision(): string {
  if (drawn === POOL.length) {
    randomFillSync(POOL)
    drawn = 0
  }
  return POOL.toString('base64url', drawn, (drawn += 6))
}

/** The revisions of the next commit: a fresh one before those that the stored text carries. */
export function nextRevisions(fresh: string, before: readonly string[] = []): string[] {
  return [fresh, ...before.slice(0, REVISIONS - 1)]
}

interface Meta {
  v: 1
  handle: string | undefined
  revs: readonly string[]
  user?: string | undefined
  sent?: number | undefined
  moved?: true | undefined
}

/** What stands under the reserved name, where it is Holdfast's. */
export function decodeMeta(meta: unknown): Partial<SessionRecord> | undefined {
  return isMeta(meta) ? meta : undefined
}

function isMeta(meta: unknown): meta is Meta {
  if (typeof meta !== 'object' || meta === null) return false
  const { v, handle, revs, sent, user } = meta as Record<string, unknown>
  return (
    v === 1 &&
    isHandle(handle) &&
    Array.isArray(revs) &&
    revs.every((rev) => typeof rev === 'string') &&
    (sent === undefined || typeof sent === 'number') &&
    (user === undefined || typeof user === 'string')
  )
}

function parseObject(text: string): Data {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new CorruptRecord('not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CorruptRecord('not an object')
  return value as Data
}

/** Another library may have stored names that are a session's own here. */
function withoutReserved(data: Data, reserved = RESERVED): Data {
  for (const name in data) if (reserved.has(name)) delete data[name]
  return data
}

function tooLarge(text: string, { maxBytes }: Limits): boolean {
  // A UTF-16 unit takes at most three bytes, so most texts need no counting.
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `[` and `{`, `]` and `}` differ in one bit. */
const OPENING = 0x7b
const CLOSING = 0x7d

/** Levels up to which the stack is certainly enough for `isDeeper`. */
const DEEP = 1000

/** Whether objects and arrays lie deeper in each other; it goes no deeper than that itself. */
function isDeeper(value: unknown, maxDepth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (maxDepth < 1) return true
  if (Array.isArray(value)) return value.some((inner) => isDeeper(inner, maxDepth - 1))
  for (const key in value) if (isDeeper((value as Data)[key], maxDepth - 1)) return true
  return false
}

/** As `isDeeper`, for a text that is not parsed: what `toJSON` made of a value is only there. */
function tooDeep(text: string, { maxDepth }: Limits): boolean {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) {
      for (i++; i < text.length; i++) {
        const quoted = text.charCodeAt(i)
        if (quoted === QUOTE) break
        if (quoted === BACKSLASH) i++
      }
    } else if ((code | 0x20) === OPENING) {
      if (++depth > maxDepth) return true
    } else if ((code | 0x20) === CLOSING) depth--
  }
  return false
}
