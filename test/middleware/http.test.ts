import { once } from 'node:events'
import { request } from 'node:http'
import { listen } from '../support/events'
import { returning, until, type Handler, type Site, type Visitor } from '../support/site'

/** A visit whose client hangs up when the handler says so. */
function hangUp(
  site: Site,
  visitor: Visitor,
  handler: (...args: [...Parameters<Handler>, () => Promise<unknown>]) => unknown
) {
  const finished = new Promise<void>((resolve) => {
    const headers = site.route(async (s, req, res) => {
      const leave = async () => {
        const closed = once(res, 'close')
        asked.destroy()
        await closed
      }
      await handler(s, req, res, leave)
      resolve()
      // Whatever the handler left open is nobody's business.
      await new Promise(() => undefined)
    })
    const asked = request({
      ...{ host: '127.0.0.1', port: site.port, agent: false },
      headers: { ...headers, cookie: `sid=${visitor.cookie}` }
    })
    asked
      .on('error', () => undefined)
      .on('response', (response) => response.resume().on('error', () => undefined))
    asked.end()
  })
  return finished
}

async function open(): Promise<{ site: Site; visitor: Visitor; n: () => Promise<unknown> }> {
  const { site, visitor } = await returning()
  return { site, visitor, n: async () => (await site.stored(visitor.id))?.n }
}

describe('a client that hangs up', () => {
  it('before the response began: half of a handler’s work is dropped, with a message', async () => {
    const { site, visitor, n } = await open()
    const heard = listen()
    let handle!: string
    await hangUp(site, visitor, async (s, _req, _res, leave) => {
      s.n = 2
      handle = s.handle
      await leave()
    })
    expect(heard['holdfast:dropped']).toEqual([{ handle, reason: 'client closed' }])
    expect([await n(), site.store.log]).toEqual([1, 'get'])
  })

  it('before the response began, and nothing was changed: no message', async () => {
    const { site, visitor } = await open()
    const heard = listen()
    await hangUp(site, visitor, async (s, _req, _res, leave) => {
      expect(s.n).toBe(1)
      await leave()
    })
    expect(heard['holdfast:dropped']).toEqual([])
  })

  it('after the response began: what was changed is committed', async () => {
    const { site, visitor, n } = await open()
    await hangUp(site, visitor, async (s, _req, res, leave) => {
      await new Promise<void>((resolve) => res.write('begun', () => resolve()))
      s.n = 2
      await leave()
    })
    await until(async () => (await n()) === 2)
    expect(site.store.log).toBe('get set')
  })

  it('and a handler that ends its response all the same: the commit happens', async () => {
    const { site, visitor, n } = await open()
    await hangUp(site, visitor, async (s, _req, res, leave) => {
      await leave()
      s.n = 2
      res.end('done')
    })
    await until(async () => (await n()) === 2)
  })

  it('with something in the session that cannot be stored: nothing breaks', async () => {
    const { site, visitor, n } = await open()
    await hangUp(site, visitor, async (s, _req, res, leave) => {
      await new Promise<void>((resolve) => res.write('begun', () => resolve()))
      s.n = 1n
      await leave()
    })
    expect([await n(), site.store.log]).toEqual([1, 'get'])
    expect(await visitor.ask((s) => s.n)).toBe(1)
  })

  it('while the store is down: nothing breaks', async () => {
    const { site, visitor, n } = await open()
    const heard = listen()
    site.store.next('set', () => Promise.reject(new Error('down')))
    await hangUp(site, visitor, async (s, _req, res, leave) => {
      await new Promise<void>((resolve) => res.write('begun', () => resolve()))
      s.n = 2
      await leave()
    })
    await until(() => heard['holdfast:error'].length > 0)
    expect([await n(), site.store.log]).toEqual([1, 'get set'])
  })
})
