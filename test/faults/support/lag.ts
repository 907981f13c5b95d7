/** Milliseconds between two looks at the clock. */
const INTERVAL = 5

/** Times at which this process could not run, because the machine or its own work kept it from it. */
const stalls: { from: number; until: number }[] = []
let last = performance.now()
const timer = setInterval(() => {
  const now = performance.now()
  // What a look takes by right is no stall: where every one is late, time goes by all the same.
  if (now - last > 2 * INTERVAL) stalls.push({ from: last + INTERVAL, until: now })
  last = now
}, INTERVAL)
timer.unref()

afterAll(() => clearInterval(timer))

/** How long this process stood still between two times of `performance.now()`, in milliseconds. */
export function lagBetween(from: number, until: number): number {
  const now = performance.now()
  let lag = last < until && now > from ? Math.max(0, now - last - INTERVAL) : 0
  // The latest come first: long runs have thousands.
  for (let i = stalls.length - 1; i >= 0 && stalls[i]!.until > from; i--) {
    const stall = stalls[i]!
    if (stall.from < until) lag += stall.until - stall.from
  }
  return lag
}

/** Waits until a time has passed in which this process could run: what has to happen by then had its chance. */
export async function runFor(ms: number): Promise<void> {
  const began = performance.now()
  while (performance.now() - began - lagBetween(began, performance.now()) < ms) {
    await new Promise((resolve) => setTimeout(resolve, INTERVAL))
  }
}
