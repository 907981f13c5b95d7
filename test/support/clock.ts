/**
 * Moves the time of this test on: the system's clock, and the monotonic clock by which the MemoryStore goes. Timers
 * run in real time. Everything is back to normal after the test.
 */
let ahead = 0
const now = Date.now
const monotonic = performance.now.bind(performance)

export function advance(ms: number): void {
  if (ahead === 0) {
    jest.spyOn(Date, 'now').mockImplementation(() => now() + ahead)
    jest.spyOn(performance, 'now').mockImplementation(() => monotonic() + ahead)
  }
  ahead += ms
}

afterEach(() => {
  if (ahead === 0) return
  ahead = 0
  jest.restoreAllMocks()
})
