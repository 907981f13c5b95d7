/** Milliseconds between two looks at the clock. */
const INTERVAL = 5

/** Times at which this process could not run, because the machine or its own work kept it from it. */
const stalls: { from: number; until: number }[] = []
let last = performance.now()
const timer = setInterval(() => {
  const now = performance.now()
  if (now - last > 2 * INTERVAL) stalls.push({ from: last, until: now })
  last = now
}, INTERVAL)
timer.unref()

afterAll(() => clearInterval(timer))

/** How long this process stood still between two times of `performance.now()`, in milliseconds. */
export function lagBetween(from: number, until: number): number {
  const running = { from: last, until: performance.now() }
  return [...stalls, running]
    .filter((stall) => stall.until > from && stall.from < until)
    .reduce((sum, stall) => sum + stall.until - stall.from, 0)
}

/** Waits until a time has passed in which this process could run: what has to happen by then had its chance. */
export async function runFor(ms: number): Promise<void> {
  const began = performance.now()
  while (performance.now() - began - lagBetween(began, performance.now()) < ms) {
    await new Promise((resolve) => setTimeout(resolve, INTERVAL))
  }
}
