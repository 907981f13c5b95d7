import type { Data } from '../repository/merge'
import { encodeData } from '../repository/record'

/**
 * Whether values of a session that was replaced have changed since, but for those that the session in its place has as well:
 * these are stored with it.
 *
 * @param before - the JSON text of the values then
 */
export function hasLostChange(values: Data, before: string, kept: Data | undefined): boolean {
  const shared = new Set<unknown>()
  collect(kept, shared)
  const [then, now] = [before, JSON.stringify(values)].map((text) => JSON.parse(text) as Data) as [Data, Data]
  leaveOut(shared, values, then, now)
  return JSON.stringify(then) !== JSON.stringify(now)
}

/** The data key by key, to compare them where they cannot be stored as they are. */
export function partsOf(data: Data): unknown[] {
  return Object.entries(data).map(([key, value]) => {
    try {
      return [key, encodeData({ [key]: value })]
    } catch {
      return [key, value]
    }
  })
}

/** Collects an object and all objects in it. */
export function collect(value: unknown, found: Set<unknown>): void {
  if (!isObject(value) || found.has(value)) return
  found.add(value)
  for (const inner of Object.values(value)) collect(inner, found)
}

function leaveOut(shared: Set<unknown>, values: Data, then: Data, now: Data): void {
  for (const [key, value] of Object.entries(values)) {
    if (!isObject(value)) continue
    if (shared.has(value)) {
      delete then[key]
      delete now[key]
    } else if (isObject(then[key]) && isObject(now[key])) leaveOut(shared, value, then[key], now[key])
  }
}

function isObject(value: unknown): value is Data {
  return typeof value === 'object' && value !== null
}
