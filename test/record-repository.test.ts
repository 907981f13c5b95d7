import { Budget } from '../lib/budget'
import { createHandle } from '../lib/handle'
import type { Data } from '../lib/merge'
import { encodeData } from '../lib/record'
import { RecordRepository } from '../lib/record-repository'
import type { Draft } from '../lib/repository'
import type { TextSnapshot } from '../lib/snapshot'
import { after, answerLost, CountingStore, fails, hangs, sentTwice, takes } from './support/counting-store'
import { listen } from './support/events'

const MINUTE = 60_000
const limits = { maxBytes: 2 ** 20, maxDepth: 100 }
const handle = createHandle()
const patient = () => new Budget(30_000)

function draft(data: Data, more: Partial<Draft> = {}): Draft {
  return { handle, text: encodeData(data), cookie: undefined, sent: undefined, ttl: MINUTE, ...more }
}

function setUp(timeout = 30_000) {
  const store = new CountingStore()
  const repository = new RecordRepository(store, limits, timeout)
  /** Another process with the same store. */
  const elsewhere = () => new RecordRepository(store, limits, timeout)
  const load = async (id = 'a'): Promise<TextSnapshot> => (await repository.load(id, patient()))!
  const create = async (data: Data, id = 'a') => {
    await repository.commit(id, null, () => draft(data), patient())
    const known = await load(id)
    store.forget()
    return known
  }
  /** Sets keys of the stored session, from another process. */
  const change = async (data: Data, id = 'a', other = elsewhere()) => {
    const known = (await other.load(id, patient()))!
    await other.commit(id, known, (latest) => draft({ ...latest!.data(), ...data }), patient())
  }
  /** Counts up, as `update` does. */
  const count = (known: TextSnapshot, by = repository) =>
    by.commit('a', known, (latest) => draft({ n: Number(latest!.data().n) + 1 }), patient())
  return { store, repository, elsewhere, load, create, change, count }
}

describe('load', () => {
  it('answers null where nothing is kept', async () => {
    const { repository } = setUp()
    expect(await repository.load('a', patient())).toBeNull()
  })

  it('renews the life in the same call, or leaves it', async () => {
    const { store, repository, create } = setUp()
    await create({ n: 1 })
    await repository.load('a', patient(), 5000)
    await repository.load('a', patient())
    expect(store.calls).toMatchObject([
      { operation: 'get', id: 'a', ttl: 5000 },
      { operation: 'get', id: 'a', ttl: undefined }
    ])
  })

  it('gives data that are the caller’s own', async () => {
    const { create, load } = setUp()
    const known = await create({ a: { b: 1 } })
    ;(known.data().a as Data).b = 2
    expect(known.data()).toEqual({ a: { b: 1 } })
    expect((await load()).data()).toEqual({ a: { b: 1 } })
  })

  it.each(['hello', '[]', '{"@":{"v":9}}', 'not a text'])(
    'takes %s for nothing, and reports it',
    async (text) => {
      const { store, repository } = setUp()
      const heard = listen()
      await store.inner.set('a', text, MINUTE, null)
      expect(await repository.load('a', patient())).toBeNull()
      expect(heard['holdfast:corrupt']).toHaveLength(1)
      expect(await store.inner.get('a')).toBe(text)
    }
  )

  it('does not take an answer that is no text at all for a session', async () => {
    const { store, repository } = setUp()
    for (const nonsense of [undefined, 7, {}]) {
      store.next('get', async () => nonsense)
      await expect(repository.load('a', patient())).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    }
  })

  it('rejects where the store could not say', async () => {
    const { store, repository } = setUp()
    store.next('get', fails, hangs)
    await expect(repository.load('a', patient())).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    await expect(repository.load('a', new Budget(10))).rejects.toMatchObject({ code: 'ERR_SESSION_TIMEOUT' })
  })
})

describe('changed', () => {
  it('says of a session that was never stored whether it holds anything', () => {
    const { repository } = setUp()
    expect(repository.changed(null, '{}')).toBe(false)
    expect(repository.changed(null, '{"a":1}')).toBe(true)
  })

  it.each(['{"a":1,"b":[2]}', '{"b":[2],"a":1}', '{"a":1}', '{"a":"1","b":[2]}', '{}'])(
    'compares texts: {"a":1,"b":[2]} and %s',
    async (text) => {
      const { repository, create } = setUp()
      const known = await create({ a: 1, b: [2] })
      expect(repository.changed(known, text)).toBe(text !== '{"a":1,"b":[2]}')
    }
  )

  it.each([
    '{ "a" : 1.0 , "b":[ 2 ] }',
    '{"\\u0061":1e0,"b":[2]}',
    '\n{"a":1,"b":[2],"cookie":{"path":"/"}}\n',
    '{"a":9,"a":1,"b":[2]}'
  ])('sees no change in the spelling of another library or of a hand: %j', async (text) => {
    const { store, repository, load } = setUp()
    await store.inner.set('a', text, MINUTE, null)
    const known = await load()
    expect(repository.changed(known, encodeData(known.data()))).toBe(false)
    expect(repository.changed(known, '{"a":1,"b":[3]}')).toBe(true)
  })
})

