import { AsyncLocalStorage } from 'node:async_hooks'
import type { Budget } from './budget'

/** A job that may have to wait, at the expense of its budget. */
export interface QueuedJob {
  readonly budget: Budget
  /**
   * Set if the job had to wait: runs what is the application's in the context (AsyncLocalStorage) of the job's own request,
   * and not of the one in front.
   */
  context?: (<R>(work: () => R) => R) | undefined
  /**
   * Answers a job that waited for too long: the queue never runs it. Left out: batches may run side by side, so the job goes
   * on beside the batch in front of it when half of its budget is used up, and takes along what waits with it.
   */
  expire?(error: unknown): void
}

interface Waiting<Job> {
  readonly job: Job
  /** Resolves when the time that it waited has been charged. */
  readonly charged: Promise<unknown>
  readonly go: () => void
}

/** Runs what is the application's in the context of the job's own request. */
export function inContext<R>({ context }: QueuedJob, work: () => R): R {
  return context ? context(work) : work()
}

/**
 * Runs the jobs of one session one batch after the other within this process: those that came while a batch was running
 * are the next one, so that a hundred commits at once are two writes and not a hundred.
 */
export class CommitQueue<Job extends QueuedJob, Result = void> {
  /** By id, for each session whose batch is running: what came since that began. */
  readonly #waiting = new Map<string, Waiting<Job>[]>()

  /**
   * @param work - runs a batch and answers each of its jobs, in their order, then calls `ended`, once: the next batch starts
   *   then, and is handed the result
   */
  constructor(
    private readonly work: (
      id: string,
      jobs: Job[],
      ended: (result?: Result) => void,
      before: Result | undefined
    ) => void
  ) {}

  /** Runs `job` at once if no other of this session is running. */
  push(id: string, job: Job): void {
    const waiting = this.#waiting.get(id)
    if (waiting) return this.#wait(id, waiting, job)
    const behind: Waiting<Job>[] = []
    this.#waiting.set(id, behind)
    this.#run(id, [job], behind)
  }

  #run(id: string, jobs: Job[], behind: Waiting<Job>[], before?: Result): void {
    const ended = (result?: Result) => {
      // Else another batch has overtaken this one.
      if (this.#waiting.get(id) !== behind) return
      if (behind.length === 0) this.#waiting.delete(id)
      // The store is asked in the context of a request that waits for the answer.
      else behind[0]!.job.context!(() => void this.#next(id, behind, result))
    }
    // Those that waited may all have given up.
    if (jobs.length === 0) ended(before)
    else this.work(id, jobs, ended, before)
  }

  #wait(id: string, waiting: Waiting<Job>[], job: Job): void {
    job.context = AsyncLocalStorage.snapshot()
    let go!: () => void
    const turn = new Promise<void>((resolve) => (go = resolve))
    const late = (error: unknown) => {
      if (!job.expire) {
        if (this.#waiting.get(id) === waiting) void this.#next(id, waiting)
        return
      }
      const at = waiting.findIndex((entry) => entry.job === job)
      if (at >= 0) waiting.splice(at, 1)
      job.expire(error)
    }
    const charged = job.budget.wait(turn, job.expire ? 1 : 0.5).catch(late)
    waiting.push({ job, charged, go })
  }

  async #next(id: string, waiting: Waiting<Job>[], before?: Result): Promise<void> {
    const behind: Waiting<Job>[] = []
    this.#waiting.set(id, behind)
    for (const { go } of waiting) go()
    await Promise.all(waiting.map(({ charged }) => charged))
    this.#run(
      id,
      waiting.map(({ job }) => job),
      behind,
      before
    )
  }
}
