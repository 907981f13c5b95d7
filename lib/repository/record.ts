import { randomFillSync } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { SessionError } from '../errors'
import type { Data } from './merge'
import type { StoredSession } from './stored-session'

/** The reserved name under which a text keeps what is Holdfast's own; never merged, never shown to handlers. */
export const META = '@'

/** The members of a session beside its data and `cookie`. */
export const MEMBERS = [
  'id',
  'handle',
  'isNew',
  'load',
  'update',
  'save',
  'reload',
  'regenerate',
  'destroy',
  'touch',
  'toJSON'
] as const

/** Names that an application cannot have for its data. */
export const RESERVED: ReadonlySet<string> = new Set([...MEMBERS, META, '__proto__'])

/** How many revisions a text remembers. A lost answer is recognised for as many commits of others. */
const REVISIONS = 8

/** The parts of a record beside its data. */
export interface Frame {
  /** The cookie settings in which this session differs from the configuration, unchecked. */
  readonly cookie: unknown
  /** Undefined in a text that another library wrote. */
  readonly handle: string | undefined
  /** When a cookie with an age was last sent, in milliseconds since 1970. */
  readonly sent: number | undefined
  /** Revisions of the last commits, oldest first. */
  readonly revs: readonly string[]
  /** The session's user; undefined: nobody. */
  readonly user?: string | undefined
  /** When it became that user's, in microseconds by the store's clock. It stays the same over all ids of one login. */
  readonly since?: number | undefined
  /** The session has left this id: the text keeps late writers away until it expires, and leads to the successor. */
  readonly moved?: boolean | undefined
  /** The id under which the session lives on. */
  readonly to?: string | undefined
}

/** The record of one session, read from its text. */
export interface SessionRecord extends Frame {
  readonly data: Data
}

/** Bounds on what is stored and on what is read back. */
export interface Limits {
  /** Bytes of the text, in UTF-8. */
  readonly bytes: number
  /** Objects and arrays within each other. */
  readonly depth: number
  /** Names that are not the application's, and left out when they are read. Default: those of {@link RESERVED}. */
  readonly reserved?: ReadonlySet<string>
}

/** The text under an id is not a session. The message says why, without quoting it. */
export class CorruptRecord extends Error {
  override readonly name = 'CorruptRecord'
}

/** @throws CorruptRecord */
export function decodeRecord(text: string, limits: Limits): SessionRecord {
  if (tooLarge(text, limits)) throw new CorruptRecord('larger than limits.bytes')
  const record = parseObject(text)
  const { depth } = limits
  // Each level takes two characters at least.
  const isDeep = text.length >= 2 * depth && brackets(text) > depth
  if (isDeep && (depth > DEEP ? tooDeep(text, depth) : isDeeper(record, depth)))
    throw new CorruptRecord('nested deeper than limits.depth')
  const data = dataIn(record, limits.reserved)
  const { cookie, [META]: meta } = record
  if (meta === undefined) return { data, cookie, handle: undefined, sent: undefined, revs: [], moved: false }
  if (!isMeta(meta)) throw new CorruptRecord('written in a form that this version does not know')
  const { handle, sent, revs, user, since, to } = meta
  return { data, cookie, handle, sent, revs, user, since, moved: meta.moved === true, to }
}

/** The data alone, a fresh copy, of a text that `decodeRecord` took. */
export function parseData(text: string, reserved?: ReadonlySet<string>): Data {
  return dataIn(parseObject(text), reserved)
}

/** Whether a `toJSON` of the application may be running: what it asks of its session would ask it again. */
export const serializing = { now: false }

/**
 * The data as JSON text, which is also what decides whether a session changed.
 *
 * @throws SessionError `ERR_SESSION_DATA` for what JSON cannot hold: a BigInt, a cycle
 */
