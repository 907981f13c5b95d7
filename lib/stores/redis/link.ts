/** The longest that anything waits for a connection, in milliseconds: the default of the option `timeout`. */
const LONGEST_WAIT = 1000
/** How often the time is looked at, in milliseconds, and how much of it counts between two looks: the rest was a stall. */
const LOOK = 50
const MOST = 200

/** The state of one connection of a client. */
export interface Connection {
  /** Whether a command would be written to the socket now. */
  ready(): boolean
  /** Lets the commands of this round of the event loop share one write to the socket. */
  gather(): void
  /** Why it is not ready, for messages. */
  state(): string
  /** Resolves when the attempt to connect that is under way, or the next one, is over, however it ended. */
  settled(): Promise<void>
}

/** Nothing was sent, because the connection is not ready. */
export class NotReadyError extends Error {}

/**
 * Decides whether a command may be sent now. Clients put what they cannot send into a queue, and apply it when the
 * connection is back, seconds after the request was answered with 503. So nothing is given to a client that is not
 * ready. A command waits, and for a second at most, for the first attempt to connect (an application that takes
 * requests while it starts); later it is refused at once.
 */
export class Link {
  readonly #connection: Connection
  #firstIsOver = false
  #waiting: Promise<void> | undefined
  #waitingSince = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Whether a command may be sent without waiting. */
  get isOpen(): boolean {
    return this.#connection.ready() && (this.#firstIsOver = true)
  }

  gather(): void {
    this.#connection.gather()
  }

  /**
   * Waits for the first connection.
   *
   * @throws NotReadyError if that is over, and there is none.
   */
  async open(): Promise<void> {
    if (this.#firstIsOver) throw this.#notReady()
    await this.reopen()
  }

  /**
   * Waits for a connection that broke to be back.
   *
   * @throws NotReadyError if the attempt fails or takes too long; what waited is not sent then.
   */
  async reopen(): Promise<void> {
    if (this.#connection.ready()) return
    const since = performance.now()
    this.#waiting ??= this.#settle(since)
    if (since - this.#waitingSince >= LONGEST_WAIT) throw this.#notReady()
    let waited = 0
    let seen = since
    let looking: NodeJS.Timeout | undefined
    // A client of ioredis that is ended between two attempts to connect tells nobody, so the wait has an end of its own.
    await new Promise<void>((resolve) => {
      const look = () => {
        const now = performance.now()
        waited += Math.min(now - seen, MOST)
        seen = now
        if (waited > LONGEST_WAIT) resolve()
      }
      looking = setInterval(look, LOOK)
      void this.#waiting!.then(look).then(resolve)
    }).finally(() => clearInterval(looking))
    if (!this.#connection.ready() || waited > LONGEST_WAIT) throw this.#notReady()
  }

  async #settle(since: number): Promise<void> {
    this.#waitingSince = since
    await this.#connection.settled()
    this.#firstIsOver = true
    this.#waiting = undefined
  }

  #notReady(): NotReadyError {
    return new NotReadyError(`the client is not ready (${this.#connection.state()}), nothing was sent`)
  }
}
