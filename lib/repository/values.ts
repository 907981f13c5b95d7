import { types } from 'node:util'
import { refusePromise, SessionError } from '../errors'
import { warnInDevelopment } from '../events'
import type { Data, Merge } from './merge'
import { RESERVED, serializing } from './record'

/** A value of a session that comes back as something else. */
export interface Loss {
  /** Its place: `cart.items[2]`. */
  readonly path: string
  /** Its type: `Map`, for example. */
  readonly type: string
  /** JSON drops it or makes it empty. Otherwise it comes back as plain data: a Date as a string. */
  readonly isLost: boolean
}

/** To look for what JSON never sees costs more than all the rest: it is for those who write the application. */
export const isDevelopment = process.env.NODE_ENV !== 'production'

/** Says what `JSON.rawJSON` made, which comes back as another number, or not at all. Undefined in Node 20. */
const { isRawJSON } = JSON as { isRawJSON?: (value: unknown) => boolean }

/** Deeper values are left to the limit on depth: the stack has to be enough. */
const DEEPEST = 2000

interface Found {
  readonly type: string
  readonly isLost: boolean
  /** The way to it, from the inside out. */
  readonly keys: (string | number | symbol)[]
}

/** The first value that JSON would lose; if there is none, the first that it would change. */
export function findLoss(data: object): Loss | undefined {
  const found = search(data, 0)
  if (!found) return undefined
  const [first, ...rest] = found.keys.reverse()
  const path = rest.map((key) => (typeof key === 'string' ? `.${key}` : `[${String(key)}]`)).join('')
  return { path: `${String(first)}${path}`, type: found.type, isLost: found.isLost }
}

/**
 * Refuses what a session would lose without a word.
 *
 * @throws SessionError `ERR_SESSION_DATA`, with the key and the type in its message
 */
export function checkValues(data: object): void {
  for (const key of Object.keys(data)) if (RESERVED.has(key)) throw reserved(key)
  const loss = search(data, 0) && findLoss(data)
  if (!loss) return
  const { path, type, isLost } = loss
  if (!isLost) return warnOfChanges(data)
  throw new SessionError(
    'ERR_SESSION_DATA',
    `the session cannot keep ${path}, which is ${an(type)}: store plain values that JSON can hold`
  )
}

/**
 * Refuses what cannot be the data of a session: a promise that nobody awaited, a Map, a list.
 *
 * @throws SessionError `ERR_SESSION_DATA`
 */
export function checkData(name: string, value: unknown): asserts value is object {
  if (!isData(value)) {
    throw new SessionError('ERR_SESSION_DATA', `${name} takes the data of a session: a plain object`)
  }
  const { cookie } = value as { cookie?: unknown }
  if (cookie !== undefined && (typeof cookie !== 'object' || cookie === null)) throw reserved('cookie')
}

export function reserved(name: string): SessionError {
  return new SessionError(
    'ERR_SESSION_DATA',
    `the name ${JSON.stringify(name)} belongs to the session itself: keep your value under another one`
  )
}

/** An application's own rule of merging, with its result checked like what a handler assigns. */
export function checkedMerge(merge: Merge): Merge {
  return (base, mine, theirs) => {
    const merged: unknown = merge(base, mine, theirs)
    if (merged instanceof Promise) refusePromise(merged, 'merge')
    if (!isData(merged)) {
      throw new SessionError('ERR_SESSION_DATA', 'merge must return the merged data: a plain object')
    }
    checkValues(merged)
    if ('cookie' in merged) throw reserved('cookie')
    return merged as Data
  }
}

function isData(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isEmptied(value)) return false
  return isPlain(value) || Object.keys(value).length > 0
}

/** The objects around the one that is searched. */
const around: object[] = []

/** @param isMade - a `toJSON` has made it: JSON does not ask it for its own */
function search(value: unknown, depth: number, key: string | number = '', isMade = false): Found | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : lost(String(value))
  if (typeof value === 'symbol') return lost('symbol')
  if (typeof value === 'function') return key === 'toJSON' ? undefined : lost('function')
  // Applications give it a toJSON, which JSON then calls.
  if (typeof value === 'bigint')
    return 'toJSON' in BigInt.prototype ? searchMade(value, depth, key) : lost('BigInt')
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return undefined
  // To go on would take for ever, also up to a certain depth: each object may lead to several of those around it.
  if (!isMade && around.includes(value)) return lost('cycle')
  around.push(value)
  try {
    const isAsked = depth > 0 && !isMade && typeof (value as { toJSON?: unknown }).toJSON === 'function'
    if (isAsked) return searchMade(value, depth, key)
    return Array.isArray(value) ? searchArray(value, depth) : searchObject(value, depth)
  } finally {
    around.pop()
  }
}

