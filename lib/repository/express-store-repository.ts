import { shared } from '../copies'
import { isTimeout } from '../errors'
import { publish } from '../events'
import { Budget } from './budget'
import { CommitQueue, inContext, type QueuedJob } from './commit-queue'
import { call, read, remove, type ExpressStore } from './express-store'
import { checkLimits, encodeData, META, RESERVED, type Limits } from './record'
import { Ends } from './ends'
import { keptCookie, StoredObject } from './stored-object'
import { changedKeys, mergeData, pick, sameValue, type Data, type Merge } from './merge'
import { gone, type Committed, type Draft, type Drafting, type Patience, type Repository } from './repository'

/** A draft with the object that the store is handed, for an entry whose sessions are such objects. */
export interface LiveDraft extends Draft {
  readonly live: object
}

interface AnyJob extends QueuedJob {
  readonly owner: ExpressStoreRepository
  readonly reject: (error: unknown) => void
}
interface CommitJob extends AnyJob {
  readonly known: StoredObject | null
  readonly draft: Drafting<StoredObject>
  patience?: Patience
  resolve(committed: Committed<StoredObject>): void
}
interface TouchJob extends AnyJob {
  readonly live: object
  resolve(): void
}
/** A job that shares the store with no other. */
interface LoneJob extends AnyJob {
  run(): Promise<void>
}
type Job = CommitJob | TouchJob | LoneJob

/** A commit on its way: between its read and its write, others may end the session. */
interface Running {
  readonly id: string
  isEnded: boolean
}

/** What all middlewares share whose stores may have the same sessions. */
interface Turns {
  /** They wait for each other. */
  readonly queue: CommitQueue<Job, Patience>
  readonly underWay: Set<Running>
  readonly endings: Set<Ending>
  readonly ends: Ends
}

const turnsOf = shared('turns', () => new WeakMap<object, Turns>())

/** Two stores of one class may be over one database. An id is one session's alone, so they can wait for each other. */
function keyOf(store: object): object {
  const { constructor } = store
  return typeof constructor === 'function' && constructor !== Object ? constructor : store
}

/** An end that the application has asked the store for, and that the store has not answered. */
interface Ending {
  /** Undefined: all sessions. */
  readonly id: unknown
  readonly began: number
}

/** So many milliseconds an answer may take; then it is lost, and the session may be there. */
const ANSWER = 30_000

/**
 * Keeps commits from storing anew what the application asks the store itself to remove: those that are on their way, and
 * those that begin before the store has answered, which may read what it is about to remove.
 *
 * @param id - undefined: all sessions
 * @returns to be called when the store has answered
 */
export function endUnderWay(store: object, id: unknown): () => void {
  const turns = turnsOf.get(keyOf(store))
  if (!turns) return () => undefined
  if (typeof id === 'string') turns.ends.add(id)
  else turns.ends.addAll()
  for (const running of turns.underWay) if (id === undefined || id === running.id) running.isEnded = true
  const ending = { id, began: performance.now() }
  turns.endings.add(ending)
  return () => void turns.endings.delete(ending)
}

function isEnding({ endings }: Turns, id: string): boolean {
  for (const ending of endings) {
    if (performance.now() - ending.began > ANSWER) endings.delete(ending)
    else if (ending.id === undefined || ending.id === id) return true
  }
  return false
}

/** The part of one job in a write. */
interface Entry {
  readonly job: CommitJob
  readonly before: StoredObject | null
  /** Undefined: the draft commits nothing. */
  readonly next: Draft | undefined
  readonly record: Data | undefined
  after: StoredObject | null
}

/**
 * Sessions as live objects over a store written for express-session. Such a store has no conditional write, so a commit
 * reads, merges, and writes at once. Requests of one process lose nothing: they wait for each other, and those that wait for the
 * same session share one read and one write. A write of another process within that round trip is lost.
 */
export class ExpressStoreRepository implements Repository<StoredObject> {
  readonly stateless = false
  readonly #turns: Turns
  readonly #reserved: ReadonlySet<string>

