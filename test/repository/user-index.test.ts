import { MemoryStore, type SessionIndex, type Store } from '../../lib'
import { after, answerLost, CountingStore } from '../support/counting-store'
import { advance } from '../support/clock'
import { draft, limits, patient } from '../support/repository'
import { RecordRepository } from '../../lib/repository/record-repository'
import { plain } from '../testing/broken'
import { until } from '../support/site'

const MINUTE = 60_000
const TIMEOUT = 10_000
const LIFETIME = 60 * MINUTE

/** A repository with an index, and what is asked of the index. */
function setUp(inner: Store = new MemoryStore()) {
  const asked: string[] = []
  const index = inner.index!
  const telling: SessionIndex = {
    add: (...args) => (asked.push('add'), index.add(...args)),
    list: (user) => (asked.push('list'), index.list(user)),
    end: (user, ...args) => (asked.push('end'), index.end(user, ...args)),
    ended: (user) => (asked.push('ended'), index.ended(user)),
    renew: (user, entry) => (asked.push(`renew ${entry.id}`), index.renew(user, entry)),
    remove: (user, entry) => (asked.push(`remove ${entry.id}`), index.remove(user, entry))
  }
  const store = Object.assign(new CountingStore(inner), { index: telling })
  const repository = new RecordRepository(store, limits, TIMEOUT, undefined, LIFETIME)
  const login = (id: string, user: string | undefined = 'U') =>
    repository.commit(id, null, () => draft({}, { user, ttl: 10 * MINUTE }), patient())
  const noted = async (user = 'U') => (await index.list(user)).map(({ id }) => id)
  return { store, repository, login, noted, asked, index }
}

/** As {@link MemoryStore}, but what has ended stays in the index, as it does in Redis. */
function forgetful(): Store {
  const real = new MemoryStore()
  const notes = new MemoryStore()
  const { index } = notes
  const noting: SessionIndex = {
    add: async (user, id, ttl) => {
      // As long as something is kept under an id its note stays.
      await notes.set(id, 'kept', 1000 * LIFETIME, null)
      return index.add(user, id, ttl)
    },
    list: (user) => index.list(user),
    end: (...args) => index.end(...args),
    ended: (user) => index.ended(user),
    renew: (...args) => index.renew(...args),
    remove: (...args) => index.remove(...args)
  }
  return { ...plain(real), life: (id) => real.life(id), index: noting }
}

test('what expired goes from the index, two at each login, and what lives stays', async () => {
  const { repository, login, noted, asked } = setUp(forgetful())
  for (const id of ['a', 'b', 'c', 'd']) await login(id)
  await repository.touch('b', LIFETIME, patient())
  advance(11 * MINUTE)
  asked.length = 0
  await login('e')
  await until(() => asked.length === 4)
  expect(asked.sort()).toEqual(['add', 'ended', 'remove a', 'renew b'])
  expect(await noted()).toEqual(['c', 'd', 'e', 'b'])
  await login('f')
  await until(async () => (await noted()).length === 3)
  expect(await noted()).toEqual(['e', 'b', 'f'])
})

