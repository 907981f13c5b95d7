import { createHook } from 'node:async_hooks'
import { GCProfiler } from 'node:v8'

let counts
let heap
let profiler
const hook = createHook({
  init(_id, type) {
    counts[type] = (counts[type] ?? 0) + 1
  }
})

/** What the process of a server answers to its parent. */
export const observe = {
  /** Processor time that was used so far, in microseconds. */
  cpu() {
    const { user, system } = process.cpuUsage()
    return user + system
  },

  /** From now on, what is made asynchronously is counted. */
  startCount() {
    counts = {}
    hook.enable()
    return true
  },

  /** How many promises and timers were made since. */
  stopCount() {
    hook.disable()
    return { promises: counts.PROMISE ?? 0, timers: counts.Timeout ?? 0 }
  },

  /** From now on, what is allocated is measured. */
  startBytes() {
    profiler = new GCProfiler()
    profiler.start()
    heap = process.memoryUsage().heapUsed
    return true
  },

  /** Bytes that were allocated on the heap since: the collector says what it found and what it left. */
  stopBytes() {
    const end = process.memoryUsage().heapUsed
    let bytes = 0
    for (const { beforeGC, afterGC } of profiler.stop().statistics) {
      bytes += beforeGC.heapStatistics.usedHeapSize - heap
      heap = afterGC.heapStatistics.usedHeapSize
    }
    return bytes + end - heap
  }
}
