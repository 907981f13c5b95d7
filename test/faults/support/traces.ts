import type { EventEmitter } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { App } from './app'

/** Milliseconds in which sockets and memory have to come back on a busy machine. */
const GRACE = 30_000

/** What a fault may leave behind: listeners on the client, connections, requests in memory. */
export class Traces {
  readonly #client: EventEmitter
  readonly #app: App
  readonly #before: Record<string, number>

  /** Notes how things are while all is well. */
  constructor(client: EventEmitter, app: App) {
    this.#client = client
    this.#app = app
    this.#before = this.#count()
  }

  /** Waits until nothing is there that was not there before; answers with what stays all the same. */
  async left(): Promise<string[]> {
    const until = performance.now() + GRACE
    for (;;) {
      const left = this.#left()
      if (left.length === 0 || performance.now() > until) return left
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  #left(): string[] {
    const left = Object.entries(this.#count())
      .filter(([name, count]) => count > (this.#before[name] ?? 0))
      .map(([name, count]) => `${count} ${name}, ${this.#before[name] ?? 0} before`)
    if (left.length > 0) return left
    collectGarbage()
    return this.#app.held > 0 ? [`${this.#app.held} requests in memory`] : []
  }

  #count(): Record<string, number> {
    const counts: Record<string, number> = { connections: 0 }
    for (const name of process.getActiveResourcesInfo()) if (name === 'TCPSocketWrap') counts.connections!++
    for (const name of this.#client.eventNames()) {
      counts[`listeners for ${String(name)}`] = this.#client.listenerCount(name)
    }
    return counts
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}
