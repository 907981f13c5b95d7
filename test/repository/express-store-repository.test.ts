import { setTimeout as delay } from 'node:timers/promises'
import { Budget } from '../../lib/repository/budget'
import { ExpressStoreRepository } from '../../lib/repository/express-store-repository'
import type { Answer } from '../../lib/repository/express-store'
import type { StoredObject } from '../../lib/repository/stored-object'
import type { Data } from '../../lib/repository/merge'
import type { Draft } from '../../lib/repository/repository'
import { codeOf } from '../support/outcome'
import session from '../../lib'
import { secret, Site, until, type Bag } from '../support/site'

const HANDLE = '01890a5d-ac96-774b-bcce-b302099a8057'

/** A store as people write them for express-session. Notes what it was asked. */
class OldStore {
  readonly kept = new Map<string, string>()
  readonly asked: string[] = []
  /** What happens before the next `set` is done. */
  meanwhile: (() => void) | undefined

  get(id: string, callback: Answer<object | null>): void {
    this.asked.push('get')
    const text = this.kept.get(id)
    setImmediate(() => callback(null, text === undefined ? null : (JSON.parse(text) as object)))
  }

  set(id: string, session: object, callback?: Answer): void {
    this.asked.push('set')
    this.kept.set(id, JSON.stringify(session))
    setImmediate(() => callback?.())
  }

  destroy(id: string, callback?: Answer): void {
    this.asked.push('destroy')
    this.kept.delete(id)
    setImmediate(() => callback?.())
  }

  touch(id: string, session: object, callback?: Answer): void {
    this.asked.push('touch')
    const text = this.kept.get(id)
    // A store of the kind that reads all and writes all.
    setImmediate(() => {
      const { cookie } = session as Data
      if (text !== undefined) this.kept.set(id, JSON.stringify({ ...(JSON.parse(text) as Data), cookie }))
      // Some call back with the session, which nobody asked for.
      ;(callback as Answer<object> | undefined)?.(null, session)
    })
  }

  data(id: string): Data {
    const { cookie: _cookie, '@': _meta, ...data } = JSON.parse(this.kept.get(id) ?? '{}') as Data
    return data
  }
}

const draftOf = (data: object, ttl = 1000): Draft => ({
  handle: HANDLE,
  text: JSON.stringify(data),
  cookie: undefined,
  sent: undefined,
  ttl
})
const budget = () => new Budget(1000)

async function stored(data: object) {
  const store = new OldStore()
  const repository = new ExpressStoreRepository(store, 1000)
  const { stored: snapshot } = await repository.commit('a', null, () => draftOf(data), budget())
  store.asked.length = 0
  return { store, repository, known: snapshot! }
}

test('a new session is written without a look', async () => {
  const store = new OldStore()
  const repository = new ExpressStoreRepository(store, 1000)
  const {
    id,
    stored: snapshot,
    merged
  } = await repository.commit('a', null, () => draftOf({ n: 1 }), budget())
  expect([id, snapshot?.data(), snapshot?.handle, merged]).toEqual(['a', { n: 1 }, HANDLE, false])
  expect(store.asked).toEqual(['set'])
})

test('what was written is read, with its handle and an end for its cookie', async () => {
  const { store, repository } = await stored({ n: 1 })
  const known = await repository.load('a', budget())
  expect([known?.data(), known?.handle]).toEqual([{ n: 1 }, HANDLE])
  const { cookie } = JSON.parse(store.kept.get('a')!) as { cookie: { expires: string } }
  const left = Date.parse(cookie.expires) - Date.now()
  expect(left).toBeGreaterThan(-60_000)
  expect(left).toBeLessThanOrEqual(1000)
})

test('a store that looks for maxAge or _expires finds them', async () => {
  const store = new OldStore()
  let seen: { maxAge?: number; _expires?: Date; expires?: Date } = {}
  store.set = (_id, session, callback) => {
    seen = (session as { cookie: object }).cookie
    callback?.()
  }
  await new ExpressStoreRepository(store, 1000).commit('a', null, () => draftOf({}, 5000), budget())
  expect(seen.maxAge).toBeLessThanOrEqual(5000)
  expect(seen._expires).toBe(seen.expires)
})

test('reading may renew the life', async () => {
  const { store, repository } = await stored({ n: 1 })
  await repository.load('a', budget(), 60_000)
  expect(store.asked).toEqual(['get', 'touch'])
  const { cookie } = JSON.parse(store.kept.get('a')!) as { cookie: { expires: string } }
  expect(Date.parse(cookie.expires) - Date.now()).toBeGreaterThan(2000)
})

