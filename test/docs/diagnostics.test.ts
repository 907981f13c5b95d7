import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(__dirname, '../..')
const page = readFileSync(join(root, 'docs/diagnostics.md'), 'utf8')

/** The rows of the tables whose first cell is this kind of name, by the name. */
function rows(kind: RegExp): Map<string, string> {
  const found = page.matchAll(/^\| `(\S+)` .*$/gm)
  return new Map([...found].filter(([, name]) => kind.test(name!)).map(([row, name]) => [name!, row]))
}

test('the table of warnings has each code of the library, and no other', () => {
  const codes = new Set<string>()
  for (const file of readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    const source = readFileSync(join(root, 'lib', file), 'utf8')
    for (const [, code] of source.matchAll(/'(HOLDFAST_[A-Z_]+)'/g)) codes.add(code!)
  }
  expect(codes).toContain('HOLDFAST_TIMES')
  expect([...rows(/^HOLDFAST_/).keys()].sort()).toEqual([...codes].sort())
})

describe('the table of channels', () => {
  const [, events] = /export interface SessionEvents \{([^]*?)\n\}/.exec(
    readFileSync(join(root, 'lib/events.ts'), 'utf8')
  )!
  const declared = [...events!.matchAll(/^ {2}'(holdfast:\w+)': \{\s+([^}]*)\s\}$/gm)]
  const documented = rows(/^holdfast:/)

  test('has each channel, and no other', () => {
    expect(declared.length).toBeGreaterThan(5)
    expect([...documented.keys()].sort()).toEqual(declared.map(([, name]) => name!).sort())
  })

  test.each(declared.map(([, name, message]) => [name!, message!]))(
    'has all of a message of %s',
    (name, message) => {
      const keys = [...message.matchAll(/(\w+)\??: /g)].map(([, key]) => key)
      expect(documented.get(name)).toContain(`\`{ ${keys.join(', ')} }\``)
      for (const [reason] of message.matchAll(/'[^']+'/g))
        expect(documented.get(name)).toContain(`\`${reason}\``)
    }
  )
})
