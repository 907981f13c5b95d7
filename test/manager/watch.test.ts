import { AsyncLocalStorage } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import session, { MemoryStore, type Ended, type Session, type SessionOptions, type Store } from '../../lib'
import { advance } from '../support/clock'
import { codeOf } from '../support/outcome'
import { CountingStore, fails } from '../support/counting-store'
import { returning, secret, until, type Bag, type Handler, type Visitor } from '../support/site'

/** A visitor with a session, and a socket of theirs that another process holds. */
async function socket(options: Partial<SessionOptions> = {}) {
  const { site, visitor } = await returning(options)
  const sessions = session({ secret, ...options, store: site.store })
  const upgrade = { headers: { cookie: `sid=${visitor.cookie}` } }
  const loaded = (await sessions.open(upgrade)) as Bag
  const close = jest.fn()
  const stop = sessions.onDestroy(loaded, close)
  await asked()
  return { site, visitor, sessions, loaded, close, stop, upgrade }
}

/** Until the store has said what it was asked by then. */
const asked = () => new Promise((resolve) => setTimeout(resolve, 5))

afterEach(() => {
  jest.restoreAllMocks()
  jest.useRealTimers()
})

describe('fn is called once when the session', () => {
  test.each<[string, Handler]>([
    ['is destroyed', (s) => s.destroy()],
    ['is set to null', (_s, req) => void Object.assign(req, { session: null })],
    ['is replaced by regenerate', (s) => s.regenerate()],
    ['is replaced by regenerate with some keys', (s) => s.regenerate({ keep: ['n'] as never })]
  ])('%s by a request', async (_, handler) => {
    const { visitor, close } = await socket()
    await visitor.ask(handler)
    expect(close).toHaveBeenCalledTimes(1)
  })

  test('is destroyed by anybody, in the context of who called onDestroy', async () => {
    const { visitor, sessions, loaded } = await socket()
    const callers = new AsyncLocalStorage<string>()
    const ended = new Promise((resolve) =>
      callers.run('the socket', () => sessions.onDestroy(loaded, () => resolve(callers.getStore())))
    )
    await visitor.ask((s) => callers.run('a request', () => s.destroy()))
    expect(await ended).toBe('the socket')
  })

  test('is destroyed by the socket itself, or was destroyed before', async () => {
    const { sessions, loaded, close } = await socket()
    await loaded.destroy()
    expect(close).toHaveBeenCalledTimes(1)
    await new Promise<void>((resolve) => sessions.onDestroy(loaded, resolve))
  })

  test('makes room in a MemoryStore that is full', async () => {
    const store = new MemoryStore({ maxBytes: 1000 })
    const { close } = await socket({ store })
    await store.set('other', 'x'.repeat(800), 60_000, null)
    expect(close).toHaveBeenCalledTimes(1)
  })

  test('has not been used for its idle timeout', async () => {
    const { site, visitor, sessions, loaded } = await socket()
    const { id } = visitor
    const { inner } = site.store
    await inner.touch(id, 100)
    const ended = new Promise((resolve) => sessions.onDestroy(loaded, () => resolve(inner.get(id))))
    // It is used once more, and then no more.
    await inner.touch(id, 300)
    expect(await ended).toBeNull()
  })

  test('is past its lifetime, however much it is used', async () => {
    const HOUR = 3_600_000
    const { loaded, visitor, sessions } = await socket({ lifetime: HOUR })
    advance(HOUR - 200)
    const began = parseInt(loaded.handle.replace('-', '').slice(0, 12), 16)
    let ended = 0
    sessions.onDestroy(loaded, () => (ended = Date.now()))
    await until(async () => ended > 0 || (await visitor.visit((s) => s.n)).text !== '1')
    await until(() => ended > 0)
    expect(ended - began).toBeGreaterThanOrEqual(HOUR)
  })

  test('is destroyed, for each that watches, though one of them throws', async () => {
    const { visitor, sessions, loaded, close } = await socket()
    const others = [jest.fn(), jest.fn()]
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation()
    sessions.onDestroy(loaded, others[0]!)
    sessions.onDestroy(loaded, () => {
      throw new Error('the socket is not there')
    })
    sessions.onDestroy(loaded, others[1]!)
    await visitor.ask((s) => s.destroy())
    for (const fn of [close, ...others]) expect(fn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining('the socket is not there'), { code: 'HOLDFAST_ON_DESTROY' }]
    ])
  })

  test('is destroyed, though fn rejects', async () => {
    const { visitor, sessions, loaded } = await socket()
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation()
    sessions.onDestroy(loaded, () => Promise.reject(new Error('the socket is not there')))
    await visitor.ask((s) => s.destroy())
    await until(() => warn.mock.calls.length > 0)
    expect(warn.mock.calls).toMatchObject([[expect.anything(), { code: 'HOLDFAST_ON_DESTROY' }]])
  })
})