function searchArray(array: readonly unknown[], depth: number): Found | undefined {
  if (isDevelopment && Object.keys(array).length > array.length) return lost('list with properties')
  let changed = isDevelopment ? underSymbol(array) : undefined
  if (changed) return changed
  for (let index = 0; index < array.length; index++) {
    // JSON makes null of it, and of a hole; under a key of an object it is only left out.
    const found = array[index] === undefined ? lost('undefined') : search(array[index], depth + 1, index)
    if (!found) continue
    found.keys.push(index)
    if (found.isLost) return found
    changed ??= found
  }
  return changed
}

function searchObject(object: object, depth: number): Found | undefined {
  let changed: Found | undefined
  if (depth > 0 && !isPlain(object)) {
    if (isEmptied(object)) return lost(nameOf(object))
    changed = { type: nameOf(object), isLost: false, keys: [] }
    // URLSearchParams, Headers, ArrayBuffer and the like hide what they hold: JSON sees {}.
    if (Object.keys(object).length === 0) return lost(nameOf(object))
  } else if (isRawJSON?.(object)) return lost('raw JSON text')
  else if (isDevelopment) changed = underSymbol(object)
  if (changed?.isLost) return changed
  for (const key in object) {
    if (!Object.hasOwn(object, key) || (depth === 0 && key === 'cookie')) continue
    const found = search((object as Record<string, unknown>)[key], depth + 1, key)
    if (!found) continue
    found.keys.push(key)
    if (found.isLost) return found
    changed ??= found
  }
  return changed
}

/** An object that says by `toJSON` what is kept of it. */
function searchMade(object: object | bigint, depth: number, key: string | number): Found | undefined {
  const changed = isPlain(object) ? undefined : { type: nameOf(object), isLost: false, keys: [] }
  if (changed && isEmptied(object)) return lost(changed.type)
  if (types.isDate(object)) return Number.isNaN(object.getTime()) ? lost('invalid Date') : changed
  // A Buffer makes a list of all its bytes.
  if (ArrayBuffer.isView(object)) return changed
  const outer = serializing.now
  try {
    serializing.now = true
    const made = (object as { toJSON(key: string): unknown }).toJSON(String(key))
    if (made === undefined) return lost('object whose toJSON makes nothing of it')
    const found = search(made, depth, key, true)
    return found?.isLost ? found : (changed ?? found)
  } catch {
    // JSON meets the same error, and says it.
    return changed
  } finally {
    serializing.now = outer
  }
}

export function isPlain(value: object | bigint): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function lost(type: string): Found {
  return { type, isLost: true, keys: [] }
}

function underSymbol(object: object): Found | undefined {
  const [key] = Object.getOwnPropertySymbols(object)
  return key && { type: 'value under a symbol', isLost: true, keys: [key] }
}

function isEmptied(value: object | bigint): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isRegExp(value) ||
    types.isNativeError(value) ||
    value instanceof Error ||
    typeof (value as { then?: unknown }).then === 'function'
  )
}

function nameOf(value: object | bigint): string {
  const { constructor, then } = value as { constructor?: unknown; then?: unknown }
  if (typeof then === 'function') return 'Promise'
  return typeof constructor === 'function' && constructor.name ? constructor.name : 'object of a class'
}

function an(type: string): string {
  if (/^NaN$|^undefined$|Infinity$/.test(type)) return type
  return `${/^([AEIO]|un)/i.test(type) ? 'an' : 'a'} ${type}`
}

/** Each key has a warning of its own: the first one would hide the others until it is mended. */
function warnOfChanges(data: object): void {
  for (const [key, value] of Object.entries(data as Record<string, unknown>)) {
    const loss = findLoss({ [key]: value })
    if (loss) warnOnce(loss.path, loss.type)
  }
}

/** Says what will come back, where developers see it. */
function warnOnce(path: string, type: string): void {
  warnInDevelopment(
    'HOLDFAST_DATA',
    `the session keeps ${path}, which is ${an(type)}, as JSON: it comes back as ${type === 'Date' ? 'a string' : 'plain data'}`
  )
}
