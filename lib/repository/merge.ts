/** A session's data: plain JSON values under the names that the application chose. */
export type Data = Record<string, unknown>

/** Merges this request's data and the stored data into the data to store; `base` is the data that both started from. */
export type Merge = (base: Data, mine: Data, theirs: Data) => Data

/**
 * Three-way merge by top-level key: a key that I changed takes my value, a key that I deleted goes, every other
 * key is theirs. A nested object is one value, because what belongs together should not be mixed.
 * Key order: theirs first, then what I added.
 */
export function mergeData(base: Data, mine: Data, theirs: Data): Data {
  const merged: Data = {}
  for (const key of Object.keys(theirs)) {
    const winner = sameValue(base, mine, key) ? theirs : mine
    if (Object.hasOwn(winner, key)) merged[key] = winner[key]
  }
  for (const key of Object.keys(mine)) {
    if (!Object.hasOwn(theirs, key) && !sameValue(base, mine, key)) merged[key] = mine[key]
  }
  return merged
}

/** Whether two states hold the same JSON under `key`; a missing key equals only a missing key. */
export function sameValue(one: Data, other: Data, key: string): boolean {
  if (!Object.hasOwn(one, key) || !Object.hasOwn(other, key)) {
    return Object.hasOwn(one, key) === Object.hasOwn(other, key)
  }
  if (one[key] === other[key]) return true
  try {
    return JSON.stringify(one[key]) === JSON.stringify(other[key])
  } catch {
    // A value that JSON cannot hold equals nothing but itself; the commit refuses it.
    return false
  }
}

/** The keys under which two states differ. */
export function changedKeys(before: Data, after: Data): string[] {
  return Object.keys({ ...before, ...after }).filter((key) => !sameValue(before, after, key))
}

/** Of `data` the keys that are asked for; undefined: all. */
export function pick(data: Data, keys: readonly string[] | undefined): Data {
  if (!keys) return data
  return Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(data, key) ? [[key, data[key]]] : [])))
}
