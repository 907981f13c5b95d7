import { setTimeout as sleep } from 'node:timers/promises'
import type { AnyStore } from '../../express-session/support/implementations'

type Method = (...args: unknown[]) => unknown

/** A store that takes its time: half of each latency passes before a call reaches it, half before its answer is heard. */
export class SlowStore {
  #running = 0
  #calls = 0
  #quiet: (() => void)[] = []

  constructor(
    readonly store: AnyStore,
    latencies: readonly number[]
  ) {
    const hasPromises = 'contract' in store
    const methods = store as unknown as Record<string, Method>
    for (const name of ['get', 'set', 'touch', 'destroy']) {
      const native = methods[name]!.bind(store)
      methods[name] = (...args) => {
        const half = latencies[this.#calls++ % latencies.length]! / 2
        this.#running++
        return hasPromises ? this.#resolve(native, args, half) : this.#answer(native, args, half)
      }
    }
  }

  /** Resolves when no call is running, nor begun by what the last one answered. */
  async quiet(): Promise<void> {
    do {
      if (this.#running > 0) await new Promise<void>((resolve) => this.#quiet.push(resolve))
      await new Promise(setImmediate)
    } while (this.#running > 0)
  }

  #answer(native: Method, args: unknown[], half: number): void {
    const done = args.at(-1) as Method | undefined
    pause(half, () => {
      native(...args.slice(0, -1), (...answer: unknown[]) => {
        pause(half, () => {
          done?.(...answer)
          this.#end()
        })
      })
    })
  }

  async #resolve(native: Method, args: unknown[], half: number): Promise<unknown> {
    try {
      if (half > 0) await sleep(half)
      const answer = await native(...args)
      if (half > 0) await sleep(half)
      return answer
    } finally {
      this.#end()
    }
  }

  #end(): void {
    if (--this.#running > 0) return
    for (const resolve of this.#quiet.splice(0)) resolve()
  }
}

/** A store without latency answers in its own time, which is no tick later. */
function pause(ms: number, next: () => void): void {
  if (ms > 0) setTimeout(next, ms)
  else next()
}
