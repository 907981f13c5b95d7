import { codeBlocks } from './blocks'

const fence = '```'

test('finds blocks, their languages, places and marks', () => {
  const blocks = codeBlocks(
    'a.md',
    ['# A', '<!-- test: run -->', `${fence}ts`, 'x', fence, 'text', `${fence}SH`, 'y', '', 'z', fence].join(
      '\n'
    )
  )
  expect(blocks).toEqual([
    { place: 'a.md:3', language: 'ts', code: 'x\n', mark: 'run' },
    { place: 'a.md:7', language: 'sh', code: 'y\n\nz\n', mark: undefined }
  ])
})

test('a mark counts over empty lines and over several, but for one block only', () => {
  const mark = ['<!-- test: app', 'GET / -> hello', '-->', '']
  const block = [`${fence}js`, 'x', fence]
  const marks = codeBlocks('a.md', [...mark, ...block, ...block].join('\n')).map((found) => found.mark)
  expect(marks).toEqual(['app\nGET / -> hello', undefined])
})

test.each([
  ['words in between', '<!-- test: run --> and then'],
  ['another comment in between', '<!-- test: run -->\n<!-- note -->']
])('a mark does not count over %s', (_, before) => {
  expect(codeBlocks('a.md', `${before}\n${fence}ts\nx\n${fence}`)[0]!.mark).toBeUndefined()
})

test('takes the indentation of a list off', () => {
  expect(codeBlocks('a.md', `- item\n\n  ${fence}ts\n  if (a)\n    b()\n  ${fence}`)[0]!.code).toBe(
    'if (a)\n  b()\n'
  )
})

test('a longer fence holds a shorter one', () => {
  const blocks = codeBlocks('a.md', `${fence}${fence}md\n${fence}ts\nx\n${fence}\n${fence}${fence}`)
  expect(blocks.map(({ language, code }) => [language, code])).toEqual([['md', `${fence}ts\nx\n${fence}\n`]])
})

test('a block that is never closed is an error', () => {
  expect(() => codeBlocks('a.md', `text\n${fence}ts\nx`)).toThrow('a.md:2: this block is not closed')
})