export function encodeData(data: Data): string {
  let text: string | undefined
  const outer = serializing.now
  try {
    serializing.now = true
    text = JSON.stringify(data)
  } catch (cause) {
    throw new SessionError(
      'ERR_SESSION_DATA',
      // The engine names the keys of a cycle.
      `the session holds something that JSON cannot (a BigInt, a cycle, or far too deep): store plain values. ${String(cause)}`,
      { cause }
    )
  } finally {
    serializing.now = outer
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

/**
 * The text of a record, from its data as `encodeData` gave it. `@` comes last, so that people see the data first, and
 * the newest revision last of all, so that the end of a text is enough to tell it from every other one.
 */
export function encodeRecord(dataText: string, frame: Frame): string {
  const { cookie, handle, sent, revs, user, since, moved, to } = frame
  let own = cookie === undefined ? '' : `"cookie":${JSON.stringify(cookie)},`
  own += `"${META}":{"v":1`
  if (handle !== undefined) own += `,"handle":"${handle}"`
  if (user !== undefined) own += `,"user":${JSON.stringify(user)}`
  if (since !== undefined) own += `,"since":${since}`
  if (sent !== undefined) own += `,"sent":${sent}`
  if (moved) own += ',"moved":true'
  if (to !== undefined) own += `,"to":${JSON.stringify(to)}`
  own += revs.length === 0 ? ',"revs":[]}}' : `,"revs":["${revs.join('","')}"]}}`
  return dataText === '{}' ? `{${own}` : `${dataText.slice(0, -1)},${own}`
}

/** Characters of a revision, and of the end of a text that has one: `"k3Jd0aQx"]}}`. */
const REVISION = 8
const END = REVISION + 5

/** A session, with the text that it was read from. */
export class StoredRecord implements StoredSession {
  readonly cookie: unknown
  readonly sent: number | undefined
  readonly user: string | undefined
  readonly since: number | undefined
  /** The end of what the store keeps, by which it is recognised. */
  readonly end: string
  #data: Data | undefined

  constructor(
    readonly text: string,
    readonly handle: string,
    readonly frame: Frame,
    data?: Data,
    private readonly reserved?: ReadonlySet<string>,
    /** The text that the store keeps for it. */
    readonly stored = text
  ) {
    this.cookie = frame.cookie
    this.sent = frame.sent
    this.user = frame.user
    this.since = frame.since
    this.end = frame.revs.at(-1)?.length === REVISION ? stored.slice(-END) : stored
    this.#data = data
  }

  data(): Data {
    const data = this.#data ?? parseData(this.text, this.reserved)
    this.#data = undefined
    return data
  }
}

/**
 * The session, without its data, of a text that this process cannot read: enough to end it. What is Holdfast's own comes
 * last in every form.
 *
 * @param isAUsers - the index says so, and nobody may believe that there is nothing to end
 * @throws CorruptRecord
 */
export function withoutData(stored: string | null, isAUsers: boolean): StoredRecord | undefined {
  const at = stored === null ? -1 : stored.lastIndexOf(`"${META}":{"v":1`)
  if (at >= 0) {
    const frame = decodeRecord(`{${stored!.slice(at)}`, { bytes: Infinity, depth: Infinity })
    return new StoredRecord(stored!, frame.handle!, frame, {})
  }
  if (stored !== null && isAUsers) throw new CorruptRecord('a session of the user that cannot be read here')
  return undefined
}

/** Whether a record's text begins with this data, as `encodeData` gives it, and has no other. */
export function hasData(text: string, dataText: string, frame: Frame): boolean {
  let end = text.lastIndexOf(`"${META}":{"v":1`)
  if (end < 0) return false
  if (frame.cookie !== undefined) end -= JSON.stringify(frame.cookie).length + '"cookie":,'.length
  if (dataText === '{}') return end === 1
  if (end !== dataText.length || text[end - 1] !== ',') return false
  // Not `startsWith`, which takes as long as making the text: V8 compares two texts many characters at a time.
  return text.slice(0, end - 1) === dataText.slice(0, -1)
}

/** @throws SessionError `ERR_SESSION_DATA` where the text is beyond the limits */
export function checkLimits(text: string, limits: Limits): void {
  const broken = tooLarge(text, limits)
    ? `is larger than ${limits.bytes} bytes: keep less in it, or raise limits.bytes`
    : text.length >= 2 * limits.depth && tooDeep(text, limits.depth)
      ? `is nested deeper than ${limits.depth} levels: keep flatter data in it, or raise limits.depth`
      : undefined
  if (broken) throw new SessionError('ERR_SESSION_DATA', `the session ${broken}`)
}

const HANDLE = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A new handle: a UUIDv7 (RFC 9562, 5.7), the public name of a session. */
export function createHandle(): string {
  // Without the time given, uuid never goes back behind the latest it saw, even if the clock was put right since.
  return uuidv7({ msecs: Date.now() })
}

/** When the session of this handle began, in milliseconds since 1970: the first 48 bits of the UUIDv7. */
export function beganAt(handle: string): number {
  return parseInt(handle.slice(0, 8) + handle.slice(9, 13), 16)
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

/** The revisions of the next commit: those that the stored text carries, and a fresh one. */
export function nextRevisions(fresh: string, before: readonly string[] = []): string[] {
  return [...before.slice(1 - REVISIONS), fresh]
}

interface Meta {
  v: 1
  handle: string | undefined
  revs: readonly string[]
  user?: string | undefined
  since?: number | undefined
  sent?: number | undefined
  moved?: true | undefined
  to?: string | undefined
}

/** The value under a record's reserved name, if it is Holdfast's. */
export function decodeMeta(meta: unknown): Partial<SessionRecord> | undefined {
  return isMeta(meta) ? meta : undefined
}

function isMeta(meta: unknown): meta is Meta {
  if (typeof meta !== 'object' || meta === null) return false
  const { v, handle, revs, sent, user, since, to } = meta as Record<string, unknown>
  if (!Array.isArray(revs)) return false
  for (const rev of revs) if (typeof rev !== 'string') return false
  return (
    v === 1 &&
    typeof handle === 'string' &&
    HANDLE.test(handle) &&
    (sent === undefined || typeof sent === 'number') &&
    (user === undefined || typeof user === 'string') &&
    (since === undefined || typeof since === 'number') &&
    (to === undefined || typeof to === 'string')
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

/** The application's part of a record. Another library may have stored names that are a session's own here. */
function dataIn(record: Data, reserved = RESERVED): Data {
  const data: Data = {}
  for (const key in record) {
    if (key === 'cookie' || key === META || reserved.has(key)) continue
    if (key === '__proto__') Object.defineProperty(data, key, { ...PLAIN, value: record[key] })
    else data[key] = record[key]
  }
  return data
}

const PLAIN = { configurable: true, enumerable: true, writable: true }

function tooLarge(text: string, { bytes }: Limits): boolean {
  // A UTF-16 unit takes at most three bytes, so most texts need no counting.
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `[` and `{`, `]` and `}` differ in one bit. */
const OPENING = 0x7b
const CLOSING = 0x7d

/** Levels up to which the stack is certainly enough for `isDeeper`. */
const DEEP = 1000

/** Whether objects and arrays lie deeper in each other; it goes no deeper than that itself. */
function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth < 1) return true
  if (Array.isArray(value)) {
    for (const inner of value) if (isDeeper(inner, depth - 1)) return true
    return false
  }
  for (const key in value) if (isDeeper((value as Data)[key], depth - 1)) return true
  return false
}

/** As `isDeeper`, for a text that is not parsed: what `toJSON` made of a value is only there. */
function tooDeep(text: string, most: number): boolean {
  if (brackets(text) <= most) return false
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
      if (++depth > most) return true
    } else if ((code | 0x20) === CLOSING) depth--
  }
  return false
}

/** How many opening brackets there are, within quotes, too: searching is many times faster than reading each character. */
function brackets(text: string): number {
  let count = 0
  for (const bracket of '{[')
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) count++
  return count
}
