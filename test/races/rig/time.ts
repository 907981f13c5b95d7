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

/** How much time passes between two turns of the event loop, in milliseconds: if it is more, a budget takes it for a stall. */
const STEP = 50

/** Lets time pass, in milliseconds. */
export async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= STEP) {
    jest.advanceTimersByTime(Math.min(left, STEP))
    await rung()
  }
}

/** Sets the clock, but rings no timer. */
export function jump(ms: number): void {
  jest.setSystemTime(Date.now() + ms)
}

/** Lets time pass until the next timer rings; false: there is none. */
export async function passToNextTimer(): Promise<boolean> {
  if (jest.getTimerCount() === 0) return false
  jest.advanceTimersToNextTimer()
  await rung()
  return true
}

/** Before a schedule: no timer of the one before rings into it. */
export async function resetTime(): Promise<void> {
  while (await passToNextTimer());
  jest.setSystemTime(START)
}

/** Resolves when deadlines that are due have been told: they wait for two turns of the event loop. */
async function rung(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await quiet()
}

/** Resolves when nothing is left to do but to wait for a door, a command or a timer. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
