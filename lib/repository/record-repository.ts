import { AsyncResource } from 'node:async_hooks'
import { SessionError } from '../errors'
import { hears, publish } from '../events'
import type { SetResult, Store } from '../stores/store'
import { Budget } from './budget'
import { fromStored, toStored, type Codec } from './codec'
import { CommitQueue } from './commit-queue'
import { GuardedStore } from './guarded-store'
import { createHandle } from './handle'
import { changedKeys, mergeData, pick, type Data, type Merge } from './merge'
import {
  checkLimits,
  createRevision,
  CorruptRecord,
  decodeRecord,
  encodeData,
  encodeRecord,
  endOf,
  hasData,
  nextRevisions,
  parseData,
  type Frame,
  type Limits
} from './record'
import {
  gone,
  isStoreFailure,
  type Committed,
  type Draft,
  type Drafting,
  type Meant,
  type Repository,
  type StoredSession
} from './repository'
import { UserIndex } from './user-index'

/**
 * How long a closed id keeps late writers away and leads to its successor, in milliseconds: longer than a request takes
 * that had the session before it moved.
 */
const CLOSED = 300_000

/** A session, with the text that it was read from. */
export class StoredRecord implements StoredSession {
  readonly cookie: unknown
  readonly sent: number | undefined
  readonly user: string | undefined
  readonly since: number | undefined
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
    this.#data = data
  }

  data(): Data {
    const data = this.#data ?? parseData(this.text, this.reserved)
    this.#data = undefined
    return data
  }

  /** The end of what the store keeps, by which it is recognised. */
  get end(): string {
    return endOf(this.stored, this.frame)
  }
}

/** A commit on its way. */
interface Job {
  readonly known: StoredRecord | null
  readonly draft: Drafting<StoredRecord>
  readonly budget: Budget
  /** Publishes in the context of the request: a commit may be written together with another one's. */
  readonly published: typeof publishCommit
  resolve(committed: Committed<StoredRecord>): void
  reject(error: unknown): void
  expire(error: unknown): void
}

/** The result of applying a batch of commits to one state. */
interface Batch {
  /** The jobs that are still to be answered, and whether each started from the state that it knew. */
  readonly jobs: Map<Job, { readonly mine: StoredRecord | null; readonly isOthers: boolean }>
  readonly next: StoredRecord | null
  readonly ttl: number
  /** Users that the session was noted under for this write, and since when each login counts. */
  readonly noted: readonly { readonly user: string; readonly since: number }[]
}

