import { Turns } from '../../lib/repository/turns'

/** A promise whose end the test decides. */
function gate<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

const LONG = 60_000
const never = () => false

describe('Turns', () => {
  it('runs at once what nobody is in front of', () => {
    const started: string[] = []
    const turns = new Turns<void>(LONG, never)
    void turns.run('a', async () => void started.push('a'))
    void turns.run('b', async () => void started.push('b'))
    expect(started).toEqual(['a', 'b'])
  })

  it('runs the tasks of one key one after the other, in their order', async () => {
    const turns = new Turns<number>(LONG, never)
    let running = 0
    const order: number[] = []
    const tasks = Array.from({ length: 20 }, (_, index) =>
      turns.run('a', async () => {
        expect(++running).toBe(1)
        await new Promise(setImmediate)
        running--
        order.push(index)
        return index
      })
    )
    expect(await Promise.all(tasks)).toEqual(order)
    expect(order).toEqual([...order].sort((a, b) => a - b))
  })

  it('lets another key go on meanwhile', async () => {
    const turns = new Turns<string>(LONG, never)
    const slow = gate<string>()
    const first = turns.run('a', () => slow.promise)
    expect(await turns.run('b', async () => 'done')).toBe('done')
    slow.resolve('slow')
    expect(await first).toBe('slow')
  })

  it('hands on what the task before left behind', async () => {
    const turns = new Turns<number>(LONG, never)
    const add = async (before: number | undefined) => (before ?? 0) + 1
    expect(await Promise.all([1, 2, 3].map(() => turns.run('a', add)))).toEqual([1, 2, 3])
  })

  it('hands nothing on to a task that comes when all have ended', async () => {
    const turns = new Turns<number>(LONG, never)
    await turns.run('a', async () => 1)
    await new Promise(setImmediate)
    expect(await turns.run('a', async (before) => before ?? -1)).toBe(-1)
  })

  it('runs the next one after a failure, and hands nothing on', async () => {
    const turns = new Turns<number>(LONG, never)
    const failed = turns.run('a', () => Promise.reject(new Error('mine')))
    const next = turns.run('a', async (before) => before ?? -1)
    await expect(failed).rejects.toThrow('mine')
    expect(await next).toBe(-1)
  })

  it('fails all that wait behind a failure that they would meet, and nobody who comes later', async () => {
    const turns = new Turns<number>(LONG, (error) => (error as Error).message === 'down')
    const first = gate<number>()
    const run = jest.fn(async () => 1)
    const results = [turns.run('a', () => first.promise), turns.run('a', run), turns.run('a', run)]
    first.reject(new Error('down'))
    for (const result of results) await expect(result).rejects.toThrow('down')
    expect(run).not.toHaveBeenCalled()
    await new Promise(setImmediate)
    expect(await turns.run('a', run)).toBe(1)
  })

  it('goes on without its turn when its patience is at an end', async () => {
    const turns = new Turns<string>(20, never)
    const slow = gate<string>()
    const first = turns.run('a', () => slow.promise)
    expect(await turns.run('a', async (before) => before ?? 'alone')).toBe('alone')
    slow.resolve('slow')
    expect(await first).toBe('slow')
  })

  it('leaves no timer behind, however long the patience', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const turns = new Turns<void>(LONG, never)
    const before = timers()
    await Promise.all([1, 2, 3].map(() => turns.run('a', () => new Promise(setImmediate))))
    await new Promise(setImmediate)
    expect(timers()).toBeLessThanOrEqual(before)
  })
})
