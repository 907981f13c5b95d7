import { Operations, refuse } from '../../lib/session/operations'

const ignore = () => undefined
const failing = () => Promise.reject(new Error('failed'))

describe('Operations', () => {
  it('runs one after the other, awaited or not, and is idle between', async () => {
    const operations = new Operations()
    const log: string[] = []
    const step = (name: string) => async () => {
      log.push(`${name} begins`)
      await new Promise(setImmediate)
      log.push(`${name} ends`)
    }
    expect(operations.idle).toBe(true)
    void operations.run(step('one'), ignore)
    void operations.run(step('two'), ignore)
    expect(operations.idle).toBe(false)
    await operations.settled()
    expect(log).toEqual(['one begins', 'one ends', 'two begins', 'two ends'])
    expect(operations.idle).toBe(true)
  })

  it('answers what the operation resolves to', async () => {
    expect(await new Operations().run(async () => 7, ignore)).toBe(7)
  })

  it('runs the next one after a failure, and settles', async () => {
    const operations = new Operations()
    void operations.run(failing, ignore)
    expect(await operations.run(async () => 'next', ignore)).toBe('next')
    void operations.run(failing, ignore)
    await expect(operations.settled()).resolves.toBeUndefined()
    expect(operations.idle).toBe(true)
  })

  it('tells of a failure that nobody watches, and ends no process', async () => {
    const heard: boolean[] = []
    const operations = new Operations()
    void operations.run(failing, (_error, watched) => heard.push(watched()))
    void refuse(new Error('refused'), (_error, watched) => heard.push(watched()))
    await operations.settled()
    // Jest fails a test in which a rejection stays unhandled.
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(heard).toEqual([false, false])
  })

  it.each<[string, (promise: Promise<unknown>) => unknown]>([
    [
      'await',
      async (promise) => {
        await promise
      }
    ],
    ['then', (promise) => promise.then(undefined, ignore)],
    ['catch', (promise) => promise.catch(ignore)],
    ['finally', (promise) => promise.finally(ignore).catch(ignore)],
    ['Promise.all', (promise) => Promise.all([promise]).catch(ignore)],
    ['a function that returns it', async (promise) => promise]
  ])('knows that somebody watches: %s', async (_how, watch) => {
    let heard: (() => boolean) | undefined
    const operations = new Operations()
    const watching = watch(operations.run(failing, (_error, watched) => (heard = watched)))
    await Promise.resolve(watching).catch(ignore)
    await operations.settled()
    expect(heard?.()).toBe(true)
  })

  it('rejects what was watched with the very error', async () => {
    const error = new Error('mine')
    await expect(new Operations().run(() => Promise.reject(error), ignore)).rejects.toBe(error)
    await expect(refuse(error, ignore)).rejects.toBe(error)
  })
})
