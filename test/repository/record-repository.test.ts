import { MemoryStore } from '../../lib'
import { Budget } from '../../lib/repository/budget'
import type { Data } from '../../lib/repository/merge'
import { encodeData } from '../../lib/repository/record'
import { RecordRepository } from '../../lib/repository/record-repository'
import { after, CountingStore, fails, hangs, sentTwice } from '../support/counting-store'
import { listen } from '../support/events'
import { draft, limits, MINUTE, patient, setUp } from '../support/repository'
import { until } from '../support/site'

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

  it('does not take a renewal for a session that is gone if the store says neither', async () => {
    const { store, repository } = setUp()
    store.next('touch', async () => undefined)
    await expect(repository.touch('a', MINUTE, patient())).rejects.toMatchObject({
      code: 'ERR_SESSION_STORE',
      cause: { message: expect.stringMatching(/^the store's touch answered/) }
    })
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
    const rule = jest.fn()
    const custom = new RecordRepository(new CountingStore(), limits, 1000, rule)
    expect(custom.merge(known, '{"a":2}', known)).toBe('{"a":2}')
    expect(rule).not.toHaveBeenCalled()
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

describe('close', () => {
  it('leaves a text that nobody takes for a session, that leads to the successor, and that ends by itself', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    expect(await repository.close('a', known, 'b', 'rev', patient())).toBeUndefined()
    expect(store.calls).toMatchObject([{ operation: 'set', ttl: 5 * MINUTE, expected: known.end }])
    expect(await store.inner.get('a')).not.toContain('"n"')
    expect(await repository.load('a', patient())).toBeNull()
    expect(await repository.follow!('a', patient())).toBeNull()
    await create({ n: 1 }, 'b')
    expect(await repository.follow!('a', patient())).toMatchObject({
      id: 'b',
      stored: { handle: known.handle }
    })
  })

  it('answers with what others stored meanwhile, and changes nothing', async () => {
    const { store, repository, create, change } = setUp()
    const known = await create({ n: 1 })
    await change({ other: 1 })
    const text = await store.inner.get('a')
    expect((await repository.close('a', known, 'b', 'rev', patient()))?.data()).toEqual({ n: 1, other: 1 })
    expect(await store.inner.get('a')).toBe(text)
  })

  it('recognises its own write', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    store.next('set', sentTwice)
    expect(await repository.close('a', known, 'b', 'rev', patient())).toBeUndefined()
    expect(await repository.close('a', known, 'b', 'rev', patient())).toBeUndefined()
  })

  it('carries on from where an attempt of the same move, whose answer got lost, has left it', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    await create({ n: 1 }, 'b')
    await repository.close('a', known, 'b', 'rev', patient())
    await create({ n: 1 }, 'c')
    expect(await repository.close('a', known, 'c', 'rev', patient())).toBeUndefined()
    expect(await repository.load('b', patient())).toBeNull()
    expect(await repository.follow!('a', patient())).toMatchObject({ id: 'c' })
    // Again, and it is where it should be.
    expect(await repository.close('a', known, 'c', 'rev', patient())).toBeUndefined()
    expect(await store.inner.get('c')).toContain('"n":1')
  })

  it('is gone where the session has ended since an attempt whose answer got lost', async () => {
    const { repository, create } = setUp()
    const known = await create({ n: 1 })
    await create({ n: 1 }, 'b')
    await repository.close('a', known, 'b', 'rev', patient())
    await repository.destroy('b', patient())
    const closing = repository.close('a', known, 'c', 'rev', patient())
    await expect(closing).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
  })

  it('is gone where the session was destroyed, spoilt, or moved by another request', async () => {
    const { store, repository, create } = setUp()
    const gone = { code: 'ERR_SESSION_GONE' }
    const known = await create({ n: 1 })
    await repository.close('a', known, 'b', 'theirs', patient())
    await expect(repository.close('a', known, 'c', 'rev', patient())).rejects.toMatchObject(gone)
    await store.inner.destroy('a')
    await expect(repository.close('a', known, 'c', 'rev', patient())).rejects.toMatchObject(gone)
    await store.inner.set('a', 'hello', MINUTE, null)
    await expect(repository.close('a', known, 'c', 'rev', patient())).rejects.toMatchObject(gone)
  })

  it('keeps late writers away for five minutes from the last visit, and no visit makes that longer', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    await repository.close('a', known, 'b', 'rev', patient())
    await repository.load('a', patient(), 1000 * MINUTE)
    await until(async () => (await store.inner.life!('a'))! <= 5 * MINUTE)
    const late = repository.commit('a', known, () => draft({ n: 2 }), patient())
    await expect(late).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
  })
})

