import { runFor } from './lag'

/** Milliseconds for what takes servers seconds, on a busy machine. */
const TIMEOUT = 60_000

/** Waits until it holds. Fails where that never comes about. */
export async function eventually(holds: () => boolean | Promise<boolean>, interval = 10): Promise<void> {
  const end = performance.now() + TIMEOUT
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`it never came about: ${String(holds)}`)
    await runFor(interval)
  }
}