describe('fn is not called', () => {
  test('after it was stopped, and the other one is', async () => {
    const { visitor, sessions, loaded, close, stop } = await socket()
    const other = jest.fn()
    sessions.onDestroy(loaded, other)
    stop()
    stop()
    await visitor.ask((s) => s.destroy())
    expect(close).not.toHaveBeenCalled()
    expect(other).toHaveBeenCalledTimes(1)
  })

  test('when another session ends, or this one is used and changed', async () => {
    const { site, visitor, close, loaded } = await socket()
    await visitor.ask((s) => void (s.n = 2))
    await loaded.update((s) => void (s.n = 3))
    const other = site.visitor()
    await other.ask((s) => void (s.n = 1))
    await other.ask((s) => s.destroy())
    expect(close).not.toHaveBeenCalled()
  })
})

describe('regenerate with keep: true is no end', () => {
  const move = (visitor: Visitor) => visitor.ask((s) => s.regenerate({ keep: true }))

  test('and the session that load gave goes on under the new id', async () => {
    const { visitor, loaded, close } = await socket()
    await move(visitor)
    await until(() => loaded.id === visitor.id)
    await loaded.update((s) => void (s.n = 2))
    expect(await visitor.ask((s) => s.n)).toBe(2)
    await move(visitor)
    await until(() => loaded.id === visitor.id)
    expect(close).not.toHaveBeenCalled()
    await visitor.ask((s) => s.destroy())
    expect(close).toHaveBeenCalledTimes(1)
  })

  test('for a session of a request, which keeps the id that it came with', async () => {
    const { site, visitor, sessions } = await socket()
    const close = jest.fn()
    let free!: () => void
    const streaming = visitor.clone().visit(async (s) => {
      sessions.onDestroy(s, close)
      await new Promise<void>((resolve) => (free = resolve))
      return s.id
    })
    await until(() => free !== undefined)
    const { id } = visitor
    await move(visitor)
    await until(async () => (await site.store.inner.get(id))?.includes('"moved":true') === true)
    free()
    expect(JSON.parse((await streaming).text)).toBe(id)
    expect(close).not.toHaveBeenCalled()
    await visitor.ask((s) => s.destroy())
    expect(close).toHaveBeenCalledTimes(1)
  })

  test('although the answer that the old id is gone comes before the message', async () => {
    const { store, tell } = deaf()
    const { visitor, close, sessions, loaded } = await socket({ store })
    const { id } = visitor
    await move(visitor)
    const other = jest.fn()
    sessions.onDestroy(loaded, other)
    await asked()
    tell({ id, successor: visitor.id })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(close).not.toHaveBeenCalled()
    expect(other).not.toHaveBeenCalled()
  })
})

test('of two sockets of one session, one goes on when the other is closed in the middle of a move', async () => {
  const { store, tell } = deaf()
  const { visitor, sessions, upgrade, stop } = await socket({ store })
  const loaded = (await sessions.open(upgrade)) as Bag
  const close = jest.fn()
  sessions.onDestroy(loaded, close)
  await asked()
  const { id } = visitor
  const move = () => visitor.ask((s) => s.regenerate({ keep: true }))
  await move()
  const middle = visitor.id
  const movedOn = new Promise<void>((resolve) => {
    let questions = 0
    store.always(async (ask, call) => {
      // Requests renew what they read, and watchers do not.
      if (call.id !== middle || call.ttl !== undefined) return ask()
      const question = ++questions
      if (question === 2) await move().then(() => resolve())
      if (question === 3) stop()
      return ask()
    }, 'get')
  })
  tell({ id, successor: middle })
  await movedOn
  tell({ id: middle, successor: visitor.id })
  await until(() => loaded.id === visitor.id)
  await loaded.update((s) => void (s.n = 2))
  expect(await visitor.ask((s) => s.n)).toBe(2)
  expect(close).not.toHaveBeenCalled()
})