describe('merge', () => {
  it('is mine where nobody else stored anything', async () => {
    const { repository, create } = setUp()
    const known = await create({ a: 1 })
    expect(repository.merge(known, '{"a":2}', known)).toBe('{"a":2}')
  })

  it('asks the rule of the application, with copies', async () => {
    const { store, create, change, load } = setUp()
    const rule = jest.fn((_base: Data, mine: Data, theirs: Data) => ({ ...mine, ...theirs, merged: true }))
    const custom = new RecordRepository(store, limits, 1000, rule)
    const known = await create({ a: 1 })
    await change({ b: 2 })
    expect(custom.merge(known, '{"a":3}', await load())).toBe('{"a":1,"b":2,"merged":true}')
    expect(rule).toHaveBeenCalledWith({ a: 1 }, { a: 3 }, { a: 1, b: 2 })
  })

  it('passes on what the rule throws', async () => {
    const { store, create, change, load } = setUp()
    const custom = new RecordRepository(store, limits, 1000, () => {
      throw new Error('cannot merge')
    })
    const known = await create({ a: 1 })
    await change({ b: 2 })
    const latest = await load()
    expect(() => custom.merge(known, '{}', latest)).toThrow('cannot merge')
  })
})

describe('commit', () => {
  it('stores what was never stored, only where nothing is', async () => {
    const { store, repository } = setUp()
    const heard = listen()
    const committed = await repository.commit('a', null, () => draft({ n: 1 }, { ttl: 1.2 }), patient())
    expect(store.calls).toMatchObject([{ operation: 'set', id: 'a', ttl: 2, expected: null }])
    expect(committed).toMatchObject({ id: 'a', merged: false, snapshot: { handle } })
    expect(committed.snapshot?.data()).toEqual({ n: 1 })
    expect(heard['holdfast:commit']).toEqual([{ handle, merged: false, attempts: 1 }])
  })

  it('is one conditional write on what was read', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    await repository.commit('a', known, () => draft({ n: 2 }), patient())
    expect(store.calls).toMatchObject([{ operation: 'set', expected: known.text }])
  })

  it('gives every text a fresh revision, and keeps those before', async () => {
    const { repository, create } = setUp()
    const known = await create({ n: 1 })
    const { snapshot } = await repository.commit('a', known, () => draft({ n: 1 }), patient())
    expect(snapshot!.text).not.toBe(known.text)
    expect(snapshot!.frame.revs).toEqual([expect.any(String), known.frame.revs[0]])
  })

  it.each([undefined, null, 'OK', true, {}, { id: 1 }, { conflict: undefined }])(
    'takes no %j for the answer to a write',
    async (nonsense) => {
      const { store, repository } = setUp()
      store.next('set', async () => nonsense)
      const writing = repository.commit('a', null, () => draft({}), patient())
      await expect(writing).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    }
  )

  it('takes the id that the store gives back', async () => {
    const { store, repository } = setUp()
    store.next('set', async () => ({ id: 'sealed' }))
    expect(await repository.commit('a', null, () => draft({}), patient())).toMatchObject({ id: 'sealed' })
  })

  it('writes nothing for a draft of undefined', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    const nothing = await repository.commit('a', known, () => undefined, patient())
    expect(nothing).toEqual({ id: 'a', snapshot: known, merged: false })
    expect(await repository.commit('b', null, () => undefined, patient())).toMatchObject({ snapshot: null })
    expect(store.log).toBe('')
  })

  it('drafts again on what others stored meanwhile, as often as they do', async () => {
    const { store, create, change, count } = setUp()
    const heard = listen()
    const known = await create({ n: 0 })
    for (let i = 1; i <= 5; i++)
      store.next(
        'set',
        after(() => setElsewhere(i)),
        (ask) => ask()
      )
    const setElsewhere = (other: number) => change({ other })
    const { snapshot, merged } = await count(known)
    expect(snapshot?.data()).toEqual({ n: 1 })
    expect(merged).toBe(true)
    expect(heard['holdfast:commit'].at(-1)).toMatchObject({ merged: true, attempts: expect.any(Number) })
  })

  it.each<[string, string | null]>([
    ['destroyed', null],
    ['overwritten by something else', 'hello'],
    ['moved to another id', JSON.stringify({ '@': { v: 1, handle, revs: [], moved: true } })]
  ])('is gone where the session was %s, and writes nothing', async (_what, text) => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    await store.inner.destroy('a')
    if (text !== null) await store.inner.set('a', text, MINUTE, null)
    const writing = repository.commit('a', known, () => draft({ n: 2 }), patient())
    await expect(writing).rejects.toMatchObject({ code: 'ERR_SESSION_GONE', status: 409 })
    expect(await store.inner.get('a')).toBe(text)
  })

  it('never takes over an id that is in use', async () => {
    const { store, repository, create } = setUp()
    const theirs = await create({ mine: true })
    const writing = repository.commit('a', null, () => draft({ n: 1 }), patient())
    await expect(writing).rejects.toMatchObject({ code: 'ERR_SESSION_DATA' })
    expect(await store.inner.get('a')).toBe(theirs.text)
  })

  it('never takes over an id that another request of this process is just taking', async () => {
    const { store, repository } = setUp()
    store.always(takes(20), 'set')
    const results = await Promise.allSettled(
      ['first', 'second', 'third'].map((who) => repository.commit('a', null, () => draft({ who }), patient()))
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(await store.inner.get('a')).toContain('"who":"first"')
  })

  it('refuses what is beyond the limits before the store is asked', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    const large = repository.commit('a', known, () => draft({ n: 'x'.repeat(2 ** 20) }), patient())
    await expect(large).rejects.toMatchObject({ code: 'ERR_SESSION_DATA' })
    const deep = JSON.parse('['.repeat(100) + ']'.repeat(100)) as unknown
    const nested = repository.commit('a', known, () => draft({ deep }), patient())
    await expect(nested).rejects.toMatchObject({ code: 'ERR_SESSION_DATA' })
    expect(store.log).toBe('')
  })

  it('passes on what the draft throws, and goes on with the next one', async () => {
    const { repository, create, count } = setUp()
    const known = await create({ n: 1 })
    const broken = repository.commit('a', known, () => Promise.reject(new Error('mine')), patient())
    const next = count(known)
    await expect(broken).rejects.toThrow('mine')
    expect((await next).snapshot?.data()).toEqual({ n: 2 })
  })

  it('does not spend the budget on a slow draft', async () => {
    const { repository, create } = setUp()
    const known = await create({ n: 1 })
    const slow = async () => {
      await new Promise((resolve) => setTimeout(resolve, 150))
      return draft({ n: 2 })
    }
    await expect(repository.commit('a', known, slow, new Budget(100))).resolves.toMatchObject({ id: 'a' })
  })

  it('shares one budget among its attempts', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 0 })
    let other = 0
    store.always(async (_ask) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return { conflict: JSON.stringify({ other: ++other }) }
    }, 'set')
    const start = performance.now()
    const writing = repository.commit('a', known, () => draft({ n: 1 }), new Budget(300))
    await expect(writing).rejects.toMatchObject({ code: 'ERR_SESSION_TIMEOUT' })
    expect(performance.now() - start).toBeGreaterThanOrEqual(290)
    expect(other).toBeGreaterThan(1)
    expect(other).toBeLessThanOrEqual(15)
  })
})

