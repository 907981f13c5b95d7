import { isDeepStrictEqual } from 'node:util'
import type { Observation } from './backends'
import { History, type State } from './history'
import { bump, type Data, idsOf, isDirty, onto, regenerated, synced, type View } from './view'

/** Something that a request asked of its session, from the call to its outcome. */
export interface Operation {
  readonly actor: string
  readonly kind: string
  readonly view: View
  /** When it was called. */
  readonly began: number
  /** Sessions that are past their lifetime were so then. */
  readonly late: boolean
  /** Under which ids it stored something, and what. */
  readonly stored: Map<string, State>
  counted: number
  /** When its caller was told how it ended. */
  settled: number | undefined
}

/** What a request's session looks like to its handler; without an id it is new. */
export interface Actual {
  readonly id: string | undefined
  readonly data: Data
}

/**
 * What has to be true of one session, whatever the order of events: the reference that the real code is held
 * against. It sees each change in the store as it happens, and what each request is told; the rules are:
 *
 * - a write changes exactly the keys that its request changed, on top of what is there (no lost update, exact counts);
 * - an id that ended stays ended, and ends only by a request that wanted it, or by its own end of life;
 * - what was carried to other ids ends with what it was carried from, and no browser is given it afterwards;
 * - what a request is told was done, is done; what it is told failed for good, is not;
 * - everything kept has a life.
 */
export class Model {
  readonly problems: string[] = []
  now = 0
  /** All sessions that began until then are past their lifetime. */
  outlived = false
  readonly #histories = new Map<string, History>()
  readonly #created = new Map<string, string>()
  readonly #ends = new Map<string, Set<string>>()
  /** For each id that holds something of another one: of which. */
  readonly #sources = new Map<string, string>()
  /** The same, and what has expired since. */
  readonly #carried = new Map<string, string>()
  /** Ids whose end a request was told of, or came by itself. */
  readonly #over = new Set<string>()

  /**
   * @param troubled - whether store commands may fail in this schedule
   * @param foreign - whether another library wrote the first session
   * @param lifetime - milliseconds
   */
  constructor(
    private readonly troubled: boolean,
    private readonly foreign: boolean,
    private readonly lifetime: number
  ) {}

  history(id: string): History {
    let history = this.#histories.get(id)
    if (!history) this.#histories.set(id, (history = new History(id)))
    return history
  }

  /** The session that is there before anybody comes, and whose cookie the browser has. */
  seed(id: string, text: string): void {
    this.history(id).add(text, 0)
    this.history(id).announced = true
  }

  /** A request makes up an id. */
  creates(actor: string, id: string): void {
    this.#created.set(id, actor)
  }

  begin(actor: string, kind: string, view: View): Operation {
    if (kind === 'destroy' || kind === 'regenerate') this.#endedBy(actor, endedWith(view))
    return {
      actor,
      kind,
      view,
      began: this.now,
      late: this.outlived,
      stored: new Map(),
      counted: 0,
      settled: undefined
    }
  }

  /** A command was applied; `all` are those who asked for it: nobody for what happens by itself. */
  observe(all: readonly Operation[], command: string, id: string, { text, life }: Observation): void {
    const history = this.history(id)
    if (text !== null && life !== undefined && !(life > 0)) this.#problem(`${id} is kept without a life`)
    if (text === history.text) return
    const before = history.now
    const { existed } = history
    const after = history.add(text, ++this.now)
    const [by] = all
    if (after.data) {
      if (all.length > 1) this.#writtenTogether(all, history, before, after)
      else this.#written(by, command, history, before, after, existed)
    } else if (after.moved) this.#moved(by, command, history, before)
    else if (before.data) {
      this.#ended(by, history)
      if (!by) this.#over.add(id)
    }
    // A mark that nobody came by for so long leads nowhere any more.
    else if (!by) this.#forget(id)
  }

