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

  it('starts a call at once where it may and nothing is running', async () => {
    const queue = new CallQueue<'save'>()
    const log: string[] = []
    const step = (name: string) => async () => void log.push(name)
    const first = queue.run('save', step('at once'), true)
    const second = queue.run('save', step('in turn'), true)
    expect(log).toEqual(['at once'])
    await Promise.all([first, second])
    void queue.run('save', step('later'))
    expect(log).toEqual(['at once', 'in turn'])
    await queue.settled()
    expect(log).toEqual(['at once', 'in turn', 'later'])
  })

  it('rejects where the operation throws at once', async () => {
    const throwing = () => {
      throw new Error('thrown')
    }
    for (const now of [true, false]) {
      const queue = new CallQueue<'save'>()
      await expect(queue.run('save', throwing, now)).rejects.toThrow('thrown')
      expect(queue.idle).toBe(true)
    }
  })

  it('lets calls wait for what else is under way, whose failure is not theirs', async () => {
    const queue = new CallQueue<'save'>()
    let end!: (error: Error) => void
    queue.occupy(new Promise((_resolve, reject) => (end = reject)))
    const started = jest.fn(async () => 1)
    const call = queue.run('save', started, true)
    await new Promise(setImmediate)
    expect([queue.idle, started.mock.calls.length]).toEqual([false, 0])
    end(new Error('of something else'))
    expect(await call).toBe(1)
    expect([queue.idle, queue.unheard, await queue.settled()]).toEqual([true, undefined, undefined])
  })

  it('hands on each failure, whether its caller hears of it or not', async () => {
    const failed = jest.fn()
    const queue = new CallQueue<'save'>(failed)
    await queue.run('save', failing).catch(ignore)
    void queue.run('save', failing)
    void queue.refuse('save', new Error('refused'))
    await queue.settled()
    expect(failed.mock.calls.map(([error]) => (error as Error).message).sort()).toEqual([
      'failed',
      'failed',
      'refused'
    ])
  })

  it('forgives the failures that are meant, and no others', async () => {
    const queue = new CallQueue<'save' | 'touch'>()
    void queue.run('touch', failing)
    void queue.run('save', failing)
    await queue.settled()
    queue.forgive(({ call }) => call === 'touch')
    expect(queue.unheard?.call).toBe('save')
    queue.forgive(({ call }) => call === 'save')
    expect(queue.unheard).toBeUndefined()
  })

  it('forgets no failure that nobody heard of for many that their callers heard of', async () => {
    const queue = new CallQueue<'save'>()
    void queue.refuse('save', new Error('unheard'))
    for (let n = 0; n < 200; n++) await queue.run('save', failing).catch(ignore)
    expect(queue.unheard?.error).toMatchObject({ message: 'unheard' })
  })

  it('remembers a hundred failures, however long a session without a request lives', async () => {
    const queue = new CallQueue<'save'>()
    for (let n = 0; n < 101; n++) void queue.run('save', () => Promise.reject(new Error(`number ${n}`)))
    await queue.settled()
    expect(queue.unheard?.error).toMatchObject({ message: 'number 1' })
  })
})
