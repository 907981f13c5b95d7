import type { Data } from '../../lib/repository/merge'
import { hasLostChange } from '../../lib/session/lost-change'

/** Whether a change to the values of a replaced session is lost, if the one in its place keeps `kept`. */
function isLost(values: Data, change: () => void, kept?: Data): boolean {
  const before = JSON.stringify(values)
  change()
  return hasLostChange(values, before, kept)
}

describe('of a session that was replaced,', () => {
  it.each<[string, Data, (values: Data) => void]>([
    ['a value that was set', { a: 1 }, (values) => (values.a = 2)],
    ['a value that was added', {}, (values) => (values.a = 1)],
    ['a value that was taken away', { a: 1 }, (values) => delete values.a],
    ['a list that grew', { list: [1] }, ({ list }) => (list as number[]).push(2)],
    ['a value deep inside', { a: { b: { c: 1 } } }, ({ a }) => (((a as Data).b as Data).c = 2)],
    ['an object where a number was', { a: 1 }, (values) => (values.a = {})],
    ['a number where an object was', { a: {} }, (values) => (values.a = 1)],
    ['an object where null was', { a: null }, (values) => (values.a = { b: {} })],
    ['a value beside null', { a: null, n: 1 }, (values) => (values.n = 2)]
  ])('%s is a lost change', (_what, values, change) => {
    expect(isLost(values, () => change(values))).toBe(true)
    expect(isLost(values, () => undefined)).toBe(false)
  })

  const cart = () => ({ items: [1] })

  it('an object that the new session has as well keeps its change', () => {
    const shared = cart()
    const change = () => void shared.items.push(2)
    expect(isLost({ shared }, change, { shared })).toBe(false)
    expect(isLost({ shared }, change, { elsewhere: { deeper: [shared] } })).toBe(false)
    expect(isLost({ outer: { shared } }, change, { shared })).toBe(false)
    expect(isLost({ list: [{ shared }] }, change, { shared })).toBe(false)
  })

  it('an equal object that is another one does not', () => {
    const own = cart()
    expect(isLost({ own }, () => void own.items.push(2), { own: cart() })).toBe(true)
  })

  it('a change beside an object that the new session has is lost', () => {
    const [shared, own] = [cart(), cart()]
    const change = () => void own.items.push(2)
    expect(isLost({ shared, own }, change, { shared })).toBe(true)
    expect(isLost({ outer: { shared, own } }, change, { shared })).toBe(true)
  })

  it('a cycle in the new session is no trap', () => {
    const kept: Data = { a: { b: 1 } }
    ;(kept.a as Data).again = kept.a
    expect(isLost({ n: 1 }, () => undefined, kept)).toBe(false)
  })
})
