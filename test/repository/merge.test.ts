import fc from 'fast-check'
import { mergeData, pick, sameValue, type Data } from '../../lib/repository/merge'

describe('mergeData', () => {
  it.each<[string, Data, Data, Data, Data]>([
    ['nobody changed anything', { a: 1 }, { a: 1 }, { a: 1 }, { a: 1 }],
    ['I changed a key', { a: 1 }, { a: 2 }, { a: 1 }, { a: 2 }],
    ['they changed a key', { a: 1 }, { a: 1 }, { a: 2 }, { a: 2 }],
    ['both changed different keys', { a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 2 }, { a: 2, b: 2 }],
    ['both changed the same key: mine, which is the later one', { a: 1 }, { a: 2 }, { a: 3 }, { a: 2 }],
    ['both changed it to the same', { a: 1 }, { a: 2 }, { a: 2 }, { a: 2 }],
    ['I added', {}, { a: 1 }, {}, { a: 1 }],
    ['they added', {}, {}, { a: 1 }, { a: 1 }],
    ['both added different keys', {}, { a: 1 }, { b: 1 }, { b: 1, a: 1 }],
    ['both added the same key', {}, { a: 1 }, { a: 2 }, { a: 1 }],
    ['I deleted', { a: 1, b: 1 }, { b: 1 }, { a: 1, b: 1 }, { b: 1 }],
    ['they deleted', { a: 1, b: 1 }, { a: 1, b: 1 }, { b: 1 }, { b: 1 }],
    ['both deleted', { a: 1 }, {}, {}, {}],
    ['I deleted what they changed', { a: 1 }, {}, { a: 2 }, {}],
    ['they deleted what I changed', { a: 1 }, { a: 2 }, {}, { a: 2 }],
    ['I deleted what they never had', { a: 1 }, {}, { b: 1 }, { b: 1 }],
    [
      'a nested object is one value',
      { a: { x: 1, y: 1 } },
      { a: { x: 2, y: 1 } },
      { a: { x: 1, y: 2 } },
      { a: { x: 2, y: 1 } }
    ],
    ['an array is one value', { a: [1] }, { a: [1, 2] }, { a: [1, 3] }, { a: [1, 2] }],
    ['null is a value', { a: 1 }, { a: null }, { a: 1 }, { a: null }]
  ])('%s', (_what, base, mine, theirs, merged) => {
    expect(mergeData(base, mine, theirs)).toEqual(merged)
  })

  it('keeps their order of keys, and puts what I added behind it', () => {
    const merged = mergeData({ a: 1, b: 1 }, { mine: 1, b: 2, a: 1 }, { z: 1, b: 1, a: 1, y: 1 })
    expect(Object.keys(merged)).toEqual(['z', 'b', 'a', 'y', 'mine'])
  })

  it('takes names that objects have anyway for ordinary keys', () => {
    const theirs = { toString: 1, constructor: 2 }
    expect(mergeData({}, { valueOf: 3 }, theirs)).toEqual({ toString: 1, constructor: 2, valueOf: 3 })
    expect(mergeData(theirs, { constructor: 2 }, theirs)).toEqual({ constructor: 2 })
  })

  it('leaves what it was given alone', () => {
    const [base, mine, theirs] = [{ a: 1 }, { a: 2, b: 1 }, { c: 1 }].map((data) => Object.freeze(data))
    expect(mergeData(base!, mine!, theirs!)).toEqual({ a: 2, b: 1, c: 1 })
  })

  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.jsonValue({ maxDepth: 2 }))

  it('is what one of both has, where the other changed nothing', () => {
    fc.assert(
      fc.property(data, data, (base, changed) => {
        expect(mergeData(base, changed, base)).toEqual(changed)
        expect(mergeData(base, base, changed)).toEqual(changed)
        expect(mergeData(base, changed, changed)).toEqual(changed)
      })
    )
  })

  it('has every change of mine, and of theirs every one whose key I left alone', () => {
    fc.assert(
      fc.property(data, data, data, (base, mine, theirs) => {
        const merged = mergeData(base, mine, theirs)
        for (const key of ['a', 'b', 'c', 'd']) {
          const winner = sameValue(base, mine, key) ? theirs : mine
          expect(sameValue(merged, winner, key)).toBe(true)
        }
      })
    )
  })
})

describe('sameValue', () => {
  it.each<[Data, Data, boolean]>([
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1 }, { a: '1' }, false],
    [{ a: { x: [1, null] } }, { a: { x: [1, null] } }, true],
    [{ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } }, false],
    [{}, {}, true],
    [{ a: null }, {}, false],
    [{}, { a: undefined }, false],
    [Object.create({ a: 1 }) as Data, {}, true]
  ])('%j and %j: %s', (one, other, same) => {
    expect(sameValue(one, other, 'a')).toBe(same)
    expect(sameValue(other, one, 'a')).toBe(same)
  })
})

test('a value that JSON cannot hold is a change, unless it is the very same', () => {
  const [cycle, other] = [{}, {}].map((value: Data) => Object.assign(value, { self: value }))
  expect(sameValue({ a: cycle }, { a: other }, 'a')).toBe(false)
  expect(sameValue({ a: cycle }, { a: cycle }, 'a')).toBe(true)
})

test('of data, the keys that are asked for are picked', () => {
  const data = Object.assign(Object.create({ inherited: 1 }) as Data, { a: 1, b: undefined, c: 3 })
  expect(pick(data, ['a', 'b', 'missing', 'inherited'])).toStrictEqual({ a: 1, b: undefined })
  expect(pick(data, [])).toStrictEqual({})
  expect(pick(data, undefined)).toBe(data)
})
