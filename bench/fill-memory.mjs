import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import expressSession from 'express-session'
import session from '../dist/index.mjs'
import { randomId, randomText, repeat } from './texts.mjs'

// The process of one store: fills it, and tells its parent what that took. Only Holdfast's lets sessions go by itself.
const DAY = 86_400_000
const sessions = Number(process.argv[3])
const holdfast = process.argv[2] === 'holdfast' ? new session.MemoryStore({ maxBytes: 2 ** 40 }) : undefined
const other = new expressSession.MemoryStore()
other.sessions = Object.create(null)

let bytesOfTexts = 0
const before = heap()
await repeat(sessions, async () => {
  const text = randomText()
  bytesOfTexts += text.length
  if (holdfast) await holdfast.set(randomId(), text, DAY, null)
  else other.sessions[randomId()] = text
})
const bytes = (heap() - before) / sessions
const pause = holdfast && (await expiry())
process.send({ text: bytesOfTexts / sessions, bytes, pause })
process.disconnect()

function heap() {
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** The longest pause after the clock has jumped to where all have expired. */
async function expiry() {
  const now = performance.now.bind(performance)
  performance.now = () => now() + 2 * DAY
  return longestPause(() => holdfast.size > 0, now)
}

/**
 * The longest turn of the event loop, in ms. Of a turn's time by the clock and by the processor the shorter one counts:
 * what other processes take away is not ours. Before Node 24 the processor's time is that of all threads.
 */
async function longestPause(isRunning, now) {
  const cpuUsage = process.threadCpuUsage ?? process.cpuUsage
  let longest = 0
  while (isRunning()) {
    const [began, cpu] = [now(), cpuUsage()]
    await sleep(1)
    const { user, system } = cpuUsage(cpu)
    longest = Math.max(longest, Math.min(now() - began, (user + system) / 1000))
  }
  return longest
}
