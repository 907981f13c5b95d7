import { Budget } from '../../lib/repository/budget'
import { CommitQueue, type QueuedJob } from '../../lib/repository/commit-queue'
import { advance } from '../support/clock'
import { codeOf } from '../support/outcome'
import { until } from '../support/site'

const LONG = 60_000

interface Job extends QueuedJob {
  readonly name: string
  resolve(): void
  reject(error: unknown): void
}

/** A queue whose batches end when the test says so. */
class HeldQueue {
  /** Each batch that has started, as `id: jobs`. */
  readonly batches: string[] = []
  readonly #ends: ((error?: Error) => void)[] = []
  readonly #queue = new CommitQueue<Job>((id, jobs, ended) => {
    this.batches.push(`${id}: ${jobs.map(({ name }) => name).join(' ')}`)
    this.#ends.push((error) => {
      for (const job of jobs) if (error) job.reject(error)
      for (const job of jobs) job.resolve()
      ended()
    })
  })

  /** @param overtakes - whether it goes on beside the batch in front of it when half of its budget is used up */
  push(id: string, name: string, budget = new Budget(LONG), overtakes = false): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#queue.push(id, { name, budget, resolve, reject, ...(!overtakes && { expire: reject }) })
    )
  }

  /** Ends the oldest batch that runs, and lets the next one start. */
  async end(error?: Error): Promise<void> {
    this.#ends.shift()!(error)
    await new Promise(setImmediate)
  }
}

test('a job runs at once, before push returns, if no other of its session is running', () => {
  const rig = new HeldQueue()
  void rig.push('a', '1')
  void rig.push('b', '2')
  expect(rig.batches).toEqual(['a: 1', 'b: 2'])
})

test('jobs that wait for one session are the next batch, in the order in which they came', async () => {
  const rig = new HeldQueue()
  const jobs = ['1', '2', '3', '4'].map((name) => rig.push('a', name))
  expect(rig.batches).toEqual(['a: 1'])
  await rig.end()
  expect(rig.batches).toEqual(['a: 1', 'a: 2 3 4'])
  jobs.push(rig.push('a', '5'))
  await rig.end()
  expect(rig.batches[2]).toBe('a: 5')
  await rig.end()
  expect(await Promise.all(jobs)).toHaveLength(5)
})

test('a batch that fails leaves the next one alone', async () => {
  const rig = new HeldQueue()
  const first = codeOf(rig.push('a', '1'))
  const second = rig.push('a', '2')
  await rig.end(Object.assign(new Error('mine'), { code: 'MINE' }))
  await rig.end()
  expect([await first, await second]).toEqual(['MINE', undefined])
})

test('a job whose turn does not come within its budget is rejected, and never run', async () => {
  const rig = new HeldQueue()
  const first = rig.push('a', '1')
  const late = rig.push('a', 'late', new Budget(5))
  const patient = rig.push('a', 'patient')
  expect(await codeOf(late)).toBe('ERR_SESSION_TIMEOUT')
  await rig.end()
  await rig.end()
  await Promise.all([first, patient])
  expect(rig.batches).toEqual(['a: 1', 'a: patient'])
})

test('a job that may run beside others waits for half of its budget, and takes along what waits with it', async () => {
  const rig = new HeldQueue()
  const push = (name: string, ms: number) => rig.push('a', name, new Budget(ms), true)
  const first = push('stuck', LONG)
  const jobs = [push('late', 200), push('patient', LONG)]
  await until(() => rig.batches.length === 2)
  jobs.push(push('behind', LONG))
  // The one that was overtaken lets nobody in when it ends.
  await rig.end()
  await first
  expect(rig.batches).toEqual(['a: stuck', 'a: late patient'])
  await rig.end()
  expect(rig.batches[2]).toBe('a: behind')
  await rig.end()
  await Promise.all(jobs)
  void push('at once', LONG)
  expect(rig.batches[3]).toBe('a: at once')
})

test('a job that comes when all have ended runs at once', async () => {
  const rig = new HeldQueue()
  const first = rig.push('a', '1')
  await rig.end()
  await first
  void rig.push('a', '2')
  expect(rig.batches).toEqual(['a: 1', 'a: 2'])
})

test('the time that a job has waited is charged to its budget', async () => {
  const rig = new HeldQueue()
  const budget = new Budget(LONG)
  void rig.push('a', '1')
  const waited = rig.push('a', '2', budget)
  advance(LONG)
  await rig.end()
  await rig.end()
  await waited
  expect(budget.left).toBeLessThanOrEqual(0)
})

test('no timer is left behind', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const rig = new HeldQueue()
  const jobs = ['1', '2', '3'].map((name) => rig.push('a', name, new Budget(10 * LONG)))
  await rig.end()
  await rig.end()
  await Promise.all(jobs)
  // Others have timers, too, which go.
  await until(() => timers() <= before)
})
