import { runInNewContext } from 'node:vm'
import { checkData, checkedMerge, checkValues, findLoss } from '../../lib/repository/values'
import { hearWarnings } from '../support/hold-listeners'

class Basket {
  items = 1
}
class Hidden {
  #items = 1
  get items() {
    return this.#items
  }
}
class Later {
  then() {
    return 1
  }
}
const under = Symbol('mark')
const cycle: { self?: unknown } = {}
cycle.self = { back: cycle }
const listWithName = Object.assign([1], { name: 'list' })
const jsonOf = (made: unknown) => ({ toJSON: () => made })

describe('finds what JSON would lose', () => {
  test.each<[string, unknown]>([
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    ['symbol', Symbol('x')],
    ['function', () => 1],
    ['BigInt', 1n],
    ['cycle', cycle],
    ['Map', new Map([[1, 1]])],
    ['Set', new Set([1])],
    ['WeakMap', new WeakMap()],
    ['WeakSet', new WeakSet()],
    ['RegExp', /x/],
    ['TypeError', new TypeError('x')],
    ['Promise', Promise.resolve()],
    ['Promise', new Later()],
    ['Map', runInNewContext('new Map()')],
    ['Error', runInNewContext('new Error()')],
    ['Hidden', new Hidden()],
    ['URLSearchParams', new URLSearchParams('a=1')],
    ['ArrayBuffer', new ArrayBuffer(8)],
    ['object of a class', Object.create({ constructor: undefined }) as object],
    ['invalid Date', new Date(NaN)],
    ['list with properties', listWithName],
    ['value under a symbol', Object.assign({ a: 1 }, { [under]: 1 })],
    ['value under a symbol', Object.assign([1], { [under]: 1 })],
    ['object whose toJSON makes nothing of it', jsonOf(undefined)],
    ['Map', jsonOf(new Map())],
    ['BigInt', jsonOf({ deep: [5n] })],
    ['Map', Object.assign(new Map(), jsonOf('text'))]
  ])('%s', (type, value) => {
    expect(findLoss({ key: value })).toMatchObject({ type, isLost: true })
    expect(findLoss({ list: [{ value }] })).toMatchObject({ type, isLost: true })
  })

  test.each<[string, object]>([
    ['cart.items[2].price', { n: 1, cart: { items: [1, 2, { price: NaN }] } }],
    ['key', { key: 5n }],
    ['list[1][0]', { list: [[1], [() => 1]] }],
    ['list[1]', { list: [1, undefined] }],
    // oxlint-disable-next-line no-sparse-arrays
    ['list[0]', { list: [, 1] }],
    ['a[Symbol(mark)]', { a: { [under]: 1 } }],
    // What is lost is told before what comes back as something else.
    ['b', { a: new Date(0), b: NaN }],
    ['a[1]', { a: [new Date(0), NaN] }],
    ['a.y', { a: Object.assign(new Basket(), { x: new Date(0), y: NaN }) }]
  ])('at %s', (path, data) => {
    expect(findLoss(data)).toMatchObject({ path, isLost: true })
  })
})

test.each<[string, unknown]>([
  ['Date', new Date(0)],
  ['Buffer', Buffer.from('x')],
  ['Uint8Array', new Uint8Array(2)],
  ['Basket', new Basket()],
  ['URL', new URL('http://localhost')],
  ['Basket', Object.assign(new Basket(), jsonOf({ plain: 1 }))]
])('finds what JSON would change: %s', (type, value) => {
  expect(findLoss({ key: value })).toEqual({ path: 'key', type, isLost: false })
})

test.each<unknown>([
  undefined,
  null,
  0,
  '',
  [],
  {},
  [null, { a: undefined }],
  Object.create(null),
  { toJSON: 5 },
  jsonOf({ plain: 1 }),
  { again: [cycle.toString, cycle.toString].length },
  new Array(3).fill('x')
])('leaves %j alone', (value) => {
  const twice = { one: value, other: [value === undefined ? null : value] }
  expect(findLoss(twice)).toBeUndefined()
})

