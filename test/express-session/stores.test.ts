import { setTimeout as delay } from 'node:timers/promises'
import ours from '../../lib/express-session'
import { MemoryTable } from '../../lib/stores/memory/table'
import { advance, stopClock } from '../support/clock'
import { Halt } from '../support/halt'
import { Gates } from './support/gates'
import { hang } from './support/hang'
import { asked, both, count, done, kept as get, lengthOf, Site, storeOf, visits } from './support/both'
import type { Bag, Module, StoreLike } from './support/both'

const session = (n: number, expires: Date | null = null) => ({ n, cookie: { expires, originalMaxAge: null } })

/** A store written for express-session, by the least that one needs. */
function least(module: Module) {
  const texts = new Map<string, string>()
  class Least extends (module.Store as unknown as new () => object) {
    readonly texts = texts
    get(id: string, done: (error: unknown, session?: unknown) => void) {
      const text = texts.get(id)
      setImmediate(done, null, text === undefined ? null : JSON.parse(text))
    }
    set(id: string, data: object, done?: (error?: unknown) => void) {
      texts.set(id, JSON.stringify(data))
      if (done) setImmediate(done)
    }
    destroy(id: string, done?: (error?: unknown) => void) {
      texts.delete(id)
      if (done) setImmediate(done)
    }
  }
  return new Least() as unknown as StoreLike & { texts: Map<string, string> }
}

describe.each(both)('%s', (_, module) => {
  test('get, set and destroy are enough', async () => {
    stopClock()
    const store = least(module)
    const site = await Site.of(module, { store, cookie: { maxAge: 60_000 } }, visits)
    await site.get()
    expect((await site.get()).text).toBe('2')
    expect(JSON.parse(store.texts.get(site.id)!)).toMatchObject({ n: 2, cookie: { originalMaxAge: 60_000 } })
  })

  test('methods are looked up at request time, and called once', async () => {
    const site = await Site.of(module, { unset: 'destroy' }, (req, res) => {
      if (req.url === '/end') Object.assign(req, { session: null })
      else req.session.n = 1
      res.end()
    })
    await site.get()
    const counted = ['get', 'set', 'touch', 'destroy'].map((name) => count(site.store, name))
    const calls = () => counted.map((one) => one.calls.splice(0).length)
    await site.get()
    expect(calls()).toEqual([1, 0, 1, 0])
    const { cookie } = site
    await site.get('/end')
    expect(calls()).toEqual([1, 0, 0, 1])
    site.cookie = cookie
    await site.get()
    expect(calls()).toEqual([1, 1, 0, 0])
  })

  test('set is handed the session itself', async () => {
    let seen: unknown
    const site = await Site.of(module, {}, (req, res) => {
      seen = req.session
      return visits(req, res)
    })
    const set = count(site.store, 'set')
    await site.get()
    expect(set.calls[0]![1]).toBe(seen)
  })

  test('MemoryStore answers on a later tick, and gives copies', async () => {
    const store = storeOf(module)
    let isLater = false
    await new Promise<void>((resolve) => {
      store.set('a', session(1), () => {
        expect(isLater).toBe(true)
        resolve()
      })
      isLater = true
    })
    const first = await get(store, 'a')
    first!.n = 2
    expect((await get(store, 'a'))!.n).toBe(1)
    expect(await get(store, 'b')).toBeUndefined()
  })

  test('all, length and clear', async () => {
    const store = storeOf(module)
    for (const id of ['a', 'b']) await asked((done) => store.set(id, session(1), done))
    expect(await asked((done) => store.all(done))).toEqual({ a: session(1), b: session(1) })
    expect(await lengthOf(store)).toBe(2)
    await asked((done) => store.destroy('a', done))
    expect(await lengthOf(store)).toBe(1)
    await done((end) => store.clear(end))
    expect(await lengthOf(store)).toBe(0)
  })

  test('what is past its end is gone', async () => {
    const store = storeOf(module)
    await asked((done) => store.set('a', session(1, new Date(Date.now() + 60_000)), done))
    await asked((done) => store.set('b', session(1), done))
    expect((await get(store, 'a'))!.n).toBe(1)
    advance(60_001)
    expect(await get(store, 'a')).toBeUndefined()
    expect(Object.keys((await asked<object>((done) => store.all(done)))!)).toEqual(['b'])
  })

  test('touch renews, and never brings back', async () => {
    const store = storeOf(module)
    const end = (ms: number) => session(1, new Date(Date.now() + ms))
    await asked((done) => store.set('a', end(60_000), done))
    await asked((done) => store.touch('a', { ...end(600_000), n: 7 }, done))
    await asked((done) => store.touch('b', end(600_000), done))
    advance(120_000)
    expect(await get(store, 'a')).toMatchObject({ n: 1 })
    expect(await get(store, 'b')).toBeUndefined()
  })

  test('a store may be used without a callback', async () => {
    const store = storeOf(module)
    store.set('a', session(1))
    await new Promise((resolve) => setImmediate(resolve))
    expect((await get(store, 'a'))!.n).toBe(1)
    store.touch('a', session(1), () => undefined)
    store.destroy('a')
    await new Promise((resolve) => setImmediate(resolve))
    expect(await get(store, 'a')).toBeUndefined()
  })
})

