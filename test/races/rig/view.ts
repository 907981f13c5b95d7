import { isDeepStrictEqual } from 'node:util'

export type Data = Readonly<Record<string, unknown>>

/** What a request knows and wants of its session. */
export interface View {
  readonly state: 'unread' | 'open' | 'destroyed'
  /** Where it is stored; before it is read, the id of the cookie. */
  readonly id: string | undefined
  /** What was stored when the request saw it last. */
  readonly base: Data
  /** The same with the handler's changes. */
  readonly mine: Data
  /** The id that the request came with. */
  readonly came: string | undefined
  /** Where what is kept of it stays stored until its commit. */
  readonly from: string | undefined
  /** The keys that are kept of what is stored there; undefined: all. */
  readonly keys: readonly string[] | undefined
  /** Ids that its commit ends. */
  readonly retired: readonly string[]
  /** Stored even without data. */
  readonly wanted: boolean
  /** When it may have been read first. */
  readonly looked: number
  /** Sessions that are past their lifetime were so then. */
  readonly late: boolean
}

export function unread(id: string | undefined, now: number, late: boolean): View {
  return {
    state: 'unread',
    id,
    base: {},
    mine: {},
    came: id,
    from: undefined,
    keys: undefined,
    retired: [],
    wanted: false,
    looked: now,
    late
  }
}

/** The view of a request whose session is stored like this. */
export function synced(view: View, id: string | undefined, data: Data): View {
  return {
    ...view,
    state: 'open',
    id,
    base: data,
    mine: data,
    from: undefined,
    keys: undefined,
    retired: [],
    wanted: false
  }
}

/** Whether there is something to commit. */
export function isDirty({ wanted, from, retired, base, mine }: View): boolean {
  return wanted || from !== undefined || retired.length > 0 || !isDeepStrictEqual(base, mine)
}

/** The ids under which it may be stored. */
export function idsOf({ id, from, retired }: View): string[] {
  return [id, from, ...retired].filter((one) => one !== undefined)
}

/** What has to be stored where `theirs` was: the keys that the request changed are its own, the others theirs. */
export function onto(theirs: Data, { base, mine, keys }: View): Data {
  const result: Record<string, unknown> = only(theirs, keys)
  for (const key of new Set([...Object.keys(base), ...Object.keys(mine)])) {
    if (isDeepStrictEqual(base[key], mine[key])) continue
    if (key in mine) result[key] = mine[key]
    else delete result[key]
  }
  return result
}

/** What `update` does in all schedules: it counts. */
export function bump<T extends Data>(data: T): T & { n: number } {
  return { ...data, n: ((data.n as number | undefined) ?? 0) + 1 }
}

/** The view after a step that only changes the session in memory. */
export function changed(view: View, key: string, value: unknown): View {
  if (value !== undefined) return { ...view, mine: { ...view.mine, [key]: value } }
  const { [key]: _gone, ...mine } = view.mine
  return { ...view, mine }
}

export function regenerated(view: View, keep: true | readonly string[] = []): View {
  const isCarried = keep === true || keep.length > 0
  const from = isCarried ? (view.from ?? view.id) : undefined
  const asked = keep === true ? undefined : keep
  const keys = view.keys && asked ? view.keys.filter((key) => asked.includes(key)) : (asked ?? view.keys)
  return {
    ...view,
    state: 'open',
    id: undefined,
    // Where nothing was stored, everything that is kept is new.
    base: from === undefined ? {} : only(view.base, keys),
    mine: isCarried ? only(view.mine, asked) : {},
    from,
    keys,
    retired: idsOf(view).filter((id) => id !== from),
    wanted: true
  }
}

function only(data: Data, keys: readonly string[] | undefined): Data {
  if (!keys) return { ...data }
  return Object.fromEntries(Object.entries(data).filter(([key]) => keys.includes(key)))
}
