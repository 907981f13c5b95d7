import type { Store } from '../../lib'
import { Budget } from '../../lib/repository/budget'
import { GuardedStore } from '../../lib/repository/guarded-store'
import { plain } from '../testing/broken'
import { MemoryStore } from '../../lib/stores/memory/memory-store'

const silent = () => new Promise<never>(() => undefined)
const timeout = { code: 'ERR_SESSION_TIMEOUT' }
const patient = () => new Budget(60_000)

/** A store whose `get` and `destroy` a test chooses, and what it was asked. */
function setUp(given: Partial<Store> = {}) {
  const asked: string[] = []
  const store: Store = {
    ...plain(new MemoryStore()),
    get: (id) => {
      asked.push(id.startsWith('probe') ? 'a probe' : id)
      return silent()
    },
    ...given
  }
  const guarded = new GuardedStore(store)
  return {
    asked,
    get: (id: string, budget = new Budget(5)) => guarded.get(id, budget, undefined, (text) => text),
    guarded
  }
}

/** Until the store has heard of it, or a deadline has passed. */
const settled = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answer',
    (error: unknown) => (String(error).includes('has stopped') ? 'not asked' : 'deadline')
  )

test('a server that is silent about several ids is not asked any more, until it answers', async () => {
  const { get, asked } = setUp()
  const outcomes: string[] = []
  while (outcomes.at(-1) !== 'not asked') outcomes.push(await settled(get(`id${outcomes.length}`)))
  // The third deadline, of an id or of a probe.
  expect(outcomes.length).toBeLessThanOrEqual(4)
  expect(asked).toContain('a probe')
  expect(asked).not.toContain(`id${outcomes.length - 1}`)
})

test('an answer that comes too late opens the way for all', async () => {
  let answer!: (text: null) => void
  const first = new Promise<null>((resolve) => (answer = resolve))
  let calls = 0
  const { get } = setUp({ get: () => (calls++ === 0 ? first : silent()) })
  let last = ''
  for (let i = 0; last !== 'not asked'; i++) last = await settled(get(`id${i}`))
  answer(null)
  await first
  expect(await settled(get('another'))).toBe('deadline')
})

test('silence about one id alone, while a probe is answered, stops nobody', async () => {
  const { get } = setUp({ get: (id) => (id === 'bad' ? silent() : Promise.resolve(null)) })
  for (let i = 0; i < 6; i++) expect(await settled(get('bad'))).toBe('deadline')
  expect(await settled(get('good', patient()))).toBe('answer')
})

test('of several servers, only the one that is silent is left alone', async () => {
  const nodes = { a: {}, b: {} }
  const nodeOf = (id: string) => (id.endsWith('b') ? nodes.b : nodes.a)
  const { get } = setUp({
    nodeOf,
    get: (id) => (nodeOf(id) === nodes.a ? silent() : Promise.resolve(null))
  })
  let last = ''
  for (let i = 0; last !== 'not asked'; i++) last = await settled(get(`id${i}-a`))
  expect(await settled(get('id-b', patient()))).toBe('answer')
})

test('a store that does not know the server of an id has failed', async () => {
  const nodeOf = () => {
    throw new Error('no server')
  }
  await expect(setUp({ nodeOf }).get('id', patient())).rejects.toMatchObject({
    code: 'ERR_SESSION_STORE',
    cause: { message: 'no server' }
  })
})

test('a store without a server never counts as silent', async () => {
  const { get } = setUp({ stateless: true })
  for (let i = 0; i < 6; i++) await expect(get(`id${i}`)).rejects.toMatchObject(timeout)
})

describe('an answer that the contract does not know is a failure', () => {
  const answered = (method: string) =>
    expect.objectContaining({
      code: 'ERR_SESSION_STORE',
      cause: expect.objectContaining({ message: expect.stringContaining(`the store's ${method} answered`) })
    })
  const answering = (method: string, answer: unknown) =>
    new GuardedStore({ ...plain(new MemoryStore()), [method]: async () => answer })

  test.each<unknown>([undefined, 5, {}])('get: %p', async (answer) => {
    const reading = answering('get', answer).get('id', patient(), undefined, (text) => text)
    await expect(reading).rejects.toEqual(answered('get'))
  })
  test.each<unknown>([undefined, 1, 'OK', null])('touch: %p', async (answer) => {
    await expect(answering('touch', answer).touch('id', 1000, patient())).rejects.toEqual(answered('touch'))
  })
  test.each<unknown>([undefined, null, 1, {}, { conflict: null }])('destroy: %p', async (answer) => {
    await expect(answering('destroy', answer).destroy('id', patient())).rejects.toEqual(answered('destroy'))
  })
  test.each<unknown>([undefined, -1, '5', NaN])('life: %p', async (answer) => {
    await expect(answering('life', answer).life('id', patient())).rejects.toEqual(answered('life'))
  })

  test('what it knows passes', async () => {
    expect(await answering('touch', true).touch('id', 1, patient())).toBe(true)
    for (const answer of [true, false, { conflict: 'text' }])
      expect(await answering('destroy', answer).destroy('id', patient())).toBe(answer)
    for (const answer of [null, 0, 5, Infinity])
      expect(await answering('life', answer).life('id', patient())).toBe(answer)
  })
})

test('a store hears of a move if it wants to', async () => {
  const notify = jest.fn(async () => undefined)
  await new GuardedStore({ ...plain(new MemoryStore()), notify }).notify('a', 'b', patient())
  expect(notify).toHaveBeenCalledWith({ id: 'a', successor: 'b' })
  expect(await new GuardedStore(plain(new MemoryStore())).notify('a', 'b', patient())).toBeUndefined()
})