describe('holdfast', () => {
  const stores: [string, () => StoreLike][] = [
    ['MemoryStore', () => storeOf(ours)],
    ['a store with callbacks', () => least(ours)]
  ]

  test.each<[string, (done: (error?: unknown) => void) => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('boom!')
      },
      'boom!'
    ],
    ['rejects', () => Promise.reject(new Error('boom!')), 'boom!'],
    ['never answers', () => undefined, 'did not answer within 100 ms']
  ])('a store that %s fails the request, and no request hangs', async (_name, fault, message) => {
    for (const name of ['get', 'set', 'destroy'] as const) {
      const store = least(ours)
      const site = await Site.of(ours, { store, unset: 'destroy', timeout: 100 }, (req, res) => {
        if (req.url === '/end') Object.assign(req, { session: null })
        return req.session ? visits(req, res) : res.end()
      })
      await site.get()
      store[name] = (...args: unknown[]) => fault(args.at(-1) as () => void)
      const answer = await site.get(name === 'destroy' ? '/end' : '/')
      expect(answer.status).toBe(message === 'boom!' ? 500 : 503)
      expect(answer.text).toContain(message)
    }
  })

  test('of a store that answers twice the first answer counts', async () => {
    const store = least(ours)
    const { get, set } = store
    store.get = (id, done) =>
      get.call(store, id, (error, found) => {
        done(error, found)
        done(new Error('boom!'))
      })
    store.set = (id, data, done) =>
      set.call(store, id, data, () => {
        done?.()
        done?.(new Error('boom!'))
      })
    const site = await Site.of(ours, { store }, visits)
    await site.get()
    expect((await site.get()).text).toBe('2')
  })

  test.each(stores)('%s: requests that change different keys at once lose nothing', async (_name, make) => {
    const store = make()
    let arrived = 0
    let all!: () => void
    const together = new Promise<void>((resolve) => (all = resolve))
    const site = await Site.of(ours, { store }, async (req, res) => {
      if (req.url !== '/') {
        if (++arrived === 10) all()
        await together
      }
      req.session[req.url!] = true
      res.end()
    })
    await site.get()
    const paths = Array.from({ length: 10 }, (_, i) => `/${i}`)
    await Promise.all(paths.map((path) => site.get(path)))
    expect(Object.keys((await get(store, site.id))!).sort()).toEqual(['/', ...paths, 'cookie'].sort())
  })

  test.each(stores)('%s: a session that was ended meanwhile stays gone', async (_name, make) => {
    const store = make()
    const gates = new Gates()
    const site = await Site.of(ours, { store, resave: true }, async (req, res) => {
      await gates.pass(req.headers['x-gate'] as string | undefined)
      if (req.url !== '/look') req.session.n = ((req.session.n as number | undefined) ?? 0) + 1
      res.end('done')
    })
    const ended = async (path: string) => {
      site.cookies.clear()
      await site.get()
      const { id } = site
      const { gate, headers } = gates.close()
      const answer = site.get(path, headers)
      await gate.reached
      await asked((done) => store.destroy(id, done))
      gate.go()
      const { status, setCookies } = await answer
      expect(await get(store, id)).toBeFalsy()
      return [status, setCookies]
    }
    expect(await ended('/change')).toEqual([409, []])
    // A request that changed nothing loses nothing.
    expect(await ended('/look')).toEqual([200, []])
  })

  test.each(stores)('%s: a longer life that another request gave is not undone', async (_name, make) => {
    const store = make()
    const halt = new Halt()
    const site = await Site.of(ours, { store }, async (req, res) => {
      if (req.url === '/slow') {
        await halt.here()
        req.session.slow = true
      } else if (req.url === '/remember') req.session.cookie.maxAge = 1e9
      else req.session.n = 1
      res.end()
    })
    await site.get()
    const slow = site.get('/slow')
    await halt.reached
    await site.get('/remember')
    halt.go()
    expect((await slow).status).toBe(200)
    expect(await get(store, site.id)).toMatchObject({ slow: true, n: 1, cookie: { originalMaxAge: 1e9 } })
  })

  test('a store that changes the session when it is handed it', async () => {
    const store = least(ours)
    const { set } = store
    let sets = 0
    store.set = (id, data, done) => {
      ;(data as Bag).__lastAccess = ++sets
      set.call(store, id, data, done)
    }
    const site = await Site.of(ours, { store }, (req, res) => {
      req.session.n = 1
      res.write('a')
      res.end('b')
    })
    await site.get()
    await site.get()
    expect(sets).toBe(1)
    expect((await get(store, site.id))!.__lastAccess).toBe(1)
  })

  test('what a store put on the session that JSON cannot tell comes back to it', async () => {
    const store = least(ours)
    const { get: read, set } = store
    const seen: unknown[] = []
    store.get = (id, done) =>
      read.call(store, id, (error, found) =>
        done(error, found && Object.assign(found, { lastModified: new Date(5) }))
      )
    store.touch = (_id, data, done) => {
      seen.push((data as Bag).lastModified)
      done?.()
    }
    store.set = (id, data, done) => {
      seen.push((data as Bag).lastModified)
      set.call(store, id, data, done)
    }
    const site = await Site.of(ours, { store }, (req, res) => {
      if (req.url === '/change') req.session.change = true
      else req.session.n = 1
      res.end()
    })
    await site.get()
    await site.get()
    await site.get('/change')
    expect(seen).toEqual([undefined, new Date(5), new Date(5)])
  })

  test('what a store puts on the session is of the same kind after a change by another request', async () => {
    const store = least(ours)
    const { get: read, set } = store
    let reads = 0
    const seen: unknown[] = []
    store.get = (id, done) =>
      read.call(store, id, (error, found) =>
        done(error, found && Object.assign(found, { raw: Buffer.from([++reads]), at: new Date(reads) }))
      )
    store.set = (id, data, done) => {
      const { raw, at } = data as Bag
      seen.push([Buffer.isBuffer(raw), at instanceof Date])
      set.call(store, id, data, done)
    }
    const site = await Site.of(ours, { store }, async (req, res) => {
      req.session.n = 1
      if (req.url === '/outer') {
        await site.get('/inner')
        req.session.outer = true
      }
      if (req.url === '/inner') req.session.inner = true
      res.end()
    })
    await site.get()
    await site.get('/outer')
    expect(seen).toEqual([
      [false, false],
      [true, true],
      [true, true]
    ])
    expect(await get(store, site.id)).toMatchObject({ inner: true, outer: true })
  })

  test('what has expired leaves the memory by itself', async () => {
    const removed = jest.spyOn(MemoryTable.prototype, 'remove')
    const store = storeOf(ours)
    // All in one turn: none may expire before it is stored, however slow the machine is.
    const stored = Array.from({ length: 100 }, (_, i) =>
      asked((done) => store.set(`${i}`, session(i, new Date(Date.now() + 500)), done))
    )
    await Promise.all(stored)
    while (removed.mock.calls.length < 100) await delay(20)
    removed.mockRestore()
  })

  test('the response waits for a save that nobody waits for', async () => {
    const site = await Site.of(ours, {}, (req, res) => {
      req.session.n = 1
      void req.session.save()
      res.end()
    })
    const held = hang(site.store, 'set')
    let isThere = false
    const answer = site.get().finally(() => (isThere = true))
    await held.reached
    await delay(50)
    expect(isThere).toBe(false)
    held.go()
    expect((await answer).status).toBe(200)
    expect((await get(site.store, site.id))!.n).toBe(1)
  })
})