  /** One write of what several requests changed, one on top of the other. */
  #writtenTogether(all: readonly Operation[], history: History, before: State, after: State): void {
    let data = before.data
    for (const by of all) {
      const isLate = by.settled !== undefined && before.since > by.settled
      if (!data || by.view.from !== undefined || by.view.id !== history.id || isLate) {
        return this.#problem(`${by.actor} ${by.kind} was written with others under ${history.id}`)
      }
      if (by.stored.has(history.id)) this.#problem(`${by.actor} ${by.kind} was applied twice`)
      data = onto(data, by.view)
      if (by.kind === 'update') data = bump(data)
      by.stored.set(history.id, { ...after, data })
      this.#checkHandle(by, history, before, after)
    }
    if (isDeepStrictEqual(data, after.data)) return
    this.#problem(
      `lost or mixed up: several stored ${JSON.stringify(after.data)} under ${history.id}; ` +
        `it should be ${JSON.stringify(data)}`
    )
  }

  #written(
    by: Operation | undefined,
    command: string,
    history: History,
    before: State,
    after: State,
    existed: boolean
  ): void {
    const { id } = history
    if (!by || command !== 'set') return this.#problem(`${command} changed what ${id} holds`)
    if (by.kind !== 'update' && !isDirty(by.view)) this.#problem(`${by.actor} changed nothing, and wrote`)
    if (!before.data) {
      by.counted = 0
      // Late writes may bring back an id that no browser was ever given.
      if (existed && (history.announced || !this.troubled)) this.#problem(`${id} came back`)
      if (this.#created.get(id) !== by.actor)
        this.#problem(`${by.actor} stored under an id that it did not make`)
    }
    // A write that nobody waits for any more is applied to what it was meant for, or not at all.
    if (before.data && by.settled !== undefined && before.since > by.settled) {
      this.#problem(`${by.actor} ${by.kind} was applied late, over what others stored since`)
    }
    const { from } = by.view
    if (!before.data && from !== undefined) {
      this.#sources.set(id, from)
      this.#carried.set(id, from)
    }
    // A session that another library wrote begins when this request names it.
    const isFromOver = !this.foreign && from !== undefined && this.history(from).isOver(this.lifetime)
    if (by.late && ((before.data && history.isOver(this.lifetime)) || isFromOver)) {
      this.#problem(`${by.actor} stored under ${id}, which is past its lifetime`)
    }
    this.#checkHandle(by, history, before, after)
    const counts = this.#allowed(by, history, before).find(({ data }) => isDeepStrictEqual(data, after.data))
    if (!counts) {
      const allowed = this.#allowed(by, history, before).map(({ data }) => JSON.stringify(data))
      this.#problem(
        `lost or mixed up: ${by.actor} ${by.kind} stored ${JSON.stringify(after.data)} under ${id} ` +
          `in the place of ${JSON.stringify(before.data)}; it should be ${allowed.join(' or ')}`
      )
    } else if (counts.counted && ++by.counted > 1) this.#problem(`${by.actor} counted twice`)
    const isRepeated = before.data && by.stored.has(id) && by.kind !== 'update' && by.view.from === undefined
    if (isRepeated) this.#problem(`${by.actor} ${by.kind} was applied twice`)
    by.stored.set(id, after)
  }

  /** What an operation may store under an id. */
  #allowed({ kind, view }: Operation, { id }: History, before: State): { data: Data; counted: boolean }[] {
    const plain = (data: Data) => ({ data, counted: false })
    const counted = (data: Data) => ({ data: bump(data), counted: true })
    const updates = kind === 'update'
    if (view.from !== undefined && view.from !== id) {
      const { states, isLive } = this.history(view.from)
      const moved = states.flatMap(({ data }) => (data ? [onto(data, view)] : [])).map(plain)
      return updates && !isLive && before.data ? [...moved, counted(before.data)] : moved
    }
    const merged = onto(before.data ?? {}, view)
    if (!updates) return [plain(merged)]
    // A staged id is stored first, then counted.
    return view.wanted && !before.data ? [plain(merged), counted(merged)] : [counted(merged)]
  }

  #checkHandle(by: Operation, { id }: History, before: State, { handle }: State): void {
    const isWhole = by.view.from !== undefined && by.view.keys === undefined
    const source = before.data ? before : this.history((isWhole && by.view.from) || '').now
    // A session that another library wrote has no handle before its first commit, and gets one from each request.
    const inherited = this.foreign && !before.data ? undefined : source.handle
    if (inherited !== undefined && handle !== inherited) this.#problem(`${id} changed its handle`)
    if (handle === undefined) this.#problem(`${id} has no handle`)
    if (before.data || isWhole) return
    for (const other of this.#histories.values()) {
      // Another attempt of one request at its new session takes another id.
      if (other.id === id || this.#created.get(other.id) === by.actor) continue
      const isShared = other.states.some((state) => state.handle === handle)
      if (isShared) this.#problem(`${id} has the handle of ${other.id}`)
    }
  }

  #moved(by: Operation | undefined, command: string, history: History, before: State): void {
    // An attempt whose answer came too late may have moved it to an id that no response sent: that one moves on.
    const isOwn = by && this.#created.get(history.id) === by.actor && !history.announced
    const isFrom = by?.view.from === history.id || (isOwn && by.view.from === this.#carried.get(history.id))
    if (command !== 'set' || !by || !isFrom || !before.data) {
      return this.#problem(`${command} closed ${history.id}`)
    }
    const expected = onto(before.data, by.view)
    const isThere = [...by.stored.keys()].some((id) => isDeepStrictEqual(this.history(id).now.data, expected))
    if (!isThere) {
      this.#problem(`${by.actor} moved ${history.id}, and ${JSON.stringify(expected)} is nowhere`)
    }
  }

  #ended(by: Operation | undefined, history: History): void {
    const { id } = history
    if (!by) return
    const isOwn = this.#created.get(id) === by.actor && !history.announced
    // Also over an id that has expired since: whoever wanted its end may have read before where it led to.
    const isWanted = [id, ...this.#sourcesOf(id, this.#carried)].some((one) =>
      this.#ends.get(by.actor)?.has(one)
    )
    if (!isOwn && !isWanted && !history.isOver(this.lifetime) && !this.outlived) {
      this.#problem(`${by.actor} ended ${id}`)
    }
    const replaces = by.settled === undefined && by.kind !== 'destroy' && by.view.retired.includes(id)
    if (replaces && ![...by.stored.keys()].some((one) => this.history(one).isLive)) {
      this.#problem(`${by.actor} ended ${id} before the new session was there`)
    }
  }

  /** The operation was reported to have succeeded. Answers with what the request knows now. */
  succeeded(by: Operation, actual: Actual, result?: unknown): View {
    by.settled = this.now
    const { view, kind } = by
    switch (kind) {
      case 'load':
        return this.#loaded(by, actual)
      case 'reload':
        this.#checkSeen(by, actual, this.history(view.id ?? '').from(by.began))
        return synced(view, actual.id, actual.data)
      case 'touch':
        if (view.id !== undefined) this.#checkWasThere(by, view.id)
        return view
      case 'destroy':
        this.#checkEnded(by, endedWith(view))
        for (const one of endedWith(view)) this.#over.add(one)
        return { ...view, state: 'destroyed' }
      default:
        return this.#committed(by, actual, result)
    }
  }

  #loaded(by: Operation, actual: Actual): View {
    const { view } = by
    if (view.id !== undefined && actual.id === view.id) {
      const history = this.history(view.id)
      this.#checkSeen(by, actual, history.from(view.looked))
      if (view.late && history.isOver(this.lifetime))
        this.#problem(`${by.actor} was given ${view.id} past its lifetime`)
    } else if (actual.id !== undefined || Object.keys(actual.data).length > 0) {
      this.#problem(`${by.actor} was given ${JSON.stringify(actual.data)}, which is not its session`)
    } else if (view.id !== undefined) {
      const wasLive = this.history(view.id)
        .from(view.looked)
        .every(({ data }) => data)
      if (wasLive && !this.outlived) this.#problem(`${by.actor} did not see ${view.id}, which was there`)
    }
    return synced(view, actual.id, actual.data)
  }

  #committed(by: Operation, actual: Actual, result: unknown): View {
    const { view } = by
    const isStored = by.kind === 'update' || isDirty(view)
    if (!isStored) {
      if (!isDeepStrictEqual(actual.data, view.mine)) this.#problem(`${by.actor} lost what it had`)
      return view
    }
    const stored = actual.id === undefined ? undefined : by.stored.get(actual.id)
    if (actual.id === undefined || !stored?.data) {
      this.#problem(`${by.actor} ${by.kind} was acknowledged, but nothing was stored`)
      return view
    }
    const history = this.history(actual.id)
    this.#checkSeen(by, actual, history.from(stored.since))
    this.#checkEnded(by, [...view.retired, ...(view.from === undefined ? [] : [view.from])])
    for (const one of view.retired) this.#over.add(one)
    if (view.from !== undefined) {
      const expected = onto(this.history(view.from).lastData ?? {}, view)
      const moved = by.kind === 'update' ? bump(expected) : expected
      if (!isDeepStrictEqual(stored.data, moved)) {
        this.#problem(
          `${by.actor} moved to ${JSON.stringify(stored.data)} instead of ${JSON.stringify(moved)}`
        )
      }
    }
    if (by.kind === 'update' && result !== stored.data.n)
      this.#problem(`${by.actor} was told ${String(result)}`)
    return synced(view, actual.id, actual.data)
  }

  /** The request's session got a new id, which is not stored yet. */
  regenerated(by: Operation, keep: true | readonly string[] | undefined, actual: Actual): View {
    by.settled = this.now
    const view = regenerated(by.view, keep)
    if (!isDeepStrictEqual(actual.data, view.mine)) {
      this.#problem(`${by.actor} regenerated, and has ${JSON.stringify(actual.data)}`)
    }
    return view
  }

  /** The operation was reported to have failed. Answers with what the request knows now. */
  failed(by: Operation, error: { code?: string; message?: string }, actual: Actual): View {
    by.settled = this.now
    const isUnknown = error.code === 'ERR_SESSION_STORE' || error.code === 'ERR_SESSION_TIMEOUT'
    if (error.code === 'ERR_SESSION_GONE') this.#checkGone(by)
    else if (!isUnknown || !this.troubled) {
      this.#problem(`${by.actor} ${by.kind} failed: ${error.code} ${error.message}`)
    }
    // A staged id is committed first, then `update` counts.
    if (by.kind !== 'update' || !by.view.wanted || actual.id === undefined) return by.view
    this.#checkSeen(by, actual, this.history(actual.id).from(by.began))
    return synced(by.view, actual.id, actual.data)
  }

  /** The function given to `update` threw: nothing of it is stored. */
  thrown(by: Operation, actual: Actual): View {
    by.settled = this.now
    if (by.counted > 0) this.#problem(`${by.actor} counted, and its function threw`)
    if (by.view.state === 'unread') return this.#loaded(by, actual)
    // A staged id is committed first.
    return by.stored.size > 0 ? this.#committed({ ...by, kind: 'save' }, actual, undefined) : by.view
  }

  #checkGone(by: Operation): void {
    const isGone = idsOf({ ...by.view, retired: [] }).some((id) => !this.history(id).isLive)
    const isNew = by.kind === 'reload' && by.view.id === undefined
    if (!isGone && !isNew && !this.outlived) {
      this.#problem(`${by.actor} was told that its session is gone: it is there`)
    }
    if (this.troubled || this.outlived) return
    for (const id of by.stored.keys()) {
      if (this.history(id).isLive) this.#problem(`${by.actor} was told nothing was written: ${id} is there`)
    }
  }

  /** The response to which `by` was the last commit told the browser. */
  announced(by: Operation, id: string, view: View): void {
    const history = this.history(id)
    if (!history.existed || view.id !== id) this.#problem(`${by.actor} sent the cookie of ${id}`)
    // A cookie that was sent before belongs to a session that was still there when the response began.
    if (history.announced && history.from(by.began).every(({ data }) => !data))
      this.#problem(`${by.actor} sent the cookie of ${id}, which was over`)
    history.announced = true
  }

  /** When everything has come to its end. */
  finish(): void {
    for (const { id, isLive, announced } of this.#histories.values()) {
      const source = this.#sourcesOf(id).find((one) => this.#over.has(one))
      if (source !== undefined && isLive && (announced || !this.troubled))
        this.#problem(`${source} was ended, and ${id}, which was carried from it, lives`)
    }
    if (this.troubled) return
    for (const history of this.#histories.values()) {
      if (!history.isLive || history.announced || history.isOver(this.lifetime)) continue
      this.#problem(`${history.id} was left behind, and no browser knows it`)
    }
  }

  #checkSeen(by: Operation, { id, data }: Actual, states: readonly State[]): void {
    if (states.some((state) => state.data && isDeepStrictEqual(state.data, data))) return
    this.#problem(
      `${by.actor} ${by.kind}: its session ${id} is ${JSON.stringify(data)}, which was not stored`
    )
  }

  #checkWasThere(by: Operation, id: string): void {
    const states = this.history(id).from(by.began)
    if (states.every(({ data }) => !data)) {
      this.#problem(`${by.actor} ${by.kind}: ${id} was not there`)
    }
  }

  /** What is on its way to another id need not be gone yet: no browser knows it. */
  #checkEnded(by: Operation, ids: readonly string[]): void {
    for (const { id, isLive, announced } of this.#histories.values()) {
      const isMeant =
        ids.includes(id) ||
        (announced && this.#sourcesOf(id).some((one) => by.kind === 'destroy' && ids.includes(one)))
      if (isLive && isMeant) this.#problem(`${by.actor} ${by.kind} was acknowledged, but ${id} lives`)
    }
  }

  /** The ids from which something was carried to this one. */
  #sourcesOf(id: string, sources: ReadonlyMap<string, string> = this.#sources): string[] {
    const source = sources.get(id)
    return source === undefined ? [] : [source, ...this.#sourcesOf(source, sources)]
  }

  #forget(id: string): void {
    for (const [to, from] of this.#sources) if (from === id) this.#sources.delete(to)
  }

  #endedBy(actor: string, ids: readonly string[]): void {
    const all = this.#ends.get(actor) ?? new Set()
    for (const id of ids) all.add(id)
    this.#ends.set(actor, all)
  }

  #problem(text: string): void {
    this.problems.push(text)
  }
}

/** What a logout of this request ends: what its cookie leads to, and what it has by then. */
function endedWith(view: View): string[] {
  return [...idsOf(view), ...(view.came === undefined ? [] : [view.came])]
}
