/** Deadlines that pass without any answer in between before a server counts as silent. */
const PATIENCE = 3
/**
 * Milliseconds after which one request asks a silent server although earlier ones still wait for their answers. They
 * tell of its return sooner; this is for answers that never come. It is longer than the time after which clients give
 * a connection up (3 s in the settings that RedisStore recommends): node-redis takes each write for a sign of life.
 */
const PROBE_INTERVAL = 5000

/**
 * Remembers whether a server answers at all, so that requests need not each wait for a deadline of their own. Only
 * silence counts: an error is an answer too, and comes at once.
 */
export class Breaker {
  #unanswered = 0
  #probed = 0

  /** Whether to ask. While the server is silent, those who asked before find out whether it answers again. */
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
