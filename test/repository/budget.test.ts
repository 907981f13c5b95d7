import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { Budget } from '../../lib/repository/budget'
import { SessionError } from '../../lib/errors'
import { advance } from '../support/clock'
import { atEnd } from '../support/serve'

const silent = () => new Promise<never>(() => undefined)
// For budgets that time on this test's own clock uses up: a test that waits for all of one would hang.
const LONG = 600_000
const timeout = { code: 'ERR_SESSION_TIMEOUT', status: 503 }

const stall = (ms: number) => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('Budget', () => {
  it('answers what the store answers', async () => {
    expect(await new Budget(5000).run(async () => 'text')).toBe('text')
    expect(await new Budget(5000).run(async () => null)).toBeNull()
  })

  it('stops waiting at its deadline, not before', async () => {
    const start = performance.now()
    await expect(new Budget(60).run(silent)).rejects.toMatchObject(timeout)
    expect(performance.now() - start).toBeGreaterThanOrEqual(55)
  })

  it('says in the error how long it waited', async () => {
    await expect(new Budget(10).run(silent)).rejects.toThrow('within 10 ms')
  })

  it('is one for all that is asked through it', async () => {
    const budget = new Budget(LONG)
    await budget.run(async () => advance(LONG - 100))
    await expect(budget.run(silent)).rejects.toMatchObject(timeout)
  })

  it('does not ask once it is used up', async () => {
    const budget = new Budget(10)
    await expect(budget.run(silent)).rejects.toMatchObject(timeout)
    const ask = jest.fn(async () => 'text')
    await expect(budget.run(ask)).rejects.toMatchObject(timeout)
    expect(ask).not.toHaveBeenCalled()
  })

  it('does not count what happens between two questions', async () => {
    const budget = new Budget(LONG)
    await budget.run(async () => 1)
    advance(2 * LONG)
    expect(await budget.run(async () => 2)).toBe(2)
  })

  it('does not count stalls of this process, neither one that is longer than itself nor several that are together', async () => {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    atEnd(server, (it) => it.close())
    await once(server, 'listening')
    const socket = atEnd(connect((server.address() as AddressInfo).port, '127.0.0.1'), (it) => it.destroy())
    await once(socket, 'connect')
    for (const stalls of [[1300], [700, 700, 700]]) {
      // A timer that is still set for a budget from before would see the stall in time.
      await expect(new Budget(1).run(silent)).rejects.toMatchObject(timeout)
      const budget = new Budget(1000)
      for (const ms of [...stalls, 0]) {
        await budget.run(() => {
          setImmediate(stall, ms)
          socket.write('x')
          return once(socket, 'data')
        })
      }
    }
  })

  it('counts pauses', async () => {
    // A timer that is still set for a budget from before would take the jump of the clock for a stall.
    await expect(new Budget(1).run(silent)).rejects.toMatchObject(timeout)
    const budget = new Budget(LONG)
    const pause = budget.pause(1)
    advance(LONG)
    await pause
    await expect(budget.run(async () => 1)).rejects.toMatchObject(timeout)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['rejects', () => Promise.reject(new Error('down'))],
    [
      'throws',
      () => {
        throw new Error('down')
      }
    ]
  ])("gives the store's error as the cause, where it %s", async (_how, ask) => {
    const failure = await new Budget(5000).run(ask).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'ERR_SESSION_STORE', status: 503, cause: { message: 'down' } })
    expect(failure).not.toMatchObject({ message: expect.stringContaining('down') })
  })

  it('passes on an error of our own as it is', async () => {
    const own = new SessionError('ERR_SESSION_DATA', 'too large')
    await expect(new Budget(5000).run(() => Promise.reject(own))).rejects.toBe(own)
  })

  it('ignores what comes too late, an error as well', async () => {
    let answer!: (error: Error) => void
    const late = new Promise<never>((_resolve, reject) => (answer = reject))
    await expect(new Budget(10).run(() => late)).rejects.toMatchObject(timeout)
    answer(new Error('late'))
    await expect(late).rejects.toThrow('late')
  })

  it('is spent by failures, too', async () => {
    const budget = new Budget(LONG)
    const failing = budget.run(async () => {
      advance(LONG)
      throw new Error('late')
    })
    await expect(failing).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    await expect(budget.run(async () => 1)).rejects.toMatchObject(timeout)
  })

  it('takes what a store answers at once for its answer', async () => {
    expect(await new Budget(5000).run((() => 'text') as never)).toBe('text')
    expect(await new Budget(5000).run((() => undefined) as never)).toBeUndefined()
  })

  const unsent = Object.assign(new Error('down'), { unsent: true })
  it.each<['load' | 'commit', boolean, unknown, RegExp]>([
    ['load', false, silent, /did not answer within 10 ms; the session could not be read$/],
    [
      'commit',
      false,
      silent,
      /did not answer within 10 ms; if this was a write, nobody knows whether it was applied$/
    ],
    [
      'load',
      false,
      new Error('down'),
      /store failed; its error is the cause, and the session could not be read$/
    ],
    [
      'commit',
      false,
      new Error('down'),
      /store failed; its error is the cause, and if this was a write, nobody knows/
    ],
    [
      'commit',
      false,
      undefined,
      /store failed; its error is the cause, and if this was a write, nobody knows/
    ],
    ['commit', false, unsent, /could not be asked; its error is the cause, and nothing was written$/],
    ['commit', true, unsent, /could not be asked any more; .* a part may have been applied before$/]
  ])('says of a %s what became of it (sent before: %s): %p', async (operation, hasSent, reason, message) => {
    const budget = new Budget(10, operation)
    if (hasSent) await budget.run(async () => 1)
    const ask = reason === silent ? silent : () => Promise.reject(reason)
    await expect(budget.run(ask)).rejects.toThrow(message)
  })

  it('lets others come first for a while, and four times in any case', async () => {
    const budget = new Budget(LONG)
    for (let i = 0; i < 20; i++) budget.contested()
    advance(LONG + 1)
    expect(() => budget.contested()).toThrow(/^others changed the session each time .*: nothing was written$/)
    const slow = new Budget(LONG)
    await slow.run(async () => advance(LONG * 0.8))
    for (let i = 0; i < 4; i++) slow.contested()
    expect(() => slow.contested()).toThrow(expect.objectContaining({ code: 'ERR_SESSION_TIMEOUT' }))
  })

  it('tells whether an answer came, in time or not', async () => {
    const heard: boolean[] = []
    const ask = (budget: Budget, run: () => Promise<unknown>) =>
      new Promise<void>((resolve) => {
        const done = () => resolve()
        budget.ask(run, done, done, (isAnswer) => void heard.push(isAnswer))
      })
    await ask(new Budget(5000), async () => 1)
    await ask(new Budget(5000), () => Promise.reject(new Error('down')))
    let answer!: () => void
    const late = new Promise<void>((resolve) => (answer = resolve))
    await ask(new Budget(10), () => late)
    expect(heard).toEqual([true, true, false])
    answer()
    await late
    expect(heard).toEqual([true, true, false, true])
  })
})