describe('destroy', () => {
  /** A session that was carried from a to b to c. */
  async function carried() {
    const rig = setUp()
    const { repository, create } = rig
    for (const [from, to] of ['ab', 'bc']) {
      const known = await create({ n: 1 }, from)
      await repository.close(from!, known, to!, `to ${to}`, patient())
    }
    const last = await create({ n: 1 }, 'c')
    return { ...rig, last }
  }

  it('ends what was carried to another id, and from there to another one', async () => {
    const { store, repository } = await carried()
    expect(await repository.destroy('a', patient())).toBe(true)
    expect(await store.inner.get('c')).toBeNull()
    expect(await repository.destroy('a', patient())).toBe(false)
  })

  it('ends what others stored meanwhile, too', async () => {
    const { store, repository, last, change } = await carried()
    await change({ n: 2 }, 'c')
    expect(await repository.destroy('c', patient(), last)).toBe(true)
    expect(await store.inner.get('c')).toBeNull()
  })

  it('follows a session that is moved while it looks', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    store.next(
      'destroy',
      after(async () => {
        await create({ n: 1 }, 'b')
        await repository.close('a', known, 'b', 'rev', patient())
      })
    )
    expect(await repository.destroy('a', patient(), known)).toBe(true)
    expect(await store.inner.get('b')).toBeNull()
  })

  it('spares whom it does not mean: another user, another handle', async () => {
    const { store, repository } = await carried()
    expect(await repository.destroy('c', patient(), undefined, { user: 'U' })).toBe(false)
    expect(await repository.destroy('c', patient(), undefined, { handle: 'of nobody' })).toBe(false)
    expect(await store.inner.get('c')).not.toBeNull()
  })
})

describe('touch and destroy', () => {
  it('say whether something is kept', async () => {
    const { store, repository, create } = setUp()
    await create({ n: 1 })
    expect(await repository.touch('a', 5000, patient())).toBe(true)
    expect(await repository.touch('b', 5000, patient())).toBe(false)
    expect(await repository.destroy('a', patient())).toBe(true)
    expect(await repository.destroy('a', patient())).toBe(false)
    expect(store.calls[0]).toMatchObject({ operation: 'touch', id: 'a', ttl: 5000 })
  })

  it('reject where the store could not say', async () => {
    const { store, repository } = setUp()
    store.always(fails)
    await expect(repository.touch('a', 1, patient())).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    await expect(repository.destroy('a', patient())).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
  })
})

describe('over a store that cannot compare', () => {
  const setUpPlain = () => {
    const store = new CountingStore(Object.assign(new MemoryStore(), { conditional: false }))
    return { store, repository: new RecordRepository(store, limits, 1000) }
  }

  it('a session that moves ends under its old id at once', async () => {
    const { store, repository } = setUpPlain()
    const { stored } = await repository.commit('a', null, () => draft({ n: 1 }), patient())
    expect(await repository.close('a', stored!, 'b', 'rev', patient())).toBeUndefined()
    expect(await store.inner.get('a')).toBeNull()
    expect(repository.follow).toBeUndefined()
  })

  it('destroy says whether something was there', async () => {
    const { repository } = setUpPlain()
    await repository.commit('a', null, () => draft({ n: 1 }), patient())
    expect(await repository.destroy('a', patient())).toBe(true)
    expect(await repository.destroy('a', patient())).toBe(false)
  })
})