test('a write reads first: the draft sees what others stored meanwhile', async () => {
  const { store, repository, known } = await stored({ n: 1 })
  store.kept.set('a', JSON.stringify({ n: 1, theirs: true }))
  const seen: (Data | undefined)[] = []
  const draft = (latest: StoredObject | null) => {
    seen.push(latest?.data())
    return draftOf(JSON.parse(repository.merge(known, '{"n":2}', latest!)) as object)
  }
  const { merged } = await repository.commit('a', known, draft, budget())
  expect(seen).toEqual([{ n: 1, theirs: true }])
  expect(merged).toBe(true)
  expect(store.data('a')).toEqual({ n: 2, theirs: true })
})

test('what is gone is not brought back', async () => {
  const { store, repository, known } = await stored({ n: 1 })
  store.kept.clear()
  expect(await codeOf(repository.commit('a', known, () => draftOf({ n: 2 }), budget()))).toBe(
    'ERR_SESSION_GONE'
  )
  expect(store.kept.size).toBe(0)
})

test('a slow draft runs again where somebody else was faster', async () => {
  const { store, repository, known } = await stored({ n: 1 })
  let runs = 0
  const draft = async (latest: StoredObject | null) => {
    await delay(1)
    if (++runs === 1) store.kept.set('a', JSON.stringify({ n: 5 }))
    return draftOf({ n: (latest?.data().n as number) + 1 })
  }
  await repository.commit('a', known, draft, budget())
  expect([runs, store.data('a')]).toEqual([2, { n: 6 }])
})

test('commits of one session take turns', async () => {
  const { store, repository, known } = await stored({ n: 0 })
  const add = (latest: StoredObject | null) => draftOf({ n: (latest?.data().n as number) + 1 })
  await Promise.all(Array.from({ length: 20 }, () => repository.commit('a', known, add, budget())))
  expect(store.data('a')).toEqual({ n: 20 })
})

test('what the store refuses of one commit is not refused for those that share its write', async () => {
  const { store, repository, known } = await stored({ n: 0 })
  const set = store.set.bind(store)
  store.set = (id, session, callback) => {
    if (!('large' in session)) return set(id, session, callback)
    setImmediate(() => callback?.(new Error('too large')))
  }
  const add = (key: string) => (latest: StoredObject | null) => draftOf({ ...latest?.data(), [key]: 1 })
  const commits = ['a', 'large', 'b'].map((key) => repository.commit('a', known, add(key), budget()))
  expect(await Promise.all(commits.map(codeOf))).toEqual(['done', 'ERR_SESSION_STORE', 'done'])
  expect(store.data('a')).toEqual({ n: 0, a: 1, b: 1 })
})

test('a renewal that fails does not fail the commit behind it', async () => {
  const { store, repository, known } = await stored({ n: 0 })
  store.touch = (_id, _session, callback) => setImmediate(() => callback?.(new Error('no room')))
  const renewal = codeOf(repository.renew('a', {}, budget()))
  const commit = codeOf(repository.commit('a', known, () => draftOf({ n: 1 }), budget()))
  expect(await Promise.all([renewal, commit])).toEqual(['ERR_SESSION_STORE', 'done'])
})

test('commits that wait for one session become one read and one write, and each sees the others', async () => {
  const { store, repository, known } = await stored({ n: 0 })
  const add = (latest: StoredObject | null) => draftOf({ n: (latest?.data().n as number) + 1 })
  const first = repository.commit('a', known, add, budget())
  const rest = Array.from({ length: 19 }, () => repository.commit('a', known, add, budget()))
  await Promise.all([first, ...rest])
  expect(store.data('a')).toEqual({ n: 20 })
  expect(store.asked.length).toBeLessThanOrEqual(4)
})

test('renewals that wait for one session become one', async () => {
  const { store, repository } = await stored({ n: 0 })
  await Promise.all(Array.from({ length: 20 }, () => repository.renew('a', {}, budget())))
  expect(store.asked.length).toBeLessThanOrEqual(2)
})

test('a commit that waits behind a logout finds the session gone', async () => {
  const { store, repository, known } = await stored({ n: 0 })
  const commit = () => codeOf(repository.commit('a', known, () => draftOf({ n: 1 }), budget()))
  const all = [commit(), codeOf(repository.destroy('a', budget())), commit()]
  expect(await Promise.all(all)).toEqual(['done', 'done', 'ERR_SESSION_GONE'])
  expect(store.kept.size).toBe(0)
})

