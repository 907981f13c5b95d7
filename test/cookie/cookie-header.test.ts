import fc from 'fast-check'
import { readCookies } from '../../lib/cookie/cookie-header'
import { HEADER_BOUND, leastCpuTime } from '../support/cpu-time'
import { anyText } from '../support/text'

const trim = (text: string) => text.replace(/^[ \t]+|[ \t]+$/g, '')

/** The same by taking the whole header apart: slow, and plain to see that it is right. */
function readEvery(header: string, name: string): string[] {
  return header
    .split(';')
    .map((pair): [string, number] => [pair, pair.indexOf('=')])
    .filter(([pair, equals]) => equals !== -1 && trim(pair.slice(0, equals)) === name)
    .map(([pair, equals]) => trim(pair.slice(equals + 1)))
}

describe('readCookies', () => {
  it.each<[string, string | undefined, string[]]>([
    ['no header', undefined, []],
    ['an empty header', '', []],
    ['one cookie', 'sid=abc', ['abc']],
    ['one among others', 'a=1; sid=abc; b=2', ['abc']],
    ['several of the name, in order', 'sid=1; x=9; sid=2;sid=3', ['1', '2', '3']],
    ['no blank after the semicolon', 'a=1;sid=abc;b=2', ['abc']],
    ['blanks around name and value', ' \t sid \t = \t abc \t ;', ['abc']],
    ['blanks inside the value', 'sid=a b\tc', ['a b\tc']],
    ['other white space', 'sid=\u00a0\u000babc\r\n', ['\u00a0\u000babc\r\n']],
    ['other white space before the name', '\u00a0sid=1; \nsid=2', []],
    ['an empty value', 'sid=; sid', ['']],
    ['an equals sign in the value', 'sid=a=b==', ['a=b==']],
    ['quotes, which are part of the value', 'sid="abc"', ['"abc"']],
    ['a semicolon within quotes, which ends the cookie all the same', 'sid="a;b"', ['"a']],
    ['percent signs, which stay', 'sid=s%3Aabc', ['s%3Aabc']],
    ['a name in other case', 'SID=1; Sid=2', []],
    ['a name spelled with percent signs', '%73id=1; si%64=2', []],
    ['a longer name that begins with ours', 'sid2=1; sid.x=2; sid-=3', []],
    ['a longer name that ends with ours', 'xsid=1; _sid=2; "sid=3', []],
    ['our name in the value of another', 'a=sid=1; b=sid; c= sid=2', []],
    ['our name with a blank in it', 's id=1', []],
    ['our name with something behind it', 'sid x=1', []],
    ['a cookie without a name', '=sid=1; sid; abc', []],
    ['separators only', ';;; ; =;= ;', []],
    ['a comma, which separates nothing', 'a=1, sid=2', []]
  ])('%s', (_, header, values) => {
    expect(readCookies(header, 'sid')).toEqual(values)
  })

  it('never finds a nameless cookie, whatever it is asked for', () => {
    expect(readCookies('=abc; abc', '')).toEqual([])
  })

  it('takes names that mean something to objects and to regular expressions for what they are', () => {
    const header = '__proto__=1; constructor=2; a.c=3; abc=4; $&=5'
    expect(readCookies(header, '__proto__')).toEqual(['1'])
    expect(readCookies(header, 'constructor')).toEqual(['2'])
    expect(readCookies(header, 'a.c')).toEqual(['3'])
    expect(readCookies(header, '$&')).toEqual(['5'])
    expect(readCookies(header, 'toString')).toEqual([])
  })

  it('finds what taking the whole header apart finds', () => {
    const part = fc.constantFrom(
      'sid',
      's',
      'id',
      'sidsid',
      '=',
      ';',
      ' ',
      '\t',
      '"',
      '%',
      'x',
      '\0',
      'é',
      '\n'
    )
    const header = fc.array(part, { maxLength: 30 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(header, fc.constantFrom('sid', 's', 'ss', 'x'), (text, name) => {
        expect(readCookies(text, name)).toEqual(readEvery(text, name))
      }),
      { numRuns: 5000 }
    )
  })

  it('never throws, whatever the characters', () => {
    fc.assert(
      fc.property(anyText(200), fc.string({ maxLength: 5 }), (header, name) => {
        expect(readCookies(header, name)).toBeInstanceOf(Array)
      })
    )
  })

  describe('reads 256 KiB in under 10 ms', () => {
    const SIZE = 256 * 1024
    const fill = (text: string) => text.repeat(SIZE / text.length)
    // Through a Buffer, as Node makes its headers: `repeat` alone leaves a tree of strings.
    const header = (text: string) => Buffer.from(text).toString('latin1')

    const units = [
      'a',
      ';',
      '=',
      ' ',
      '\t;',
      'sid',
      'si',
      'sid;',
      ';sid ',
      'sid =',
      'xsid=;',
      'sidx=;',
      'sid=1;',
      'a=b; '
    ]
    const blank = ' '.repeat(2000)

    it.each<[string, string]>([
      ...units.map((unit): [string, string] => [`${JSON.stringify(unit)} over and over`, fill(unit)]),
      ['blanks before the name over and over', fill(`${blank}sid`)],
      ['blanks behind the name over and over', fill(`sid${blank}`)],
      ['blanks before the name', `${' '.repeat(SIZE)}sid=1`],
      ['blanks behind the name', `sid${' '.repeat(SIZE)}=1`],
      ['blanks instead of a value', `sid=${' '.repeat(SIZE)}`],
      ['blanks before the value', `sid=${' '.repeat(SIZE)}x`],
      ['a quote that never ends', `sid="${'x'.repeat(SIZE)}`],
      ['ours behind all others', `${fill('a=b; ')}sid=1`]
    ])('%s', (_, text) => {
      const bytes = header(text)
      const time = leastCpuTime(() => readCookies(bytes, 'sid'), HEADER_BOUND)
      expect(time).toBeLessThan(HEADER_BOUND)
    })
  })
})