test('an end under a new id that nobody here knew yet is found as soon as the id is', async () => {
  const { store, tell } = deaf()
  const { visitor, loaded, sessions } = await socket({ store })
  await visitor.ask((s) => s.regenerate({ keep: true }))
  const { life } = store
  const logout = async (id: string) => {
    const left = await life!(id)
    Object.assign(store, { life })
    await visitor.ask((s) => s.destroy())
    tell({ id })
    return left
  }
  Object.assign(store, { life: logout })
  const other = jest.fn()
  sessions.onDestroy(loaded, other)
  await until(() => other.mock.calls.length > 0)
})

/** A store that tells nothing but what the test says. */
function deaf() {
  const store = new CountingStore()
  let listener: ((ended: Ended) => void) | undefined
  let again: (() => void) | undefined
  const watch: Store['watch'] = (heard, resumed) => {
    listener = heard
    again = resumed
    return () => void (listener = again = undefined)
  }
  Object.assign(store, { watch })
  return {
    store,
    tell: (ended: Ended) => listener?.(ended),
    resume: () => again?.(),
    isWatched: () => listener !== undefined
  }
}

describe('where the message is lost', () => {
  test('the end is found when the store listens again', async () => {
    const { store, resume } = deaf()
    const { visitor, close } = await socket({ store })
    await visitor.ask((s) => s.destroy())
    resume()
    await until(() => close.mock.calls.length > 0)
  })

  test('as the store began to listen only after it was asked for the life, the end is found at once', async () => {
    const { store, resume } = deaf()
    const { visitor, sessions, loaded } = await socket({ store })
    const life = store.life!
    const endsMeanwhile = async (id: string) => {
      const left = await life(id)
      Object.assign(store, { life })
      await visitor.ask((s) => s.destroy())
      resume()
      return left
    }
    Object.assign(store, { life: endsMeanwhile })
    await new Promise<void>((resolve) => sessions.onDestroy(loaded, resolve))
  })

  test('and nobody notices that, the end is found within a minute', async () => {
    fakeTimers()
    const store = new MemoryStore()
    Object.assign(store, { watch: deaf().store.watch })
    await store.set('id', '{}', 3_600_000, null)
    const { watch, close } = await watched(store)
    await jest.advanceTimersByTimeAsync(180_000)
    expect(close).not.toHaveBeenCalled()
    await store.destroy('id')
    await jest.advanceTimersByTimeAsync(61_000)
    expect(close).toHaveBeenCalledTimes(1)
    const life = jest.spyOn(store, 'life')
    watch()
    await jest.advanceTimersByTimeAsync(180_000)
    expect(life).not.toHaveBeenCalled()
    await store.close()
  })

  test('and the store cannot say, it is asked again', async () => {
    fakeTimers()
    const store = new CountingStore()
    await store.set('id', '{}', 3_600_000, null)
    Object.assign(store, { watch: deaf().store.watch })
    const life = jest.fn(() => fails(() => Promise.resolve(), { operation: 'get', id: 'id', ttl: undefined }))
    Object.assign(store, { life })
    const { close } = await watched(store)
    await jest.advanceTimersByTimeAsync(20_000)
    expect(life.mock.calls.length).toBeGreaterThan(2)
    expect(close).not.toHaveBeenCalled()
    life.mockImplementation(() => Promise.resolve(null))
    await jest.advanceTimersByTimeAsync(10_000)
    expect(close).toHaveBeenCalledTimes(1)
  })

  const fakeTimers = () =>
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'Date', 'performance'] })

  /** Watches what the store keeps under `id`. */
  async function watched(store: Store) {
    const sessions = session({ secret, store, signed: false, name: 'sid' })
    const loaded = (await sessions.open({ headers: { cookie: 'sid=id' } })) as Session
    const close = jest.fn()
    return { watch: sessions.onDestroy(loaded, close), close }
  }
})

