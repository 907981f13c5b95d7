import { isNativeError } from 'node:util/types'
import { PROTOCOLS, Signal } from '../support/hold-http'
import { HeldServer, type Held } from '../support/hold-rig'

describe.each(PROTOCOLS)('the client hangs up, over %s', (protocol) => {
  /** Runs `before`, has the client hang up, and then runs `after`. */
  const hangUp = async (
    before: (held: Held) => unknown,
    after: (held: Held) => unknown = () => undefined
  ) => {
    const done = new Signal('the handler')
    const rig = await HeldServer.open(protocol, async (held) => {
      const closed = new Signal('close')
      held.res.on('close', () => closed.resolve())
      await before(held)
      exchange.hangUp()
      await closed.seen
      await after(held)
      done.resolve()
    })
    const exchange = rig.ask()
    await done.seen
    return rig
  }

  it('before the response began', async () => {
    const rig = await hangUp(() => undefined)
    expect(await rig.gate.hungUp.seen).toBe(false)
    expect(rig.gate.log).toEqual(['closed'])
  })

  it('after the response began', async () => {
    const rig = await hangUp(async ({ res, gate }) => {
      gate.changed = false
      res.write('x')
      gate.changed = true
    })
    expect(await rig.gate.hungUp.seen).toBe(true)
    expect(rig.gate.log).toEqual(['headers', 'closed'])
  })

  it('while the beginning of the response is held', async () => {
    const rig = await hangUp(
      ({ res }) => res.write('x'),
      ({ gate }) => gate.allow()
    )
    expect(await rig.gate.hungUp.seen).toBe(true)
    expect(rig.gate.log).toEqual(['commit', 'closed', 'committed', 'headers'])
  })

  it.each(['allow', 'refuse'] as const)(
    'while the end is held: nobody has to be told (%s)',
    async (answer) => {
      const unhandled = jest.fn()
      process.on('unhandledRejection', unhandled)
      const rig = await hangUp(
        ({ res }) => res.end('x'),
        async ({ gate }) => {
          gate[answer]()
          await new Promise(setImmediate)
        }
      )
      expect(rig.gate.log).not.toContain('closed')
      expect(rig.errors).toHaveLength(answer === 'allow' ? 0 : 1)
      process.off('unhandledRejection', unhandled)
      expect(unhandled).not.toHaveBeenCalled()
    }
  )

  it('and the handler ends its response all the same', async () => {
    const rig = await hangUp(
      () => undefined,
      async ({ res, gate }) => {
        res.end('x')
        await gate.asked()
        gate.allow()
        await new Promise(setImmediate)
      }
    )
    expect(rig.gate.log).toEqual(['closed', 'commit', 'committed', 'headers'])
  })

  it.each(['allow', 'refuse'] as const)('and the handler streams on (%s)', async (answer) => {
    const told = new Signal<unknown>('the callback')
    await hangUp(
      () => undefined,
      async ({ res, gate }) => {
        res.write('x', told.resolve)
        gate[answer]()
        await told.seen
        res.write('y')
        res.end()
      }
    )
    expect(isNativeError(await told.seen)).toBe(true)
  })

  it('nothing is said after the end', async () => {
    const closed = new Signal('close')
    const rig = await HeldServer.open(protocol, ({ res }) => {
      res.on('close', () => closed.resolve())
      res.end('x')
    })
    await rig.get()
    await closed.seen
    expect(rig.gate.log).toEqual(['commit', 'committed', 'headers'])
  })
})
