import timers from 'node:timers/promises'

/** The schedule's moment of 1 January 2030: time stands still but where a schedule lets it pass. */
const START = Date.UTC(2030, 0, 1)

let pause: (() => Promise<void>) | undefined

/** Stops time for a test file. Pauses of the code under test end when the schedule says so. */
export function stopTime(): void {
  jest.useFakeTimers({
    now: START,
    doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask', 'hrtime']
  })
  jest.spyOn(timers, 'setTimeout').mockImplementation(async () => pause?.())
}

export function resumeTime(): void {
  jest.restoreAllMocks()
  jest.useRealTimers()
}

/** Where pauses wait, for the schedule that runs now. */
export function pauseAt(door: (() => Promise<void>) | undefined): void {
  pause = door
}

/** Lets time pass, in milliseconds. */
export function pass(ms: number): void {
  jest.advanceTimersByTime(ms)
}

/** Sets the clock, but rings no timer. */
export function jump(ms: number): void {
  jest.setSystemTime(Date.now() + ms)
}

/** Lets time pass until the next timer rings; false: there is none. */
export function passToNextTimer(): boolean {
  if (jest.getTimerCount() === 0) return false
  jest.advanceTimersToNextTimer()
  return true
}

/** Before a schedule: no timer of the one before rings into it. */
export function resetTime(): void {
  jest.clearAllTimers()
  jest.setSystemTime(START)
}

/** Resolves when nothing is left to do but to wait for a door, a command or a timer. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