test('no commit is asked of the store while an earlier one may still be applied', async () => {
  const { store, repository, known } = await stored({ n: 0 })
  const set = store.set.bind(store)
  let apply!: () => void
  await new Promise(setImmediate)
  store.set = (id, session, callback) => {
    store.asked.push('set')
    apply = () => set(id, session, callback)
    store.set = set
  }
  const slow = repository.commit('a', known, () => draftOf({ n: 1 }), new Budget(50))
  const impatient = repository.commit('a', known, () => draftOf({ n: 2 }), new Budget(50))
  expect(await Promise.all([codeOf(slow), codeOf(impatient)])).toEqual([
    'ERR_SESSION_TIMEOUT',
    'ERR_SESSION_TIMEOUT'
  ])
  expect(store.asked).toEqual(['get', 'set'])
  const patient = repository.commit(
    'a',
    known,
    (latest) => draftOf({ ...latest?.data(), m: 3 }),
    new Budget(60_000)
  )
  apply()
  await patient
  expect(store.data('a')).toEqual({ n: 1, m: 3 })
})

test('values that JSON cannot tell go back to the store as they came', async () => {
  const { store, repository } = await stored({ n: 1, at: '1970-01-01T00:00:00.005Z' })
  const { get } = store
  store.get = (id, callback) =>
    get.call(store, id, (error, found) => callback(error, found && Object.assign(found, { at: new Date(5) })))
  const handed: unknown[] = []
  store.set = (_id, session, callback) => {
    handed.push((session as Data).at)
    callback?.()
  }
  const known = await repository.load('a', budget())
  expect(repository.changed(known, '{"n":1,"at":"1970-01-01T00:00:00.005Z"}')).toBe(false)
  await repository.commit('a', known, () => draftOf({ n: 2, at: '1970-01-01T00:00:00.005Z' }), budget())
  expect(handed).toEqual([new Date(5)])
})

test.each<[string, () => unknown, string]>([
  [
    'throws',
    () => {
      throw new Error('boom!')
    },
    'ERR_SESSION_STORE'
  ],
  ['rejects', () => Promise.reject(new Error('boom!')), 'ERR_SESSION_STORE'],
  ['never answers', () => undefined, 'ERR_SESSION_TIMEOUT']
])('a store that %s has failed', async (_name, fault, code) => {
  const store = new OldStore()
  const repository = new ExpressStoreRepository(store, 1000)
  Object.assign(store, { get: fault, set: fault, destroy: fault })
  const short = () => new Budget(50)
  expect(await codeOf(repository.load('a', short()))).toBe(code)
  expect(await codeOf(repository.commit('a', null, () => draftOf({}), short()))).toBe(code)
  expect(await codeOf(repository.destroy('a', short()))).toBe(code)
})

test('destroy and a load that renews tell whether something was there', async () => {
  const { repository } = await stored({ n: 1 })
  expect(await repository.load('a', budget(), 1000)).not.toBeNull()
  expect(await repository.destroy('a', budget())).toBe(true)
  expect(await repository.load('a', budget(), 1000)).toBeNull()
  expect(await repository.destroy('a', budget())).toBe(false)
})

test('a commit that has no turn in time says that nothing was written, and does not blame the store', async () => {
  const { store, repository, known } = await stored({ n: 0 })
  let end: ((drafted: Draft) => void) | undefined
  const drafting = () => new Promise<Draft>((resolve) => (end = resolve))
  const slow = repository.commit('a', known, drafting, budget())
  await until(() => end !== undefined)
  const behind = repository.commit('a', known, () => draftOf({ n: 2 }), new Budget(50))
  await expect(behind).rejects.toMatchObject({
    code: 'ERR_SESSION_TIMEOUT',
    message: 'other requests of the session kept it busy for 50 ms: nothing was written'
  })
  end!(draftOf({ n: 1 }))
  await slow
  expect(store.data('a')).toEqual({ n: 1 })
})

describe('the main entry with such a store', () => {
  test('counts, keeps the handle, merges, regenerates and ends', async () => {
    const store = new OldStore()
    const site = await Site.open({ store: () => store })
    const visitor = site.visitor()
    const first = await visitor.ask((s) => ((s.n = 1), s.handle))
    expect(await visitor.ask((s) => [s.n, s.handle])).toEqual([1, first])
    const windows = Array.from({ length: 5 }, (_, i) => visitor.clone().ask((s) => void (s[`key${i}`] = i)))
    await Promise.all(windows)
    expect(Object.keys(store.data(visitor.id)).sort()).toEqual(['key0', 'key1', 'key2', 'key3', 'key4', 'n'])
    const { id } = visitor
    await visitor.ask((s) => s.regenerate({ keep: true }).then(() => null))
    expect(visitor.id).not.toBe(id)
    expect([...store.kept.keys()]).toEqual([visitor.id])
    expect(await visitor.ask((s) => [s.n, s.handle])).toEqual([1, first])
    await visitor.ask((s) => s.destroy())
    expect([store.kept.size, visitor.hasCookie]).toEqual([0, false])
  })

  test('update counts exactly', async () => {
    const store = new OldStore()
    const site = await Site.open({ store: () => store })
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.n = 0))
    const adds = Array.from({ length: 10 }, () =>
      visitor.clone().ask((s) => s.update((draft) => void (draft.n = (draft.n as number) + 1)))
    )
    await Promise.all(adds)
    expect(store.data(visitor.id)).toEqual({ n: 10 })
  })
})

