import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Budget } from '../../lib/repository/budget'
import type { StoredRecord } from '../../lib/repository/record'
import { RecordRepository } from '../../lib/repository/record-repository'
import { advance } from '../support/clock'
import { after, answerLost, hangs, sentTwice, takes } from '../support/counting-store'
import { listen } from '../support/events'
import { codeOf } from '../support/outcome'
import { draft, handle, limits, MINUTE, patient, setUp } from '../support/repository'

describe('commit', () => {
  it('stores what was never stored, only where nothing is', async () => {
    const { store, repository } = setUp()
    const heard = listen()
    const committed = await repository.commit('a', null, () => draft({ n: 1 }, { ttl: 2 }), patient())
    expect(store.calls).toMatchObject([{ operation: 'set', id: 'a', ttl: 2, expected: null }])
    expect(committed).toMatchObject({ id: 'a', merged: false, stored: { handle } })
    expect(committed.stored?.data()).toEqual({ n: 1 })
    expect(heard['holdfast:commit']).toEqual([{ handle, keys: ['n'], merged: false, attempts: 1 }])
  })

  it('is one conditional write on what was read', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    await repository.commit('a', known, () => draft({ n: 2 }), patient())
    expect(store.calls).toMatchObject([{ operation: 'set', expected: known.end }])
  })

  it('gives every text a fresh revision, and keeps those before', async () => {
    const { repository, create } = setUp()
    const known = await create({ n: 1 })
    const { stored } = await repository.commit('a', known, () => draft({ n: 1 }), patient())
    expect(stored!.text).not.toBe(known.text)
    expect(stored!.frame.revs).toEqual([known.frame.revs[0], expect.any(String)])
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

  it.each([true, undefined])(
    'takes another id only from a store that makes it of the text: %s',
    async (stateless) => {
      const { store } = setUp()
      const repository = new RecordRepository(Object.assign(store, { stateless }), limits, MINUTE)
      store.next('set', async () => ({ id: 'sealed' }))
      const writing = repository.commit('a', null, () => draft({}), patient())
      if (stateless) expect(await writing).toMatchObject({ id: 'sealed' })
      else await expect(writing).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    }
  )

  it('writes nothing for a draft of undefined', async () => {
    const { store, repository, create } = setUp()
    const known = await create({ n: 1 })
    const nothing = await repository.commit('a', known, () => undefined, patient())
    expect(nothing).toEqual({ id: 'a', stored: known, merged: false })
    expect(await repository.commit('b', null, () => undefined, patient())).toMatchObject({ stored: null })
    expect(store.log).toBe('')
  })

  it('writes nothing where the draft wants nothing of what others stored, and says that it is theirs', async () => {
    const { repository, create, change, load } = setUp()
    const known = await create({ n: 1 })
    await change({ n: 2 })
    const wanted = (latest: StoredRecord | null) => (latest === known ? draft({ n: 3 }) : undefined)
    const { stored, merged } = await repository.commit('a', known, wanted, patient())
    expect([stored!.data(), merged]).toEqual([{ n: 2 }, true])
    expect((await load()).data()).toEqual({ n: 2 })
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
    const { stored, merged } = await count(known)
    expect(stored?.data()).toEqual({ n: 1 })
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
    expect((await next).stored?.data()).toEqual({ n: 2 })
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
    store.always(async () => {
      advance(20_000)
      return { conflict: JSON.stringify({ other: ++other }) }
    }, 'set')
    const writing = repository.commit('a', known, () => draft({ n: 1 }), new Budget(100_000))
    await expect(writing).rejects.toMatchObject({ code: 'ERR_SESSION_TIMEOUT' })
    expect(other).toBe(5)
  })
})

describe('an answer that got lost', () => {
  it('does not count twice where the client sends the write again', async () => {
    const { store, create, load, count } = setUp()
    const known = await create({ n: 0 })
    store.next('set', sentTwice)
    expect((await count(known)).stored?.data()).toEqual({ n: 1 })
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
    const { stored, merged } = await count(known)
    expect([stored?.data(), merged]).toMatchObject([{ n: 1, other0: 0, other4: 4 }, true])
    expect((await load()).data()).toMatchObject({ n: 1, other0: 0, other4: 4 })
  })

  it('creates one session where the client sends its first write again', async () => {
    const { store, repository } = setUp()
    store.next('set', sentTwice)
    const { stored } = await repository.commit('a', null, () => draft({ n: 1 }), patient())
    expect(stored?.text).toBe(await store.inner.get('a'))
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
  it('are two writes in one process, and none is lost', async () => {
    const { store, create, load, count } = setUp()
    const known = await create({ n: 0 })
    await Promise.all(Array.from({ length: 100 }, () => count(known)))
    expect(store.log).toBe('set set')
    expect((await load()).data()).toEqual({ n: 100 })
  })

  it('are all answered where one of them takes its time to say what it stores', async () => {
    const { store, create, load, count, repository } = setUp()
    const known = await create({ n: 0 })
    const slow = () =>
      repository.commit(
        'a',
        known,
        async (latest) => {
          await new Promise(setImmediate)
          return draft({ n: Number(latest!.data().n) + 1 })
        },
        patient()
      )
    await Promise.all([count(known), slow(), count(known), slow(), count(known)])
    expect(store.log).toBe('set set')
    expect((await load()).data()).toEqual({ n: 5 })
  })

  it('are each published in the context of their own request', async () => {
    const { create, count } = setUp()
    const known = await create({ n: 0 })
    const requests = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const note = () => void seen.push(requests.getStore())
    subscribe('holdfast:commit', note)
    const names = ['first', 'second', 'third']
    await Promise.all(names.map((name) => requests.run(name, () => count(known))))
    unsubscribe('holdfast:commit', note)
    expect(seen).toEqual(names)
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

  it('all fail where the one in front finds the store down, not each after the one before it', async () => {
    const { store, create, count } = setUp()
    const known = await create({ n: 0 })
    store.always(hangs, 'set')
    const impatient = new RecordRepository(store, limits, 1000)
    const commits = Array.from({ length: 10 }, () =>
      codeOf(impatient.commit('a', known, () => draft({ n: 1 }), new Budget(300)))
    )
    expect(new Set(await Promise.all(commits))).toEqual(new Set(['ERR_SESSION_TIMEOUT']))
    expect(store.calls.filter(({ operation }) => operation === 'set')).toHaveLength(2)
    store.always(undefined)
    expect((await count(known)).stored?.data()).toEqual({ n: 1 })
  })

  it('do not wait for ever for one that does not end', async () => {
    const { repository, create, load } = setUp()
    const known = await create({ n: 0 })
    let end!: (value: undefined) => void
    const endless = repository.commit('a', known, () => new Promise((resolve) => (end = resolve)), patient())
    const counted = await repository.commit('a', known, () => draft({ n: 1 }), new Budget(100))
    expect(counted.stored?.data()).toEqual({ n: 1 })
    end(undefined)
    await endless
    expect((await load()).data()).toEqual({ n: 1 })
  })
})
