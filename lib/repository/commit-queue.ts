import type { Budget } from './budget'

/** A job that may have to wait, at the expense of its budget. */
export interface QueuedJob {
  readonly budget: Budget
  /** Answers a job that waited for too long: the queue never runs it. */
  expire(error: unknown): void
}

interface Waiting<Job> {
  readonly job: Job
  /** Resolves when the time that it waited has been charged. */
  readonly charged: Promise<unknown>
  readonly go: () => void
}

/**
 * Runs the jobs of one session one batch after the other within this process: those that came while a batch was running
 * are the next one, so that a hundred commits at once are two writes and not a hundred.
 */
export class CommitQueue<Job extends QueuedJob, Result = void> {
  /** By id, for each session whose batch is running. */
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
    if (waiting) return this.#wait(waiting, job)
    this.#waiting.set(id, [])
    this.#run(id, [job])
  }

  #run(id: string, jobs: Job[], before?: Result): void {
    const ended = (result?: Result) => {
      if (this.#waiting.get(id)!.length === 0) this.#waiting.delete(id)
      else void this.#next(id, result)
    }
    // Those that waited may all have given up.
    if (jobs.length === 0) ended(before)
    else this.work(id, jobs, ended, before)
  }

  #wait(waiting: Waiting<Job>[], job: Job): void {
    let go!: () => void
    const turn = new Promise<void>((resolve) => (go = resolve))
    const charged = job.budget
      .run(() => turn)
      .catch((error: unknown) => {
        const at = waiting.findIndex((entry) => entry.job === job)
        if (at >= 0) waiting.splice(at, 1)
        job.expire(error)
      })
    waiting.push({ job, charged, go })
  }

  async #next(id: string, before: Result | undefined): Promise<void> {
    const waiting = this.#waiting.get(id)!
    this.#waiting.set(id, [])
    for (const { go } of waiting) go()
    await Promise.all(waiting.map(({ charged }) => charged))
    this.#run(
      id,
      waiting.map(({ job }) => job),
      before
    )
  }
}
