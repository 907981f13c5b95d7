/**
 * Moves the time of this test on: the system's clock, and the monotonic clock by which the MemoryStore goes. Timers
 * run in real time. Everything is back to normal after the test.
 */
let ahead = 0
let isMocked = false
const now = Date.now
const monotonic = performance.now.bind(performance)

export function advance(ms: number): void {
  if (!isMocked) {
    jest.spyOn(Date, 'now').mockImplementation(() => now() + ahead)
    jest.spyOn(performance, 'now').mockImplementation(() => monotonic() + ahead)
  }
  isMocked = true
  ahead += ms
}

/** The system's clock stands still for the rest of this test, so that no millisecond passes between two looks at it. */
export function stopClock(): void {
  const at = now()
  jest.spyOn(Date, 'now').mockImplementation(() => at + ahead)
  isMocked = true
}

afterEach(() => {
  if (!isMocked) return
  isMocked = false
  ahead = 0
  jest.restoreAllMocks()
})
