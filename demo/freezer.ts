import { EventEmitter, once } from 'node:events'
import type { Around } from './tap'

/** A switch that keeps every command of the store from its answer. For a demo only. */
export class Freezer extends EventEmitter<{ changed: [frozen: boolean] }> {
  #timer: NodeJS.Timeout | undefined

  get frozen(): boolean {
    return this.#timer !== undefined
  }

  set(frozen: boolean): void {
    if (frozen === this.frozen) return
    clearTimeout(this.#timer)
    this.#timer = frozen ? setTimeout(() => this.set(false), this.longest).unref() : undefined
    this.emit('changed', frozen)
  }

  readonly around: Around = async (_command, run) => {
    while (this.frozen) await once(this, 'changed')
    return run()
  }

  /** @param longest - milliseconds after which a store that somebody froze and forgot answers again */
  constructor(private readonly longest = 12_000) {
    super()
    // Each command that waits listens.
    this.setMaxListeners(0)
  }
}
