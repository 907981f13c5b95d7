import { bounded, PROTOCOLS } from '../support/hold-http'
import { hasLeft, HeldServer } from '../support/hold-rig'

const HINTS = { link: '</style.css>; rel=preload; as=style' }

describe.each(PROTOCOLS)('informational responses pass, over %s', (protocol) => {
  it.each(['before', 'while'])('%s the response is held', async (when) => {
    const statuses: number[] = []
    const rig = await HeldServer.open(protocol, async ({ res, gate }) => {
      const inform = async () => {
        const came = new Promise<void>((resolve) => {
          exchange.onInformation = (status) => {
            statuses.push(status)
            if (status === 103) resolve()
          }
        })
        res.writeContinue()
        // HTTP/2 has no 102 in Node.
        if (protocol === 'HTTP/1.1') res.writeProcessing()
        res.writeEarlyHints(HINTS)
        await bounded(came, 'the hints')
      }
      if (when === 'before') await inform()
      res.setHeader('X-A', '1')
      res.end('x')
      if (when === 'while') await inform()
      if (protocol === 'HTTP/2') expect(hasLeft(res)).toBe(false)
      expect(gate.log).toEqual(['commit'])
      gate.allow()
    })
    const exchange = rig.ask()
    expect(await exchange.ended.seen).toMatchObject({ status: 200, body: 'x', headers: { 'x-a': '1' } })
    // Node's client takes a 100 for itself, and speaks of it in another event.
    expect(statuses).toEqual(protocol === 'HTTP/1.1' ? [100, 102, 103] : [100, 103])
  })
})
