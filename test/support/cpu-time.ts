/**
 * The least processor time of many runs, in milliseconds: what other programs on the machine use does not count. Stops
 * at the first run below `enough`.
 */
export function leastCpuTime(run: (round: number) => void, enough: number): number {
  let least = Infinity
  for (let round = 0; round < 50 && least >= enough; round++) {
    const before = process.cpuUsage()
    run(round)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

/**
 * What 256 KiB of header may take: 100 ms, and five times that under the instrumentation for coverage. A machine needs two or
 * three; anything that grew with the square of the length would need minutes.
 */
export const HEADER_BOUND = '__coverage__' in globalThis ? 500 : 100
