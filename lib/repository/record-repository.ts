import type { Budget } from './budget'
import { SessionError } from '../errors'
import { publish } from '../events'
import { GuardedStore } from './guarded-store'
import { createHandle } from './handle'
import { mergeData, type Data, type Merge } from './merge'
import {
  checkLimits,
  createRevision,
  CorruptRecord,
  decodeRecord,
  encodeData,
  encodeRecord,
  nextRevisions,
  parseData,
  type Limits
} from './record'
import { gone, isStoreFailure, type Committed, type Draft, type Repository } from './repository'
import { TextSnapshot } from './snapshot'
import type { Store } from '../stores/store'
import { Turns } from './turns'
import { UserIndex } from './user-index'

/** How long a retired id keeps late writers away, in milliseconds, should its removal fail. */
const RETIRED_TTL = 60_000

/** An application's own form of the texts in the store; each undoes the other. */
export interface TextForm {
  readonly serialize?: ((record: Data) => string) | undefined
  readonly deserialize?: ((text: string) => Data) | undefined
}

/** Sessions as texts over a {@link Store}, committed by conditional writes. */
export class RecordRepository implements Repository<TextSnapshot> {
  readonly stateless: boolean
  readonly life: Repository['life']
  readonly watch: Repository['watch']
  readonly users: UserIndex | undefined
  readonly #store: GuardedStore
  readonly #turns: Turns<Committed<TextSnapshot>>

  /**
   * @param timeout - milliseconds that a commit waits for its turn among those of one session
   * @param lifetime - milliseconds that a session lives at most, where it is noted whose it is; left out: it is not
   */
  constructor(
    store: Store,
    private readonly limits: Limits & TextForm,
    timeout: number,
    private readonly mergeRule: Merge = mergeData,
    lifetime?: number
  ) {
    this.stateless = store.stateless === true
    const guarded = (this.#store = new GuardedStore(store))
    this.life = store.life && ((id, budget) => guarded.life(id, budget))
    this.watch = store.watch?.bind(store)
    this.#turns = new Turns(timeout, isStoreFailure)
    if (lifetime !== undefined) {
      this.users = new UserIndex(guarded, (id, budget) => this.load(id, budget), lifetime, timeout)
    }
  }

  async load(id: string, budget: Budget, ttl?: number): Promise<TextSnapshot | null> {
    const text = await this.#store.get(id, budget, ttl)
    const snapshot = text === null ? null : this.#read(text)
    if (!snapshot?.frame.moved) return snapshot
    // A dead end must not live on because somebody comes by: who watches the session could take it for alive.
    if (ttl !== undefined) this.#store.touch(id, RETIRED_TTL, budget).catch(() => undefined)
    return null
  }

  changed(known: TextSnapshot | null, text: string): boolean {
    if (known === null) return text !== '{}'
    if (known.text === encodeRecord(text, known.frame)) return false
    // What Holdfast wrote is in the one form that it writes. In another library's, or an application's own, the order of
    // keys, spaces and escapes are no changes.
    const isOurForm = known.frame.revs.length > 0 && !this.limits.deserialize
    return isOurForm || text !== encodeData(this.#parse(known.text))
  }

  merge(known: TextSnapshot, mine: string, latest: TextSnapshot): string {
    if (known.text === latest.text) return mine
    return encodeData(
      this.mergeRule(this.#parse(known.text), JSON.parse(mine) as Data, this.#parse(latest.text))
    )
  }

  commit(
    id: string,
    known: TextSnapshot | null,
    draft: (latest: TextSnapshot | null) => Draft | undefined | Promise<Draft | undefined>,
    budget: Budget
  ): Promise<Committed<TextSnapshot>> {
    return this.#turns.run(id, (before) => {
      // For a new session, what the one before left behind is somebody else's.
      const newest = known && (before?.snapshot ?? known)
      return this.#commit(id, known, newest, draft, budget)
    })
  }

  async retire(
    id: string,
    known: TextSnapshot,
    rev: string,
    budget: Budget
  ): Promise<TextSnapshot | undefined> {
    const revs = nextRevisions(rev, known.frame.revs)
    const text = encodeRecord('{}', {
      handle: known.handle,
      cookie: undefined,
      sent: undefined,
      revs,
      moved: true
    })
    const result = await this.#store.set(id, this.#toStored(text), RETIRED_TTL, known.stored, budget)
    if ('id' in result) return undefined
    const stored = this.#decode(result.conflict)
    if (stored?.frame.revs.includes(rev)) return undefined
    if (!stored || stored.frame.moved) throw gone()
    return stored
  }

  touch(id: string, ttl: number, budget: Budget): Promise<boolean> {
    return this.#store.touch(id, ttl, budget)
  }

  destroy(id: string, budget: Budget, successor?: string): Promise<boolean> {
    return this.#store.destroy(id, budget, successor)
  }

  async #commit(
    id: string,
    known: TextSnapshot | null,
    newest: TextSnapshot | null,
    draft: (latest: TextSnapshot | null) => Draft | undefined | Promise<Draft | undefined>,
    budget: Budget
  ): Promise<Committed<TextSnapshot>> {
    const attempted: TextSnapshot[] = []
    let latest = newest
    for (;;) {
      const next = await draft(latest)
      if (!next) return { id, snapshot: latest, merged: latest !== known }
      const expected = latest
      const rev = createRevision()
      const { handle, cookie, sent, user } = next
      const frame = { handle, cookie, sent, user, revs: nextRevisions(rev, expected?.frame.revs) }
      const text = encodeRecord(next.text, frame)
      checkLimits(text, this.limits)
      const stored = this.#toStored(text)
      const mine = new TextSnapshot(text, handle, frame, undefined, this.limits.reserved, stored)
      // Whoever ends all sessions of the user has to find it from the moment on that it is stored.
      if (user !== undefined && user !== expected?.user) await this.users?.add(user, id, budget)
      attempted.push(mine)
      const result = await this.#store.set(id, stored, next.ttl, expected?.stored ?? null, budget)
      if ('id' in result) {
        const merged = expected !== known
        publish('holdfast:commit', () => ({ handle, merged, attempts: attempted.length }))
        return { id: result.id, snapshot: mine, merged }
      }
      const theirs = this.#decode(result.conflict)
      // A write of mine was applied although its answer got lost: others may have built on it since.
      const applied = attempted.find(({ frame: { revs } }) => theirs?.frame.revs.includes(revs[0]!))
      // Where the session has moved since, what is stored holds nothing but the revisions.
      if (applied) return { id, snapshot: theirs?.frame.moved ? applied : theirs!, merged: true }
      if (known === null) throw taken()
      if (!theirs || theirs.frame.moved) throw gone()
      latest = theirs
      if (attempted.length > 1) await budget.pause(Math.random() * Math.min(5 * 2 ** attempted.length, 100))
    }
  }