describe('an answer that got lost', () => {
  it('does not count twice where the client sends the write again', async () => {
    const { store, create, load, count } = setUp()
    const known = await create({ n: 0 })
    store.next('set', sentTwice)
    expect((await count(known)).snapshot?.data()).toEqual({ n: 1 })
    expect((await load()).data()).toEqual({ n: 1 })
    expect(store.log).toBe('set get')
  })

  it('does not count twice where others built on it before it was sent again', async () => {
    const { store, create, load, change, count } = setUp()
    const known = await create({ n: 0 })
    store.next('set', async (ask) => {
      await ask()
      for (let i = 0; i < 5; i++) await change({ [`other${i}`]: i })
      return ask()
    })
    expect((await count(known)).snapshot?.data()).toMatchObject({ n: 1, other0: 0, other4: 4 })
    expect((await load()).data()).toMatchObject({ n: 1, other0: 0, other4: 4 })
  })

  it('creates one session where the client sends its first write again', async () => {
    const { store, repository } = setUp()
    store.next('set', sentTwice)
    const { snapshot } = await repository.commit('a', null, () => draft({ n: 1 }), patient())
    expect(snapshot?.text).toBe(await store.inner.get('a'))
  })

  it('is unknown where nobody sends it again: the write was applied, the caller hears of a failure', async () => {
    const { store, create, load, count } = setUp()
    const known = await create({ n: 0 })
    store.next('set', answerLost)
    await expect(count(known)).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    expect((await load()).data()).toEqual({ n: 1 })
  })
})

