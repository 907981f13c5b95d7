import { Ends } from '../../lib/repository/ends'
import { advance } from '../support/clock'

test('knows for five minutes where a session has moved to', () => {
  const ends = new Ends()
  ends.add('a', 'b')
  advance(299_000)
  ends.add('c', 'd')
  expect(['a', 'c', 'x'].map((id) => ends.movedTo(id))).toEqual(['b', 'd', undefined])
  advance(2000)
  ends.add('e', 'f')
  expect(['a', 'c', 'e'].map((id) => ends.movedTo(id))).toEqual([undefined, 'd', 'f'])
})

test('forgets the oldest of a hundred thousand', () => {
  const ends = new Ends()
  for (let i = 0; i <= 100_000; i++) ends.add(`${i}`, 'x')
  expect([0, 1, 100_000].map((i) => ends.movedTo(`${i}`))).toEqual([undefined, 'x', 'x'])
})

test('knows which sessions have ended, by their ids or all at once', () => {
  const ends = new Ends()
  ends.add('a', 'b')
  ends.add('a')
  ends.add('c')
  expect([ends.movedTo('a'), ends.movedTo('c')]).toEqual(['b', undefined])
  expect(['a', 'b', 'c'].map((id) => ends.has(id))).toEqual([true, false, true])
  ends.addAll()
  expect(ends.has('b')).toBe(true)
  advance(301_000)
  expect(ends.has('b')).toBe(false)
})