/** Sessions as texts over a {@link Store}, committed by conditional writes. */
export class RecordRepository implements Repository<StoredRecord> {
  readonly stateless: boolean
  readonly life: Repository['life']
  readonly watch: Repository['watch']
  readonly follow: Repository['follow']
  readonly users: UserIndex | undefined
  readonly #store: GuardedStore
  readonly #conditional: boolean
  readonly #notifies: boolean
  readonly #queue = new CommitQueue<Job, StoredRecord | null>((id, jobs, before) =>
    this.#commit(id, jobs, before)
  )

  /**
   * @param timeout - milliseconds that what runs in the background may wait for the store
   * @param lifetime - milliseconds that a session lives at most, if it is noted whose it is; left out: it is not
   */
  constructor(
    store: Store,
    private readonly limits: Limits & { readonly codec?: Codec | undefined },
    private readonly timeout: number,
    private readonly mergeRule: Merge = mergeData,
    lifetime?: number
  ) {
    this.stateless = store.stateless === true
    this.#conditional = store.conditional !== false
    this.#notifies = store.notify !== undefined
    const guarded = (this.#store = new GuardedStore(store))
    this.life = store.life && ((id, budget) => guarded.life(id, budget))
    this.watch = store.watch?.bind(store)
    this.follow = this.#conditional ? (id, budget) => this.#follow(id, budget) : undefined
    if (lifetime !== undefined) {
      this.users = new UserIndex(guarded, (id, budget) => this.load(id, budget), lifetime, timeout)
    }
  }

  load(id: string, budget: Budget, ttl?: number): Promise<StoredRecord | null> {
    return this.#store.get(id, budget, ttl, (text) => {
      const record = text === null ? null : this.#read(text)
      if (record?.frame.moved) {
        // A closed id must not live longer because a request uses it.
        if (ttl !== undefined) this.#store.touch(id, CLOSED, budget).catch(() => undefined)
        return null
      }
      if (record?.user !== undefined) this.users?.renewIfOld(record.user, id, record.since)
      return record
    })
  }

  changed(known: StoredRecord | null, text: string): boolean {
    if (known === null) return text !== '{}'
    if (hasData(known.text, text, known.frame)) return false
    // Holdfast writes in one form only. In another library's, or an application's own, the order of
    // keys, spaces and escapes are no changes.
    const isOurForm = known.frame.revs.length > 0 && !this.limits.codec
    return isOurForm || text !== encodeData(this.#parse(known.text))
  }

  merge(known: StoredRecord, mine: string, latest: StoredRecord, keys?: readonly string[]): string {
    if (known.text === latest.text) return mine
    const [base, theirs] = [known, latest].map(({ text }) => pick(this.#parse(text), keys)) as [Data, Data]
    return encodeData(this.mergeRule(base, JSON.parse(mine) as Data, theirs))
  }

  commit(
    id: string,
    known: StoredRecord | null,
    draft: Drafting<StoredRecord>,
    budget: Budget
  ): Promise<Committed<StoredRecord>> {
    return new Promise((resolve, reject) => {
      const expire = () => {
        // The conditional write keeps the promise; the queue only saves writes. A slow function in `update` stops nobody.
        const late: Job = { ...job, budget: new Budget(budget.timeout) }
        void this.#commit(id, [late])
      }
      const published = hears('holdfast:commit') ? AsyncResource.bind(publishCommit) : publishCommit
      const job: Job = { known, draft, budget, published, resolve, reject, expire }
      this.#queue.push(id, job)
    })
  }

  async close(
    id: string,
    known: StoredRecord,
    successor: string,
    rev: string,
    budget: Budget
  ): Promise<StoredRecord | undefined> {
    if (!this.#conditional) {
      // Nothing can be compared: the old id ends at once, as far as the store can end it.
      await this.#store.destroy(id, budget)
      return undefined
    }
    const { handle, user } = known
    const revs = nextRevisions(rev, known.frame.revs)
    const frame = { handle, cookie: undefined, sent: undefined, user, revs, moved: true, to: successor }
    const text = toStored(this.limits.codec, '{}', frame)
    const result = await this.#store.set(id, text, CLOSED, known.end, budget, (answer) => answer)
    if ('conflict' in result) {
      const stored = this.#decode(result.conflict)
      if (!stored) throw gone()
      if (stored.frame.moved && !stored.frame.revs.includes(rev)) throw gone()
      if (!stored.frame.revs.includes(rev)) return stored
    }
    if (this.#notifies) {
      this.#store.notify(id, successor, new Budget(this.timeout)).catch(() => undefined)
    }
    if (user !== undefined) this.users?.remove(user, { id })
    return undefined
  }

  touch(id: string, ttl: number, budget: Budget): Promise<boolean> {
    return this.#store.touch(id, ttl, budget)
  }

  /** Follows the session wherever it moves meanwhile: a chain has an end, as each move takes longer than a step here. */
  async destroy(
    id: string,
    budget: Budget,
    known?: StoredRecord | null,
    meant: Meant = {}
  ): Promise<boolean> {
    if (!this.#conditional) return (await this.#store.destroy(id, budget)) === true
    let at = id
    let found: StoredRecord | undefined = known ?? undefined
    for (;;) {
      if (!found) {
        const text = await this.#store.get(at, budget, undefined, (answer) => answer)
        if (text === null) return false
        found = this.#decode(text)
        // A text that is no session is not ours to remove.
        if (!found) return false
      }
      if (at === id && meant.handle !== undefined && found.handle !== meant.handle) return false
      if (meant.user !== undefined && found.user !== meant.user) return false
      if (found.frame.moved) {
        if (found.frame.to === undefined) return false
        at = found.frame.to
        found = undefined
        continue
      }
      const result: boolean | { conflict: string } = await this.#store.destroy(at, budget, found.end)
      if (typeof result === 'object') {
        found = this.#decode(result.conflict)
        continue
      }
      if (result && found.user !== undefined) this.users?.remove(found.user, { id: at })
      return result
    }
  }

  async #follow(id: string, budget: Budget): Promise<string | null> {
    for (let at = id; ;) {
      const text = await this.#store.get(at, budget, undefined, (answer) => answer)
      const record = this.#decode(text)
      if (!record?.frame.moved) return text === null ? null : at
      if (record.frame.to === undefined) return null
      at = record.frame.to
    }
  }

  /** Writes what all these commits change at once, and answers each. Resolves to what is stored then. */
  async #commit(
    id: string,
    jobs: readonly Job[],
    before?: StoredRecord | null
  ): Promise<StoredRecord | null> {
    const attempted: StoredRecord[] = []
    const { known: first, budget } = jobs.at(-1)!
    // For a new session, a text that is there already belongs to another one.
    let latest = first && (before ?? first)
    let left = jobs
    try {
      for (;;) {
        const batch = await this.#draftAll(id, left, latest, budget)
        const { next } = batch
        left = [...batch.jobs.keys()]
        if (left.length === 0) return latest
        if (next === null || next === latest) {
          for (const [job] of batch.jobs) job.resolve({ id, stored: latest, merged: latest !== job.known })
          return latest
        }
        attempted.push(next)
        const expected = latest?.end ?? null
        const result = await this.#store.set(id, next.stored, batch.ttl, expected, budget, same)
        if ('id' in result) {
          await this.#checkMarks(id, next, batch, budget)
          publishCommits(latest, batch, attempted.length)
          for (const [job, { mine, isOthers }] of batch.jobs)
            job.resolve({ id: result.id, stored: next, merged: isOthers || mine !== next })
          return next
        }
        const theirs = this.#decode(result.conflict)
        // A write of mine was applied although its answer got lost: others may have built on it since.
        const applied = attempted.find(({ frame: { revs } }) => theirs?.frame.revs.includes(revs.at(-1)!))
        if (applied) {
          // If the session has moved since, what is stored holds nothing but the revisions.
          const stored = theirs!.frame.moved ? applied : theirs!
          for (const job of left) job.resolve({ id, stored, merged: true })
          return stored
        }
        if (first === null) throw taken()
        if (!theirs || theirs.frame.moved) throw gone()
        latest = theirs
        if (attempted.length > 1) await budget.pause(Math.random() * Math.min(5 * 2 ** attempted.length, 100))
      }
    } catch (error) {
      for (const job of left) job.reject(error)
      // If the store failed, the session may be there all the same.
      if (first === null && !isStoreFailure(error)) this.#forget(attempted, id)
      return null
    }
  }

  /** Makes of `latest` what all jobs want, one on top of the other. A job that fails is answered, and left out. */
  async #draftAll(
    id: string,
    jobs: readonly Job[],
    latest: StoredRecord | null,
    budget: Budget
  ): Promise<Batch> {
    const drafted: Batch['jobs'] = new Map()
    const noted: { user: string; since: number }[] = []
    let next = latest
    let ttl = 0
    for (const job of jobs) {
      try {
        const drafting = job.draft(next)
        const draft = drafting instanceof Promise ? await drafting : drafting
        const isOthers = next !== job.known
        if (draft) {
          let { since } = draft
          const { user } = draft
          if (user !== undefined && user === next?.user) since = next.since
          else if (user !== undefined && this.users) {
            // To end all sessions of the user has to find this one as soon as it is stored.
            const moment = await this.users.add(user, id, budget)
            since ??= moment
            noted.push({ user, since })
          }
          next = this.#recordOf(draft, since, latest)
          ttl = draft.ttl
        }
        drafted.set(job, { mine: next, isOthers })
      } catch (error) {
        job.reject(error)
      }
    }
    return { jobs: drafted, next, ttl, noted }
  }

  #recordOf(draft: Draft, since: number | undefined, expected: StoredRecord | null): StoredRecord {
    const { handle, cookie, sent, user } = draft
    const revs = nextRevisions(createRevision(), expected?.frame.revs)
    const frame: Frame = { handle, cookie, sent, user, since, revs }
    const text = encodeRecord(draft.text, frame)
    checkLimits(text, this.limits)
    const stored = this.limits.codec ? toStored(this.limits.codec, draft.text, frame) : text
    return new StoredRecord(text, handle, frame, undefined, this.limits.reserved, stored)
  }

  /**
   * Ends a login that was revoked while it was on its way: the revocation of all logins either found the entry of
   * this one, or left a mark before this check.
   */
  async #checkMarks(id: string, next: StoredRecord, { noted }: Batch, budget: Budget): Promise<void> {
    for (const { user, since } of noted) {
      if (!(await this.users!.hasEnded(user, since, budget))) continue
      await this.destroy(id, budget, next)
      throw gone()
    }
  }

  /** Removes the index entries of a login that failed. */
  #forget(attempted: readonly StoredRecord[], id: string): void {
    const users = new Set(attempted.flatMap(({ user }) => user ?? []))
    for (const user of users) this.users?.remove(user, { id })
  }

  #read(text: string): StoredRecord | null {
    try {
      return this.#recordIn(text)
    } catch (error) {
      if (!(error instanceof CorruptRecord)) throw error
      publish('holdfast:corrupt', () => ({ reason: error.message }))
      return null
    }
  }

  /** The record that is in the way of a write; undefined if there is none, or none of ours. */
  #decode(text: string | null): StoredRecord | undefined {
    if (text === null) return undefined
    try {
      return this.#recordIn(text)
    } catch (error) {
      if (error instanceof CorruptRecord) return undefined
      throw error
    }
  }

  #recordIn(stored: string): StoredRecord {
    const text = this.limits.codec ? fromStored(this.limits.codec, stored) : stored
    const { data, ...frame } = decodeRecord(text, this.limits)
    // A text of another library has no handle: it gets one at its first commit, and its lifetime starts there.
    return new StoredRecord(text, frame.handle ?? createHandle(), frame, data, this.limits.reserved, stored)
  }

  #parse(text: string): Data {
    return parseData(text, this.limits.reserved)
  }
}

const same = (result: SetResult): SetResult => result

function publishCommits(latest: StoredRecord | null, { jobs }: Batch, attempts: number): void {
  let before = latest
  for (const [{ published }, { mine, isOthers }] of jobs) {
    if (mine) published(before, mine, isOthers, attempts)
    before = mine
  }
}

function publishCommit(
  before: StoredRecord | null,
  after: StoredRecord,
  merged: boolean,
  attempts: number
): void {
  publish('holdfast:commit', () => {
    const keys = changedKeys(before?.data() ?? {}, after.data())
    return { handle: after.handle, keys, merged, attempts }
  })
}

function taken(): SessionError {
  return new SessionError(
    'ERR_SESSION_DATA',
    'the id of a new session is in use already: genid has to give a new one at each call'
  )
}