  /**
   * @param timeout - milliseconds that a session waits for an answer that nobody waits for any more
   * @param shared - the store itself, if `store` only passes on its calls
   */
  constructor(
    private readonly store: ExpressStore,
    private readonly timeout: number,
    private readonly mergeRule: Merge = mergeData,
    private readonly limits: Partial<Limits> = {},
    shared = store
  ) {
    this.#reserved = limits.reserved ?? RESERVED
    const key = keyOf(shared)
    this.#turns = turnsOf.get(key) ?? {
      queue: new CommitQueue<Job, Patience>((id, jobs, ended, patience = { ms: timeout / 2 }) => {
        const { ms } = patience
        for (const job of jobs) if ('draft' in job) job.patience = patience
        void ExpressStoreRepository.#each(id, jobs).finally(() =>
          ended(patience.ms < ms ? patience : undefined)
        )
      }),
      underWay: new Set(),
      endings: new Set(),
      ends: new Ends()
    }
    turnsOf.set(key, this.#turns)
  }

  async load(id: string, budget: Budget, ttl?: number): Promise<StoredObject | null> {
    const snapshot = this.#stored(await budget.run(() => read(this.store, id)))
    if (snapshot && ttl !== undefined) await this.renew(id, snapshot.living(ttl), budget)
    return snapshot
  }

  changed(known: StoredObject | null, text: string): boolean {
    return text !== (known?.text ?? '{}')
  }

  merge(known: StoredObject, mine: string, latest: StoredObject, keys?: readonly string[]): string {
    if (known.text === latest.text) return mine
    const [base, theirs] = [known, latest].map(({ text }) => pick(JSON.parse(text) as Data, keys))
    return encodeData(this.mergeRule(base!, JSON.parse(mine) as Data, theirs!))
  }

  commit(
    id: string,
    known: StoredObject | null,
    draft: Drafting<StoredObject>,
    budget: Budget
  ): Promise<Committed<StoredObject>> {
    return new Promise((resolve, reject) =>
      this.#turns.queue.push(id, { owner: this, known, draft, budget, resolve, reject, expire: reject })
    )
  }

  /**
   * Without a conditional write the old id ends at once: a late request finds nothing there. Only this process knows where the
   * session has moved to.
   */
  close(
    id: string,
    known: StoredObject,
    successor: string,
    _rev: string,
    budget: Budget
  ): Promise<StoredObject | undefined> {
    return this.alone(id, budget, async () => {
      const latest = await read(this.store, id).then((live) => this.#stored(live))
      if (!latest) throw gone()
      if (latest.text !== known.text) return latest
      await remove(this.store, id)
      this.#turns.ends.add(id, successor)
      return undefined
    })
  }

  async touch(id: string, ttl: number, budget: Budget): Promise<boolean> {
    return (await this.load(id, budget, ttl)) !== null
  }

  /** Renews the life of a session object. It goes through the queue, as some stores read and write the whole session for that. */
  async renew(id: string, live: object, budget: Budget): Promise<void> {
    if (!this.store.touch) return
    await new Promise<void>((resolve, reject) =>
      this.#turns.queue.push(id, { owner: this, live, budget, resolve, reject, expire: reject })
    )
  }

  async destroy(id: string, budget: Budget): Promise<boolean> {
    const wasThere = await this.alone(id, budget, async () => {
      const isThere = (await read(this.store, id)) !== undefined
      this.#turns.ends.add(id)
      await remove(this.store, id)
      return isThere
    })
    const next = this.#turns.ends.movedTo(id)
    return next === undefined ? wasThere : (await this.destroy(next, budget)) || wasThere
  }

  /** As `destroy`, without asking whether something was there. */
  end(id: string, budget: Budget): Promise<void> {
    return this.alone(id, budget, async () => {
      this.#turns.ends.add(id)
      await call(this.store, 'destroy', id)
    })
  }

  #stored(live: object | undefined): StoredObject | null {
    return live ? new StoredObject(live as Data, this.#reserved) : null
  }

  /** Runs `work` on a session when nothing else of this process asks the store for it. */
  alone<T>(id: string, budget: Budget, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = () => this.#share([{ budget, reject }], work, (_job, value) => resolve(value))
      this.#turns.queue.push(id, { owner: this, budget, reject, expire: reject, run })
    })
  }

  static async #each(id: string, jobs: Job[]): Promise<void> {
    for (const owner of new Set(jobs.map((job) => job.owner))) {
      await owner.work(
        id,
        jobs.filter((job) => job.owner === owner)
      )
    }
  }

  /**
   * Runs a batch: all between two lone jobs becomes one write, with one renewal before it and one after it. The queue calls
   * it, which may be another copy's of the library.
   *
   * @internal
   */
  async work(id: string, jobs: Job[]): Promise<void> {
    const steps: Job[][] = []
    for (const job of jobs) {
      const last = steps.at(-1)
      if (last && !('run' in job || 'run' in last[0]!)) last.push(job)
      else steps.push([job])
    }
    try {
      await this.#inTurn(id, steps.flatMap(inOrder))
    } catch (error) {
      for (const job of jobs) job.reject(error)
    }
  }

  async #inTurn(id: string, steps: Job[][]): Promise<void> {
    let before: Promise<void> | undefined
    for (const step of steps) before = before ? this.#after(before, id, step) : this.#step(id, step)
    await before
  }

  /** Waits at the expense of the jobs. */
  async #after(before: Promise<void>, id: string, step: Job[]): Promise<void> {
    const inTime: Job[] = []
    await Promise.all(
      step.map((job) => job.budget.wait(before, 1).then(() => void inTime.push(job), job.reject))
    )
    await before
    if (inTime.length > 0) await this.#step(id, inTime)
  }

  async #step(id: string, jobs: Job[]): Promise<void> {
    const [first] = jobs
    if ('run' in first!) return inContext(first, () => first.run())
    if ('draft' in first!) return this.#commit(id, jobs as CommitJob[])
    const touches = jobs as TouchJob[]
    await this.#share(
      touches,
      async () => {
        const isThere = !this.#turns.ends.has(id) || (await read(this.store, id)) !== undefined
        if (isThere) await call(this.store, 'touch', id, touches.at(-1)!.live)
      },
      (job) => job.resolve()
    )
  }

  async #commit(id: string, waiting: CommitJob[]): Promise<void> {
    const running = { id, isEnded: isEnding(this.#turns, id) }
    this.#turns.underWay.add(running)
    try {
      await this.#run(running, waiting)
    } finally {
      this.#turns.underWay.delete(running)
    }
  }

  async #run(running: Running, waiting: CommitJob[]): Promise<void> {
    let { jobs, latest } = await this.#latest(running.id, waiting)
    for (let isAgain = false; ; isAgain = true) {
      const { entries, isSlow } = await this.#draft(jobs, latest, isAgain)
      if (!isSlow) return this.#write(running, entries, true)
      // A function given to `update` took its time: only what is still there may be written over.
      const again = await this.#latest(running.id, jobsOf(entries))
      const inTime = entries.filter(({ job }) => again.jobs.includes(job))
      if (again.latest?.text === latest?.text) return this.#write(running, inTime, false)
      ;({ jobs, latest } = again)
    }
  }

  /** The state that a write starts from. A session that was never stored is not looked for. */
  async #latest(
    id: string,
    waiting: CommitJob[]
  ): Promise<{ jobs: CommitJob[]; latest: StoredObject | null }> {
    if (waiting.every(({ known }) => known === null)) return { jobs: waiting, latest: null }
    const jobs: CommitJob[] = []
    let latest: StoredObject | null = null
    await this.#share(
      waiting,
      async () => this.#stored(await read(this.store, id)),
      (job, stored) => {
        jobs.push(job)
        latest = stored
      }
    )
    return { jobs, latest }
  }

  /** Runs the drafts one on top of the other. */
  async #draft(
    jobs: CommitJob[],
    latest: StoredObject | null,
    isAgain: boolean
  ): Promise<{ entries: Entry[]; isSlow: boolean }> {
    const entries: Entry[] = []
    let state = latest
    let isSlow = false
    for (const job of jobs) {
      const last = entries.at(-1)
      if (last?.record) state = last.after = inContext(last.job, () => this.#stored(last.record))
      try {
        if (job.known && !state) throw gone()
        if (isAgain) job.budget.contested()
        const before = job.known && state
        const drafted = inContext(job, () => job.draft(before, job.patience))
        if (drafted instanceof Promise) isSlow = true
        const next = drafted instanceof Promise ? await drafted : drafted
        if (next) checkLimits(next.text, { bytes: Infinity, depth: Infinity, ...this.limits })
        entries.push({ job, before, next, record: next && toRecord(next, before), after: state })
      } catch (error) {
        job.reject(error)
      }
    }
    return { entries, isSlow }
  }

  /** @param canRepeat - whether running the drafts once more does no harm if the store applied what it reports as failed */
  async #write(running: Running, entries: Entry[], canRepeat: boolean): Promise<void> {
    const answer = ({ job, before, next, after }: Entry) => {
      const merged = before?.text !== job.known?.text
      // The sessions of express-session have no handle to report.
      if (next?.handle) {
        publish('holdfast:commit', () => {
          const keys = changedKeys(dataIn(before?.text), dataIn(next.text))
          return { handle: next.handle, keys, merged, attempts: 1 }
        })
      }
      job.resolve({ id: running.id, stored: after, merged })
    }
    const last = entries.filter(({ record }) => record).at(-1)
    if (!last) return entries.forEach(answer)
    const refused: Job[][] = []
    // A store that is still about to remove a session may find it once more.
    const refuse = (job: CommitJob, error: unknown) =>
      running.isEnded && job.known ? job.reject(error) : refused.push([job])
    await this.#share(
      jobsOf(entries),
      () => {
        if (running.isEnded) throw gone()
        return inContext(last.job, async () => {
          const written = call(this.store, 'set', running.id, last.record)
          // Taken now: a store may change the object when it is handed it, and nobody else can have.
          last.after = this.#stored(last.record)
          await written
          if (!running.isEnded) return
          // The application has ended it meanwhile, and the store may have done that before it wrote.
          await call(this.store, 'destroy', running.id)
          throw gone()
        })
      },
      (job) => inContext(job, () => answer(entries.find((entry) => entry.job === job)!)),
      canRepeat && entries.length > 1 ? refuse : undefined
    )
    // The store may object to the data of one of them.
    await this.#inTurn(running.id, refused)
  }

  /**
   * Asks the store once for several jobs, at the expense of each one's budget. If nobody waits for the answer any more, it
   * may still come and be applied, so the session waits for it a while longer.
   */
  async #share<J extends Pick<AnyJob, 'budget' | 'reject'>, T>(
    jobs: readonly J[],
    ask: () => Promise<T>,
    answered: (job: J, answer: T) => void,
    refused = (job: J, error: unknown) => job.reject(error)
  ): Promise<void> {
    let asked: Promise<T> | undefined
    let isOpen = true
    const outcomes = jobs.map((job) =>
      job.budget
        .run(() => (asked ??= ask()))
        .then(
          (answer) => {
            isOpen = false
            answered(job, answer)
          },
          (error: unknown) => {
            if (isTimeout(error)) return job.reject(error)
            isOpen = false
            refused(job, error)
          }
        )
    )
    await Promise.all(outcomes)
    if (isOpen && asked) await new Budget(this.timeout).run(() => asked!).catch(() => undefined)
  }
}

