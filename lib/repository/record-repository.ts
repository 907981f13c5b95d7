import { SessionError } from '../errors'
import { hears, publish } from '../events'
import type { SetResult, Store } from '../stores/store'
import { Budget } from './budget'
import { fromStored, toStored, type Codec } from './codec'
import { CommitQueue, inContext, type QueuedJob } from './commit-queue'
import { GuardedStore } from './guarded-store'
import {
  checkLimits,
  CorruptRecord,
  createHandle,
  createRevision,
  decodeRecord,
  encodeData,
  encodeRecord,
  hasData,
  nextRevisions,
  parseData,
  StoredRecord,
  withoutData,
  type Frame,
  type Limits
} from './record'
import { changedKeys, mergeData, pick, type Data, type Merge } from './merge'
import {
  CLOSED,
  gone,
  isStoreFailure,
  type Committed,
  type Draft,
  type Drafting,
  type Living,
  type Meant,
  type Repository
} from './repository'
import { UserIndex } from './user-index'

/** A commit on its way. */
interface Job extends QueuedJob {
  readonly known: StoredRecord | null
  readonly draft: Drafting<StoredRecord>
  readonly resolve: (committed: Committed<StoredRecord>) => void
  readonly reject: (error: unknown) => void
}

/** A batch of commits of one session on its way to the store. */
interface Batch {
  readonly id: string
  readonly budget: Budget
  /** It began with several commits. */
  readonly isShared: boolean
  /** The state that the last of them knew; null for a new session. */
  readonly first: StoredRecord | null
  /** What writes were tried with. */
  readonly attempted: StoredRecord[]
  /** Those that are still to be answered. */
  jobs: readonly Job[]
  /** What is stored, as far as is known. */
  latest: StoredRecord | null
  readonly ended: (stored?: StoredRecord | null) => void
}

/** The result of applying a batch to one state. */
interface Drafted {
  /** The jobs that could be applied, and whether each started from the state that it knew. */
  readonly jobs: Map<Job, { readonly mine: StoredRecord | null; readonly isOthers: boolean }>
  /** Users that the session was noted under for this write, and since when each login counts. */
  readonly noted: { readonly user: string; readonly since: number }[]
  next: StoredRecord | null
  ttl: number
}

