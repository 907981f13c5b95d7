import { printable, printDuration, printJson, printTable, printTime } from '../../lib/cli/print'

test.each([
  [0, 'less than 1 s'],
  [-5, 'less than 1 s'],
  [1000, '1 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [61_000, '1 min 1 s'],
  [3_600_000, '1 h'],
  [3_661_000, '1 h 1 min'],
  [86_400_000, '1 d'],
  [86_460_000, '1 d'],
  [31 * 86_400_000 + 7_199_999, '31 d 1 h']
])('%i ms are %s', (duration, told) => {
  expect(printDuration(duration)).toBe(told)
})

test('a moment is told in UTC, to the second', () => {
  expect(printTime(new Date(Date.UTC(2026, 10, 22, 13, 36, 0, 999)))).toBe('2026-11-22 13:36:00Z')
})

test('columns are as wide as what is in them', () => {
  const rows = [
    ['a', 'bb', ''],
    ['ccc', 'd', 'e']
  ]
  expect(printTable(rows)).toBe('a    bb\nccc  d   e')
})

test('what a terminal obeys is escaped, and JSON stays the same value', () => {
  const value = { 'k\u0000': 'a\u001b[2J \u009b2J \u202e\u{e0001} \u2028 \n \t 安 😀 \u007f' }
  const text = printJson(value, 2)
  expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/u)
  expect(JSON.parse(text)).toEqual(value)
  expect(text).toContain('安 😀')
  expect(printable('a\u001b[2J\nb 安')).toBe('a\\u001b[2J\\nb 安')
})
