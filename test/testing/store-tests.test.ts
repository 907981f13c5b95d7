import { CookieStore } from '../../lib/stores/cookie-store'
import { MemoryStore } from '../../lib/stores/memory/memory-store'
import type { Store } from '../../lib/stores/store'
import { type StoreTest, storeTests } from '../../lib/store-tests'
import { overwrite } from './broken'
import { BROKEN_COMPARISONS } from './broken-comparisons'
import { BROKEN_CONTRACT } from './broken-contract'
import { BROKEN_ENDS } from './broken-ends'
import { BROKEN_LIVES } from './broken-lives'
import { BROKEN_USERS } from './broken-users'

const BROKEN = { ...BROKEN_CONTRACT, ...BROKEN_COMPARISONS, ...BROKEN_LIVES, ...BROKEN_ENDS, ...BROKEN_USERS }
const NAMES = storeTests(() => new MemoryStore()).map(({ name }) => name)

function testNamed(name: string, tests: StoreTest[]): StoreTest {
  const found = tests.find((one) => one.name === name)
  if (!found) throw new Error(`there is no test ${name}`)
  return found
}

test('each test has a name of its own', () => {
  expect(new Set(NAMES).size).toBe(NAMES.length)
})

describe.each(Object.entries(BROKEN))('a store that %s', (_, { make, breaks }) => {
  test(`fails: ${breaks}`, async () => {
    await expect(testNamed(breaks, storeTests(make)).run()).rejects.toThrow()
  })
})

test.each(NAMES)('some store fails: %s', async (name) => {
  for (const { make } of Object.values(BROKEN)) {
    const passed = await testNamed(name, storeTests(make))
      .run()
      .then(
        () => true,
        () => false
      )
    if (!passed) return
  }
  throw new Error('every store passes')
})

describe('a store that cannot be reached', () => {
  const fail = (): Promise<never> => Promise.reject(new Error('no connection'))
  const silent: Store = { contract: 1, get: fail, set: fail, touch: fail, destroy: fail, notify: fail }

  test.each<[says: string, breaks: string, method: Partial<Store>]>([
    ['nothing is kept', 'get', { get: () => Promise.resolve(null) }],
    ['it was kept', 'set', { set: (id) => Promise.resolve({ id }) }],
    ['somebody else was faster', 'set', { set: () => Promise.resolve({ conflict: null }) }],
    ['there is nothing to renew', 'touch', { touch: () => Promise.resolve(false) }],
    ['there is nothing to destroy', 'destroy', { destroy: () => Promise.resolve(false) }],
    ['it was passed on', 'notify', { notify: () => Promise.resolve() }],
    ['nothing lives', 'life', { life: () => Promise.resolve(null) }]
  ])('and says that %s fails: where it cannot say, %s rejects', async (_, breaks, method) => {
    const tests = storeTests(() => new MemoryStore(), { unreachable: () => ({ ...silent, ...method }) })
    await expect(testNamed(`where it cannot say, ${breaks} rejects`, tests).run()).rejects.toThrow()
  })

  test('and throws passes, at once or later', async () => {
    const throwing = (): never => {
      throw new Error('no connection')
    }
    const sync: Store = {
      contract: 1,
      get: throwing,
      set: throwing,
      touch: throwing,
      destroy: throwing,
      notify: throwing
    }
    for (const store of [silent, sync]) {
      const tests = storeTests(() => new MemoryStore(), { unreachable: () => store })
      for (const { run } of tests.slice(NAMES.length)) await run()
    }
  })

  test('is not asked for, where none is given', () => {
    expect(NAMES.filter((name) => name.startsWith('where it cannot say'))).toEqual([])
  })
})

describe('a store that does not compare, and says so, passes', () => {
  const real = new MemoryStore()
  afterAll(() => real.close())
  const store: Store = {
    contract: 1,
    conditional: false,
    get: (id, ttl) => real.get(id, ttl),
    set: (...args) => overwrite(real, ...args),
    touch: (id, ttl) => real.touch(id, ttl),
    destroy: (id) => real.destroy(id)
  }
  for (const { name, run } of storeTests(() => store)) test(name, run)
})

describe('a store whose ids carry the text passes', () => {
  function newStore(): CookieStore {
    const store = new CookieStore()
    store.keys(() => ['a secret of thirty-two bytes or more'], 'sid')
    return store
  }
  for (const { name, run } of storeTests(newStore)) test(name, run)

  test('unless it says that it compares', async () => {
    const tests = storeTests(() => Object.assign(newStore(), { conditional: true }))
    await expect(testNamed('says which contract it keeps', tests).run()).rejects.toThrow('cannot compare')
  })
})

test.each<[string, unknown[], RegExp]>([
  ['a store', [new MemoryStore()], /takes functions that make stores: storeTests\(\(\) => store\)/],
  ['nothing', [], /takes functions/],
  ['a store that cannot be reached', [() => new MemoryStore(), { unreachable: {} }], /takes functions/],
  ['a store that cannot be reached, not as an option', [() => new MemoryStore(), Date], /takes functions/],
  ['a misspelt option', [() => new MemoryStore(), { unreachble: Date }], /unreachable, and not unreachble/]
])('%s is refused at once', (_what, args, message) => {
  expect(() => (storeTests as (...args: unknown[]) => unknown)(...args)).toThrow(message)
})