/** Sessions as texts over a {@link Store}, committed by conditional writes. */
export class RecordRepository implements Repository<StoredRecord> {
  readonly stateless: boolean
  readonly life: Repository['life']
  readonly watch: Repository['watch']
  readonly follow: Repository<StoredRecord>['follow']
  readonly users: UserIndex | undefined
  readonly #store: GuardedStore
  readonly #conditional: boolean
  readonly #notifies: boolean
  /** Each batch writes what all its commits change at once, and answers each. */
  readonly #queue = new CommitQueue<Job, StoredRecord | null>((id, jobs, ended, before) => {
    const { known: first, budget } = jobs.at(-1)!
    // For a new session, a text that is there already belongs to another one.
    const latest = first && (before ?? first)
    this.#draft({ id, budget, isShared: jobs.length > 1, first, attempted: [], jobs, latest, ended })
  })

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
      const read = (id: string, budget: Budget, isAsked: boolean) => this.load(id, budget, undefined, isAsked)
      this.users = new UserIndex(guarded, read, lifetime, timeout)
    }
  }

  /** @param isAUsers - it is listed or ended as a user's, even if its data cannot be read here */
  load(id: string, budget: Budget, ttl?: number, isAUsers = false): Promise<StoredRecord | null> {
    return this.#store.get(id, budget, ttl, (text) => {
      const record = this.#decode(text, true) ?? (isAUsers ? withoutData(text, true) : null) ?? null
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
    return isOurForm || text !== encodeData(parseData(known.text, this.limits.reserved))
  }

  merge(known: StoredRecord, mine: string, latest: StoredRecord, keys?: readonly string[]): string {
    if (known.text === latest.text) return mine
    const [base, theirs] = [known, latest].map(({ text }) =>
      pick(parseData(text, this.limits.reserved), keys)
    )
    return encodeData(this.mergeRule(base!, JSON.parse(mine) as Data, theirs!))
  }

  commit(
    id: string,
    known: StoredRecord | null,
    draft: Drafting<StoredRecord>,
    budget: Budget
  ): Promise<Committed<StoredRecord>> {
    // The conditional write keeps the promise; the queue only saves writes. A slow function in `update` stops nobody.
    return new Promise((resolve, reject) => this.#queue.push(id, { known, draft, budget, resolve, reject }))
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
    const result = await new Promise<SetResult>((resolve, reject) =>
      this.#store.set(id, text, CLOSED, known.end, budget, resolve, reject)
    )
    if ('conflict' in result) {
      const stored = this.#decode(result.conflict)
      if (!stored) throw gone()
      const { moved, to, revs } = stored.frame
      if (moved && !revs.includes(rev)) throw gone()
      if (!revs.includes(rev)) return stored
      if (to !== undefined && to !== successor) {
        // An attempt whose answer got lost closed it in favour of an id that no response sent: that one moves on.
        const now = await this.#follow(to, budget)
        if (!now?.stored) throw gone()
        const isDone = now.id === successor
        const theirs = isDone ? undefined : await this.close(now.id, now.stored, successor, rev, budget)
        if (theirs) return theirs
      }
    }
    if (this.#notifies) {
      this.#store.notify(id, successor, new Budget(this.timeout)).catch(() => undefined)
    }
    if (user !== undefined) this.users?.remove(user, { id })
    return undefined
  }

  /** Renews what is kept under `id`, which may be a closed id: `load` is for who wants a session. */
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
    const read = (text: string | null) => this.#decode(text) ?? withoutData(text, meant.user !== undefined)
    let at = id
    let found: StoredRecord | undefined = known ?? undefined
    for (;;) {
      found ??= await this.#store.get(at, budget, undefined, read)
      // A text that is no session is not ours to remove.
      if (!found) return false
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

  async #follow(id: string, budget: Budget): Promise<Living<StoredRecord> | null> {
    for (let at = id; ;) {
      // Null: there is nothing; undefined: nothing of ours.
      const read = (text: string | null) => (text === null ? null : this.#decode(text))
      const record = await this.#store.get(at, budget, undefined, read)
      if (!record?.frame.moved) return record === null ? null : { id: at, stored: record ?? null }
      if (record.frame.to === undefined) return null
      at = record.frame.to
    }
  }

  /** Makes of the latest state what all jobs want, one on top of the other, and goes on to write it: at once, if it can. */
  #draft(batch: Batch): void {
    const drafted: Drafted = { jobs: new Map(), noted: [], next: batch.latest, ttl: 0 }
    let waiting: Promise<void> | undefined
    for (const job of batch.jobs) {
      const { context } = job
      const apply = () => context!(() => this.#apply(job, batch, drafted))
      // One that did not wait is alone, in its own context.
      waiting = waiting ? waiting.then(apply) : context ? apply() : this.#apply(job, batch, drafted)
    }
    if (waiting) void waiting.then(() => this.#write(batch, drafted))
    else this.#write(batch, drafted)
  }

  /** A job that fails is answered, and left out. Undefined: there was nothing to wait for. */
  #apply(job: Job, batch: Batch, drafted: Drafted): Promise<void> | undefined {
    try {
      if (job.budget.left <= 0) throw job.budget.timedOut()
      const draft = job.draft(drafted.next)
      const taken =
        draft instanceof Promise
          ? draft.then((settled) => this.#take(job, settled, batch, drafted))
          : this.#take(job, draft, batch, drafted)
      return taken?.catch(job.reject)
    } catch (error) {
      job.reject(error)
      return undefined
    }
  }

  /** @param noted - when the session was noted as its new user's, by the store's clock */
  #take(
    job: Job,
    draft: Draft | undefined,
    batch: Batch,
    drafted: Drafted,
    noted?: number
  ): Promise<void> | undefined {
    const { next } = drafted
    if (draft) {
      const { user } = draft
      let { since } = draft
      if (user !== undefined && user === next?.user) since = next.since
      else if (user !== undefined && this.users) {
        if (noted === undefined) {
          // To end all sessions of the user has to find this one as soon as it is stored.
          const adding = this.users.add(user, batch.id, batch.budget).finally(charge(batch))
          return adding.then((moment) => this.#take(job, draft, batch, drafted, moment))
        }
        since ??= noted
        drafted.noted.push({ user, since })
      }
      const { handle, cookie, sent } = draft
      const { limits } = this
      const revs = nextRevisions(createRevision(), batch.latest?.frame.revs)
      const frame: Frame = { handle, cookie, sent, user, since, revs }
      const text = encodeRecord(draft.text, frame)
      checkLimits(text, limits)
      const kept = limits.codec ? toStored(limits.codec, draft.text, frame) : text
      drafted.next = new StoredRecord(text, handle, frame, undefined, limits.reserved, kept)
      drafted.ttl = draft.ttl
    }
    drafted.jobs.set(job, { mine: drafted.next, isOthers: next !== job.known })
    return undefined
  }

  #write(batch: Batch, drafted: Drafted): void {
    const { id, latest, budget } = batch
    const { jobs, next, ttl } = drafted
    batch.jobs = [...jobs.keys()]
    if (jobs.size === 0 || next === null || next === latest) {
      for (const job of batch.jobs) job.resolve({ id, stored: latest, merged: latest !== job.known })
      return batch.ended(latest)
    }
    batch.attempted.push(next)
    const over = batch.isShared ? charge(batch) : undefined
    this.#store.set(
      id,
      next.stored,
      ttl,
      latest?.end ?? null,
      budget,
      (result) => {
        over?.()
        if ('conflict' in result) this.#draftAgain(batch, result.conflict)
        else if (drafted.noted.length === 0) stored(batch, drafted, next, result.id)
        else this.#checkMarks(batch, drafted, next, result.id)
      },
      (error) => {
        over?.()
        this.#failed(batch, error)
      }
    )
  }

  /** @throws what the batch has to fail with */
  #draftAgain(batch: Batch, conflict: string | null): void {
    const { id, first, attempted, budget } = batch
    const theirs = this.#decode(conflict)
    // A write of mine was applied although its answer got lost: others may have built on it since.
    const applied = attempted.find(({ frame: { revs } }) => theirs?.frame.revs.includes(revs.at(-1)!))
    if (applied) {
      // If the session has moved since, what is stored holds nothing but the revisions.
      const kept = theirs!.frame.moved ? applied : theirs!
      for (const job of batch.jobs) job.resolve({ id, stored: kept, merged: true })
      return batch.ended(kept)
    }
    if (first === null) throw taken()
    if (!theirs || theirs.frame.moved) throw gone()
    budget.contested()
    batch.latest = theirs
    if (attempted.length < 2) return this.#draft(batch)
    const pause = Math.random() * Math.min(5 * 2 ** attempted.length, 100, Math.max(0, budget.left / 2))
    const failed = (error: unknown) => this.#failed(batch, error)
    budget.pause(pause).then(() => this.#draft(batch), failed)
  }

  #failed({ id, first, attempted, jobs, ended }: Batch, error: unknown): void {
    for (const job of jobs) job.reject(error)
    // If the store failed, the session may be there all the same. Else nothing stays noted of a login that failed.
    const users = first === null && !isStoreFailure(error) ? attempted.flatMap(({ user }) => user ?? []) : []
    for (const user of new Set(users)) this.users?.remove(user, { id })
    ended()
  }

  /**
   * Ends a login that was revoked while it was on its way: the revocation of all logins either found the entry of
   * this one, or left a mark before this check.
   */
  #checkMarks(batch: Batch, drafted: Drafted, next: StoredRecord, id: string): void {
    const { budget } = batch
    const checked = async () => {
      for (const { user, since } of drafted.noted) {
        if (!(await this.users!.hasEnded(user, since, budget))) continue
        await this.destroy(batch.id, budget, next)
        throw gone()
      }
    }
    checked()
      .finally(charge(batch))
      .then(() => stored(batch, drafted, next, id))
      .catch((error: unknown) => this.#failed(batch, error))
  }

  /**
   * The record that the store keeps; undefined if there is none, or none of ours.
   *
   * @param isReported - publishes that it is none of ours
   */
  #decode(stored: string | null, isReported = false): StoredRecord | undefined {
    if (stored === null) return undefined
    try {
      const { codec, reserved } = this.limits
      const text = codec ? fromStored(codec, stored) : stored
      const { data, ...frame } = decodeRecord(text, this.limits)
      // A text of another library has no handle: it gets one at its first commit, and its lifetime starts there.
      return new StoredRecord(text, frame.handle ?? createHandle(), frame, data, reserved, stored)
    } catch (error) {
      if (!(error instanceof CorruptRecord)) throw error
      if (isReported) publish('holdfast:corrupt', () => ({ reason: error.message }))
      return undefined
    }
  }
}

/**
 * What a batch waits for takes of the budgets of all its jobs: each is answered within its own. Returns what ends the wait.
 */
function charge({ jobs, budget }: Batch): () => void {
  let over!: () => void
  const wait = new Promise<void>((resolve) => (over = resolve))
  for (const job of jobs) if (job.budget !== budget) job.budget.run(() => wait).catch(job.reject)
  return over
}

/** Answers the jobs of a batch that the store has kept. */
function stored(
  { attempted, latest, ended }: Batch,
  { jobs }: Drafted,
  next: StoredRecord,
  id: string
): void {
  let before = latest
  for (const [job, { mine, isOthers }] of jobs) {
    if (mine && hears('holdfast:commit'))
      inContext(job, () => publishCommit(before, mine, isOthers, attempted.length))
    before = mine
    job.resolve({ id, stored: next, merged: isOthers || mine !== next })
  }
  ended(next)
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