test('an object that stands in two places is no cycle, and the cookie of a session is not looked at', () => {
  const shared = { a: [1] }
  expect(findLoss({ one: shared, other: { shared }, cookie: new Map() })).toBeUndefined()
  expect(findLoss({ one: { cookie: new Map() } })).toMatchObject({ path: 'one.cookie' })
})

test('a toJSON that throws is left to JSON, and a BigInt is kept where the application says how', () => {
  const thrown = {
    toJSON() {
      throw new Error('of the application')
    }
  }
  expect(findLoss({ key: thrown })).toBeUndefined()
  const prototype = BigInt.prototype as { toJSON?: () => string }
  prototype.toJSON = function (this: bigint) {
    return String(this)
  }
  try {
    expect(findLoss({ key: 5n })).toEqual({ path: 'key', type: 'BigInt', isLost: false })
  } finally {
    delete prototype.toJSON
  }
})

test.each<[string, object, string]>([
  [
    'an article',
    { a: new Map() },
    'the session cannot keep a, which is a Map: store plain values that JSON can hold'
  ],
  ['a vowel', { a: new Error('x') }, 'the session cannot keep a, which is an Error: store plain values'],
  ['none', { a: NaN }, 'the session cannot keep a, which is NaN: store'],
  ['none', { a: [-Infinity] }, 'the session cannot keep a[0], which is -Infinity: store'],
  ['a name of its own', { '@': 1 }, 'the name "@" belongs to the session itself'],
  ['a method', { save: 1 }, 'the name "save" belongs to the session itself']
])('checkValues refuses with %s: %j', (_what, data, message) => {
  expect(() => checkValues(data)).toThrow(
    expect.objectContaining({ code: 'ERR_SESSION_DATA', message: expect.stringContaining(message) })
  )
})

test('checkValues warns of each key that comes back as something else', async () => {
  const { warnings, end } = hearWarnings()
  checkValues({ day: new Date(0), basket: { of: new Basket() }, n: 1 })
  await new Promise(setImmediate)
  end()
  expect(warnings.map(({ message }) => message)).toEqual([
    'the session keeps day, which is a Date, as JSON: it comes back as a string',
    'the session keeps basket.of, which is a Basket, as JSON: it comes back as plain data'
  ])
})

describe('checkData', () => {
  test.each<unknown>([
    undefined,
    null,
    5,
    'x',
    [],
    [1],
    new Map([[1, 1]]),
    Promise.resolve(),
    new Hidden(),
    new Date()
  ])('refuses %p', (value) =>
    expect(() => checkData('set', value)).toThrow(/^set takes the data of a session: a plain object/)
  )
  test.each<unknown>([{}, { a: 1 }, Object.create(null), new Basket(), { cookie: {} }])('takes %p', (value) =>
    expect(() => checkData('set', value)).not.toThrow()
  )
  test.each<unknown>([5, null, 'x'])('refuses %p as its cookie', (cookie) =>
    expect(() => checkData('set', { cookie })).toThrow(/"cookie" belongs to the session/)
  )
})

describe('a rule of merging', () => {
  const merged = (result: unknown) => checkedMerge(() => result as never)({}, {}, {})

  test('gets all three, and its result is the session', () => {
    const merge = jest.fn(() => ({ n: 3 }))
    expect(checkedMerge(merge)({ n: 0 }, { n: 1 }, { n: 2 })).toEqual({ n: 3 })
    expect(merge).toHaveBeenCalledWith({ n: 0 }, { n: 1 }, { n: 2 })
  })

  test.each<[unknown, RegExp]>([
    [undefined, /merge must return the merged data/],
    [[], /merge must return the merged data/],
    [Promise.resolve({}), /merge/],
    [{ a: new Map() }, /cannot keep a, which is a Map/],
    [{ cookie: {} }, /"cookie" belongs to the session/]
  ])('that answers %p is refused', (result, message) => {
    expect(() => merged(result)).toThrow(message)
  })
})
