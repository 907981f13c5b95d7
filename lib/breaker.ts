/** Deadlines that pass without any answer in between before a server counts as silent. */
const PATIENCE = 3
/** Milliseconds between two requests that find out whether a silent server answers again. */
const PROBE_INTERVAL = 250

/**
 * Remembers whether a server answers at all, so that requests need not each wait for a deadline of their own. Only
 * silence counts: an error is an answer too, and comes at once.
 */
export class Breaker {
  #unanswered = 0
  #probed = 0

  /** Whether to ask. While the server is silent, one request in each interval does, to find out. */
  allows(): boolean {
    if (this.#unanswered < PATIENCE) return true
    const now = performance.now()
    if (now - this.#probed < PROBE_INTERVAL) return false
    this.#probed = now
    return true
  }

  /** Notes an answer, also one that came too late for the request that asked. */
  answered(): void {
    this.#unanswered = 0
  }

  /** Notes a deadline that passed. */
  timedOut(): void {
    if (++this.#unanswered === PATIENCE) this.#probed = performance.now()
  }
}