test('however many logins there are, the index does not grow beyond those that live', async () => {
  const { login, noted, repository } = setUp(forgetful())
  for (let i = 0; i < 200; i++) {
    await login(`s${i}`)
    await repository.destroy(`s${i}`, patient())
    advance(MINUTE)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect((await noted()).length).toBeLessThan(5)
})

test('a login that never came to its end goes when it had time enough, and not before', async () => {
  const { login, noted, index, asked } = setUp(forgetful())
  // The process was killed between noting the id and storing the session.
  await index.add('U', 'killed', LIFETIME)
  advance(MINUTE + TIMEOUT / 2)
  asked.length = 0
  await login('a')
  expect([asked, await noted()]).toEqual([
    ['add', 'ended'],
    ['killed', 'a']
  ])
  advance(TIMEOUT)
  await login('b')
  await until(async () => !(await noted()).includes('killed'))
  expect(await noted()).toEqual(['a', 'b'])
})

test('a session that went to another user goes from the index of the first', async () => {
  const { repository, login, noted } = setUp(forgetful())
  await login('a')
  const known = await repository.load('a', patient())
  await repository.commit('a', known, () => draft({}, { user: 'V' }), patient())
  advance(2 * MINUTE)
  await login('b')
  await until(async () => (await noted()).length === 1)
  expect([await noted('U'), await noted('V')]).toEqual([['b'], ['a']])
})

test('what this program cannot read stays in the index as long as it lives', async () => {
  const inner = forgetful()
  const life = jest.spyOn(inner, 'life')
  const { login, noted } = setUp(inner)
  await login('a')
  await inner.set('a', 'of another program', 5 * MINUTE, await inner.get('a'))
  advance(2 * MINUTE)
  await login('b')
  await until(() => life.mock.results.length === 1)
  await life.mock.results[0]!.value
  expect(await noted()).toEqual(['b', 'a'])
  advance(4 * MINUTE)
  await login('c')
  await until(async () => (await noted()).length === 2)
  expect(await noted()).not.toContain('a')
})

test('a failure while others are looked after fails no login', async () => {
  const { store, login, noted } = setUp(forgetful())
  await login('a')
  advance(2 * MINUTE)
  store.next('get', () => Promise.reject(new Error('down')))
  expect(await login('b')).toMatchObject({ id: 'b' })
  expect(await noted()).toEqual(['a', 'b'])
})

test('a session is noted for its lifetime and a minute, for sixty days at most', async () => {
  const lives: number[] = []
  const inner = forgetful()
  const add: SessionIndex['add'] = (user, id, ttl) => (lives.push(ttl), inner.index!.add(user, id, ttl))
  const store = Object.assign(new CountingStore(inner), { index: { ...inner.index!, add } })
  for (const lifetime of [LIFETIME, Infinity]) {
    const repository = new RecordRepository(store, limits, TIMEOUT, undefined, lifetime)
    await repository.commit(`${lifetime}`, null, () => draft({}, { user: 'U' }), patient())
  }
  expect(lives).toEqual([LIFETIME + MINUTE, 60 * 24 * 60 * MINUTE])
})

test('a commit that meets another user’s change notes the session anew', async () => {
  const { repository, login, asked, noted } = setUp()
  await login('a')
  const known = (await repository.load('a', patient()))!
  await repository.commit('a', known, () => draft({ b: 1 }, { user: 'V' }), patient())
  asked.length = 0
  // It read before: the first attempt needs no noting, as the session was U's then.
  await repository.commit('a', known, () => draft({ a: 1 }, { user: 'U' }), patient())
  expect([asked, await noted()]).toEqual([['add', 'ended'], ['a']])
})

test('nothing stays noted of a login whose id is in use already', async () => {
  const { login, noted } = setUp()
  await login('a', 'V')
  await expect(login('a', 'U')).rejects.toMatchObject({ code: 'ERR_SESSION_DATA' })
  await until(async () => (await noted('U')).length === 0)
  expect(await noted('V')).toEqual(['a'])
})

test('a login that moves to another id is not noted under the old one any more', async () => {
  const { repository, login, noted } = setUp()
  const { stored } = await login('a')
  await login('b')
  await repository.close('a', stored!, 'b', 'rev', patient())
  await until(async () => (await noted()).join() === 'b')
})

test('a session that ends is not noted any more, where the store keeps the notes of what has ended', async () => {
  const { repository, login, noted, asked } = setUp(forgetful())
  await login('a')
  expect(await noted()).toEqual(['a'])
  expect(await repository.destroy('a', patient())).toBe(true)
  await until(async () => (await noted()).length === 0)
  expect(asked).toEqual(['add', 'ended', 'remove a'])
})

test('a session that is nobody’s asks nothing of the index, whatever becomes of it', async () => {
  const { repository, asked } = setUp()
  const { stored } = await repository.commit('a', null, () => draft({ n: 1 }), patient())
  await repository.commit('a', stored, () => draft({ n: 2 }), patient())
  await repository.commit('b', null, () => draft({ n: 2 }), patient())
  await repository.close('a', (await repository.load('a', patient()))!, 'b', 'rev', patient())
  await repository.destroy('b', patient())
  expect(asked).toEqual([])
})

test('a login counts from its note, and one that is carried to another id from when it began', async () => {
  const { repository, login } = setUp()
  const { stored } = await login('a')
  expect(stored!.since).toEqual(expect.any(Number))
  expect((await repository.load('a', patient()))!.since).toBe(stored!.since)
  const carried = () => draft({}, { user: 'U', since: 5 })
  expect((await repository.commit('b', null, carried, patient())).stored!.since).toBe(5)
})

test('a login that is revoked while it is on its way is gone', async () => {
  const { store, repository, login } = setUp()
  store.next(
    'set',
    after(() => repository.users!.end('U'))
  )
  await expect(login('a')).rejects.toMatchObject({ code: 'ERR_SESSION_GONE' })
  expect(await store.inner.get('a')).toBeNull()
})

test('a login of which nobody knows whether it was stored stays noted', async () => {
  const { store, repository, login, noted, asked } = setUp()
  store.next('set', answerLost)
  await expect(login('a')).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
  expect([await noted(), asked]).toEqual([['a'], ['add']])
  expect(await repository.load('a', patient())).not.toBeNull()
})

test('a login fails as one of the store does if the index does not answer what it noted', async () => {
  const store = new MemoryStore()
  const add = () => Promise.resolve(undefined as never)
  const { login } = setUp({ ...plain(store), index: { ...store.index, add } })
  await expect(login('a')).rejects.toMatchObject({
    code: 'ERR_SESSION_STORE',
    cause: { message: expect.stringMatching(/^the store's index\.add answered/) }
  })
  expect(await store.get('a')).toBeNull()
})

test.each(['list', 'end'] as const)('an index whose %s answers no list has failed', async (method) => {
  const store = new MemoryStore()
  const answer = () => Promise.resolve(undefined as never)
  const { repository } = setUp({ ...plain(store), index: { ...store.index, [method]: answer } })
  await expect(repository.users![method]('U')).rejects.toMatchObject({
    code: 'ERR_SESSION_STORE',
    cause: { message: expect.stringContaining(`the store's index.${method} answered`) }
  })
})