test.each([
  ['changed a key', (s: Bag) => void (s.n = 1)],
  ['changed nothing', () => undefined]
])('a request that %s and called save() keeps the maxAge that another one chose', async (_what, change) => {
  const site = await Site.open({ store: () => store, cookie: { maxAge: 600_000 } })
  const store = new OldStore()
  const visitor = site.visitor()
  await visitor.ask((s) => void (s.n = 0))
  await visitor.ask(async (s) => {
    await visitor.clone().ask((other) => void (other.cookie.maxAge = 50_000))
    change(s)
    await s.save()
    s.m = 1
  })
  expect(await visitor.ask((s) => s.cookie.originalMaxAge)).toBe(50_000)
})

describe('a logout', () => {
  it('waits for a commit that has begun, and is not undone by it', async () => {
    const { store, repository, known } = await stored({ n: 1 })
    const commit = repository.commit('a', known, () => draftOf({ n: 2 }), budget())
    const logout = repository.destroy('a', budget())
    await Promise.all([commit, logout])
    expect(store.kept.has('a')).toBe(false)
    await expect(repository.commit('a', known, () => draftOf({ n: 3 }), budget())).rejects.toMatchObject({
      code: 'ERR_SESSION_GONE'
    })
  })

  it('of what is not there any more is done', async () => {
    const { store, repository } = await stored({ n: 1 })
    store.destroy = (_id, callback) =>
      callback?.(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
    expect(await repository.destroy('b', budget())).toBe(false)
  })
})

test('a server whose socket is not there is a failure, not an empty answer', async () => {
  const { store, repository } = await stored({ n: 1 })
  const error = Object.assign(new Error('connect ENOENT'), { code: 'ENOENT', syscall: 'connect' })
  store.get = (_id, callback) => callback(error)
  expect(await codeOf(repository.load('a', budget()))).toBe('ERR_SESSION_STORE')
})

test.each(['text', 5, true, [1]])('%j is no session', async (kept) => {
  const { store, repository } = await stored({ n: 1 })
  store.get = (_id, callback) => callback(null, kept as never)
  expect(await repository.load('a', budget())).toBeNull()
})

test('what another library wrote keeps the age of its cookie when its life is renewed', async () => {
  const { store, repository } = await stored({})
  store.kept.set('a', JSON.stringify({ n: 1, cookie: { originalMaxAge: null, path: '/' } }))
  await repository.load('a', budget(), 60_000)
  expect((JSON.parse(store.kept.get('a')!) as { cookie: object }).cookie).toMatchObject({
    originalMaxAge: null
  })
})

test('limits hold, and codec is refused', async () => {
  const store = new OldStore()
  const site = await Site.open({ store: () => store, limits: { bytes: 100 } })
  const { status } = await site.visitor().visit((s) => void (s.text = 'x'.repeat(200)))
  expect([status, site.errors[0]?.code]).toEqual([500, 'ERR_SESSION_DATA'])
  const options = { store, codec: { encode: JSON.stringify, decode: JSON.parse } }
  expect(() => session({ secret, ...options })).toThrow(/codec has no effect/)
})

test('an end of an id that was closed ends what was carried from it, step by step', async () => {
  const { store, repository, known } = await stored({ user: 'ann' })
  const carry = async (from: string, to: string, live: StoredObject) => {
    const { stored: next } = await repository.commit(to, null, () => draftOf({ user: 'ann' }), budget())
    expect(await repository.close(from, live, to, '', budget())).toBeUndefined()
    return next!
  }
  const second = await carry('a', 'b', known)
  await carry('b', 'c', second)
  expect([...store.kept.keys()]).toEqual(['c'])
  expect(await repository.destroy('x', budget())).toBe(false)
  expect(store.kept.size).toBe(1)
  // Another middleware over the same store knows it as well.
  expect(await new ExpressStoreRepository(store, 1000).destroy('a', budget())).toBe(true)
  expect(store.kept.size).toBe(0)
  expect(await repository.destroy('a', budget())).toBe(false)
})