describe('an old value that returns by chance', () => {
  it('is another state: a write that is late does not pass', async () => {
    const { repository, create, change, load } = setUp()
    const known = await create({ n: 'A' })
    await change({ n: 'B' })
    await change({ n: 'A' })
    const seen: unknown[] = []
    await repository.commit(
      'a',
      known,
      (latest) => {
        seen.push(latest?.text)
        return draft({ ...latest?.data(), late: true })
      },
      patient()
    )
    expect(new Set(seen).size).toBe(2)
    expect((await load()).frame.revs).toHaveLength(4)
  })
})

describe('many commits at once', () => {
  it('are as many writes in one process, and none is lost', async () => {
    const { store, create, load, count } = setUp()
    const known = await create({ n: 0 })
    await Promise.all(Array.from({ length: 100 }, () => count(known)))
    expect(store.log.split(' ')).toHaveLength(100)
    expect((await load()).data()).toEqual({ n: 100 })
  })

  it('lose nothing across processes either', async () => {
    const { store, elsewhere, create, load, count } = setUp()
    const known = await create({ n: 0 })
    const processes = [elsewhere(), elsewhere(), elsewhere()]
    store.always(takes(1))
    await Promise.all(Array.from({ length: 60 }, (_, i) => count(known, processes[i % 3])))
    store.always(undefined)
    expect((await load()).data()).toEqual({ n: 60 })
  })

  it('all fail where the one in front finds the store down, not each after a wait of its own', async () => {
    const { store, create, count } = setUp()
    const known = await create({ n: 0 })
    store.always(hangs, 'set')
    const impatient = new RecordRepository(store, limits, 1000)
    const commits = Array.from({ length: 10 }, () =>
      impatient.commit('a', known, () => draft({ n: 1 }), new Budget(50))
    )
    for (const commit of commits) await expect(commit).rejects.toMatchObject({ code: 'ERR_SESSION_TIMEOUT' })
    expect(store.log).toBe('set')
    store.always(undefined)
    expect((await count(known)).snapshot?.data()).toEqual({ n: 1 })
  })

  it('do not wait for ever for one that does not end', async () => {
    const { repository, create, load, count } = setUp(20)
    const known = await create({ n: 0 })
    let end!: (value: undefined) => void
    const endless = repository.commit('a', known, () => new Promise((resolve) => (end = resolve)), patient())
    expect((await count(known)).snapshot?.data()).toEqual({ n: 1 })
    end(undefined)
    await endless
    expect((await load()).data()).toEqual({ n: 1 })
  })
})

describe('retire', () => {
  it('leaves a text that nobody takes for a session, and that ends by itself', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    expect(await repository.retire('a', known, 'rev', patient())).toBeUndefined()
    expect(store.calls).toMatchObject([{ operation: 'set', ttl: MINUTE, expected: known.text }])
    expect(await store.inner.get('a')).not.toContain('"n"')
    expect(await repository.load('a', patient())).toBeNull()
  })

  it('answers with what others stored meanwhile, and changes nothing', async () => {
    const { store, repository, create, change } = setUp()
    const known = await create({ n: 1 })
    await change({ other: 1 })
    const text = await store.inner.get('a')
    expect((await repository.retire('a', known, 'rev', patient()))?.data()).toEqual({ n: 1, other: 1 })
    expect(await store.inner.get('a')).toBe(text)
  })

  it('recognises its own write', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    store.next('set', sentTwice)
    expect(await repository.retire('a', known, 'rev', patient())).toBeUndefined()
    expect(await repository.retire('a', known, 'rev', patient())).toBeUndefined()
  })

  it('is gone where the session was destroyed, spoilt, or moved by another request', async () => {
    const { store, repository, create } = setUp()
    const gone = { code: 'ERR_SESSION_GONE' }
    const known = await create({ n: 1 })
    await repository.retire('a', known, 'theirs', patient())
    await expect(repository.retire('a', known, 'rev', patient())).rejects.toMatchObject(gone)
    await store.inner.destroy('a')
    await expect(repository.retire('a', known, 'rev', patient())).rejects.toMatchObject(gone)
    await store.inner.set('a', 'hello', MINUTE, null)
    await expect(repository.retire('a', known, 'rev', patient())).rejects.toMatchObject(gone)
  })
})

describe('touch and destroy', () => {
  it('say whether something is kept', async () => {
    const { store, repository, create } = setUp()
    await create({ n: 1 })
    expect(await repository.touch('a', 0.5, patient())).toBe(true)
    expect(await repository.touch('b', 5000, patient())).toBe(false)
    expect(await repository.destroy('a', patient())).toBe(true)
    expect(await repository.destroy('a', patient())).toBe(false)
    expect(store.calls[0]).toMatchObject({ operation: 'touch', id: 'a', ttl: 1 })
  })

  it('reject where the store could not say', async () => {
    const { store, repository } = setUp()
    store.always(fails)
    await expect(repository.touch('a', 1, patient())).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    await expect(repository.destroy('a', patient())).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
  })
})