/**
 * The session object for a store with callbacks. Its cookie says how long it is to live, which is where these stores
 * look. If a value did not change since `latest`, it stays the object that the store gave: a Date stays a Date.
 */
function toRecord(next: Draft | LiveDraft, latest: StoredObject | null): Data {
  if ('live' in next) return next.live as Data
  const { text, cookie, ttl, handle, sent } = next
  const data = JSON.parse(text) as Data
  for (const key of Object.keys(data)) {
    if (latest && sameValue(latest.live, data, key)) data[key] = latest.live[key]
  }
  return { ...data, cookie: keptCookie(ttl), [META]: { v: 1, handle, sent, cookie, revs: [] } }
}

/**
 * One renewal for all jobs that came before the last commit, one write, and one renewal for those that came after it. A write
 * takes the place of every renewal before it, and some stores put the cookie of a renewal in the place of the written one.
 */
function inOrder(jobs: Job[]): Job[][] {
  const last = jobs.findLastIndex((job) => 'draft' in job)
  const early = jobs.filter((job, index) => 'live' in job && index < last)
  const commits = jobs.filter((job) => 'draft' in job)
  return [early, commits, jobs.slice(last + 1)].filter(({ length }) => length > 0)
}

const jobsOf = (entries: Entry[]) => entries.map(({ job }) => job)

function dataIn(text = '{}'): Data {
  return JSON.parse(text) as Data
}
