/**
 * Lets tasks of one key take turns within this process. What a task leaves behind is handed to the next one
 * that was already waiting, so that a hundred commits of one session are a hundred writes and not a hundred
 * times as many conflicts.
 */
export class Turns<T> {
  readonly #last = new Map<string, Promise<T | undefined>>()

  /**
   * @param patience - milliseconds that a task waits for the one before it; then it goes on without its turn
   * @param contagious - which failures also fail the tasks that are waiting: those that they would meet again,
   *   one by one, each after a wait of its own
   */
  constructor(
    private readonly patience: number,
    private readonly contagious: (error: unknown) => boolean
  ) {}

  /**
   * Runs `task` when the one before it of this key has ended.
   *
   * @param task - gets what the one before it resolved to; undefined if there was none, or if it failed
   */
  run<R extends T>(key: string, task: (before: T | undefined) => Promise<R>): Promise<R> {
    const before = this.#last.get(key)
    const mine = before ? this.#wait(before).then(task) : task(undefined)
    const last = mine.catch((error: unknown) => {
      if (this.contagious(error)) throw error
      return undefined
    })
    const leave = () => {
      if (this.#last.get(key) === last) this.#last.delete(key)
    }
    last.then(leave, leave)
    this.#last.set(key, last)
    return mine
  }

  #wait(before: Promise<T | undefined>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(undefined), this.patience)
      before.finally(() => clearTimeout(timer)).then(resolve, reject)
    })
  }
}
