import { Moves } from '../../lib/repository/moves'
import { advance } from '../support/clock'

test('knows for five minutes where a session has moved to', () => {
  const moves = new Moves()
  moves.add('a', 'b')
  advance(299_000)
  moves.add('c', 'd')
  expect(['a', 'c', 'x'].map((id) => moves.from(id))).toEqual(['b', 'd', undefined])
  advance(2000)
  moves.add('e', 'f')
  expect(['a', 'c', 'e'].map((id) => moves.from(id))).toEqual([undefined, 'd', 'f'])
})

test('forgets the oldest of a hundred thousand', () => {
  const moves = new Moves()
  for (let i = 0; i <= 100_000; i++) moves.add(`${i}`, 'x')
  expect([0, 1, 100_000].map((i) => moves.from(`${i}`))).toEqual([undefined, 'x', 'x'])
})