  #read(text: string): TextSnapshot | null {
    try {
      return this.#snapshot(text)
    } catch (error) {
      if (!(error instanceof CorruptRecord)) throw error
      publish('holdfast:corrupt', () => ({ reason: error.message }))
      return null
    }
  }

  /** What stands in the way of a write; undefined where it is nothing, or nothing that is ours. */
  #decode(text: string | null): TextSnapshot | undefined {
    if (text === null) return undefined
    try {
      return this.#snapshot(text)
    } catch (error) {
      if (error instanceof CorruptRecord) return undefined
      throw error
    }
  }

  #snapshot(stored: string): TextSnapshot {
    const text = this.#fromStored(stored)
    const { data, ...frame } = decodeRecord(text, this.limits)
    // A text of another library has no handle: it gets one at its first commit, and its lifetime starts there.
    return new TextSnapshot(text, frame.handle ?? createHandle(), frame, data, this.limits.reserved, stored)
  }

  #toStored(text: string): string {
    const { serialize } = this.limits
    if (!serialize) return text
    const stored: unknown = serialize(JSON.parse(text) as Data)
    if (typeof stored === 'string') return stored
    throw new SessionError('ERR_SESSION_OPTIONS', 'serialize must return a string, and not a promise of one')
  }

  #fromStored(stored: string): string {
    const { deserialize } = this.limits
    if (!deserialize) return stored
    let record: unknown
    try {
      record = deserialize(stored)
    } catch {
      throw new CorruptRecord('not what deserialize reads')
    }
    if (typeof record === 'object' && record !== null && !(record instanceof Promise)) {
      return encodeData(record as Data)
    }
    throw new SessionError(
      'ERR_SESSION_OPTIONS',
      'deserialize must return an object, and not a promise of one'
    )
  }

  #parse(text: string): Data {
    return parseData(text, this.limits.reserved)
  }
}

function taken(): SessionError {
  return new SessionError(
    'ERR_SESSION_DATA',
    'the id of a new session is in use already: genid has to give a new one at each call'
  )
}