test('the store is watched as long as somebody watches a session', async () => {
  const { store, resume, isWatched } = deaf()
  const { sessions, loaded, visitor, stop } = await socket({ store })
  const more = sessions.onDestroy(loaded, () => undefined)
  stop()
  expect(isWatched()).toBe(true)
  more()
  expect(isWatched()).toBe(false)
  const ended = new Promise<void>((resolve) => sessions.onDestroy(loaded, resolve))
  expect(isWatched()).toBe(true)
  await visitor.ask((s) => s.destroy())
  resume()
  await ended
  expect(isWatched()).toBe(false)
})

describe('a handle', () => {
  test('stands for the session that load gave', async () => {
    const { visitor, sessions, loaded } = await socket()
    const close = jest.fn()
    sessions.onDestroy(loaded.handle, close)
    await visitor.ask((s) => s.destroy())
    expect(close).toHaveBeenCalledTimes(1)
  })

  test('is not known any more when nothing uses its session', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const { visitor, sessions } = await socket()
    await visitor.ask((s) => s.regenerate())
    const cookie = `sid=${visitor.cookie}`
    const handle = await sessions.open({ headers: { cookie } }).then((loaded) => loaded!.handle)
    await until(async () => {
      collect()
      return (await codeOf((async () => sessions.onDestroy(handle, () => undefined)())())) !== 'done'
    })
  })

  test('of a session that load did not give is not known', async () => {
    const { visitor, sessions } = await socket()
    const other = visitor.clone()
    const handle = await other.ask(async (s) => (await s.regenerate()).handle)
    expect(() => sessions.onDestroy(handle, () => undefined)).toThrow(/not known here/)
  })
})

describe('onDestroy refuses', () => {
  test.each<[string, unknown, unknown, RegExp]>([
    ['what is no session', undefined, () => undefined, /takes a session/],
    ['what is no function', 'handle', undefined, /takes a function/],
    ['a handle that nobody knows', 'handle', () => undefined, /not known here/]
  ])('%s', async (_, which, fn, message) => {
    const sessions = session({ secret })
    expect(() => sessions.onDestroy(which as never, fn as never)).toThrow(message)
    expect(await codeOf((async () => sessions.onDestroy(which as never, fn as never))())).toBe(
      'ERR_SESSION_OPTIONS'
    )
  })

  test('a session that is not stored, until it is', async () => {
    const { sessions, site } = await socket()
    const answer = await site.visitor().ask(async (s) => {
      const refused = await codeOf((async () => sessions.onDestroy(s, () => undefined))())
      s.n = 1
      await s.save()
      sessions.onDestroy(s, () => undefined)()
      return refused
    })
    expect(answer).toBe('ERR_SESSION_OPTIONS')
  })

  test('a session that is not loaded, until it is', async () => {
    const { sessions, site, visitor } = await socket({ load: 'lazy' })
    const close = jest.fn()
    const answer = await visitor.ask(async (s) => {
      const refused = await codeOf((async () => sessions.onDestroy(s, () => undefined))())
      await s.load()
      sessions.onDestroy(s, close)
      return refused
    })
    expect(answer).toBe('ERR_SESSION_NOT_LOADED')
    await visitor.ask((s) => s.destroy())
    expect(close).toHaveBeenCalledTimes(1)
    await site.stop()
  })

  test.each(['life', 'watch'])('a store without %s', async (lacking) => {
    const store = Object.assign(new CountingStore(), { [lacking]: undefined })
    expect(await codeOf(socket({ store }))).toBe('ERR_SESSION_OPTIONS')
  })

  test('the session that valid looks at', async () => {
    const { site, upgrade } = await socket()
    let refused: unknown
    const sessions = session({
      secret,
      store: site.store,
      valid(_req, s): boolean {
        try {
          sessions.onDestroy(s, () => undefined)
        } catch (error) {
          refused = error
        }
        return true
      }
    })
    await sessions.open(upgrade)
    expect(refused).toMatchObject({ code: 'ERR_SESSION_OPTIONS' })
  })
})

test('onDestroy says that watch of a store gave no function to stop it', async () => {
  const watch = () => Promise.resolve(() => undefined)
  const sessions = session({ secret, store: Object.assign(new MemoryStore(), { watch: watch as never }) })
  const { cookie } = await sessions.create({})
  const loaded = (await sessions.open({ headers: { cookie } }))!
  expect(() => sessions.onDestroy(loaded, () => undefined)).toThrow(/^the store's watch answered/)
})
