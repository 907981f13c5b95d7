import { SessionError } from '../../lib/errors'
import { CallQueue } from '../../lib/session/call-queue'

const ignore = () => undefined
const failing = () => Promise.reject(new Error('failed'))

describe('CallQueue', () => {
  it('runs one after the other, awaited or not, and is idle between', async () => {
    const queue = new CallQueue<'save'>()
    const log: string[] = []
    const step = (name: string) => async () => {
      log.push(`${name} begins`)
      await new Promise(setImmediate)
      log.push(`${name} ends`)
    }
    expect(queue.idle).toBe(true)
    void queue.run('save', step('one'))
    void queue.run('save', step('two'))
    expect(queue.idle).toBe(false)
    await queue.settled()
    expect(log).toEqual(['one begins', 'one ends', 'two begins', 'two ends'])
    expect(queue.idle).toBe(true)
  })

  it('answers what the operation resolves to', async () => {
    expect(await new CallQueue<'save'>().run('save', async () => 7)).toBe(7)
  })

  it('runs the next one after a failure, and settles', async () => {
    const queue = new CallQueue<'save'>()
    void queue.run('save', failing)
    expect(await queue.run('save', async () => 'next')).toBe('next')
    void queue.run('save', failing)
    await queue.settled()
    expect(queue.idle).toBe(true)
  })

  it('remembers a failure that nobody watches, and ends no process', async () => {
    const queue = new CallQueue<'save'>()
    void queue.run('save', failing)
    await queue.settled()
    expect(queue.unheard).toMatchObject({ call: 'save', error: { message: 'failed' } })
    queue.forgive(() => true)
    void queue.refuse('save', new Error('refused'))
    // Jest fails a test in which a rejection stays unhandled.
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(queue.unheard).toMatchObject({ error: { message: 'refused' } })
  })

  it('answers with a failure that came while it was waited for', async () => {
    const queue = new CallQueue<'save'>()
    void queue.run('save', failing)
    expect(await queue.settled()).toMatchObject({ error: { message: 'failed' } })
  })

  it('lets those that waited fail with a call that ran out of time, and starts those that come later', async () => {
    const queue = new CallQueue<'save'>()
    const late = new SessionError('ERR_SESSION_TIMEOUT', 'late')
    const started = jest.fn(async () => 1)
    const calls = [queue.run('save', () => Promise.reject(late)), queue.run('save', started)]
    expect(await Promise.allSettled(calls)).toMatchObject([{ reason: late }, { reason: late }])
    expect(started).not.toHaveBeenCalled()
    expect(await queue.run('save', started)).toBe(1)
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
    const queue = new CallQueue<'save'>()
    const watching = watch(queue.run('save', failing))
    await Promise.resolve(watching).catch(ignore)
    await queue.settled()
    expect(queue.unheard).toBeUndefined()
  })

  it('rejects what was watched with the very error', async () => {
    const error = new Error('mine')
    await expect(new CallQueue<'save'>().run('save', () => Promise.reject(error))).rejects.toBe(error)
    await expect(new CallQueue<'save'>().refuse('save', error)).rejects.toBe(error)
  })
})
