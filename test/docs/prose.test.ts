import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(__dirname, '../..')

const documents = ['.', 'docs', 'docs/decisions', 'examples']
  .flatMap((folder) => readdirSync(join(root, folder)).map((file) => join(folder, file)))
  .filter((file) => file.endsWith('.md'))

/** A question may begin with these words; a statement reads better with its subject in front. */
const BEGINNING =
  /(?:^|[.:;!?] |\n(?:[-*] )?)(?:\*\*)?(?:What|Who|Whose|Where|Whoever|Whatever|Wherever)\b[^?]*?[.:!;]/
const PHRASES = /\b(?:stands? in|be it|as a rule|told|brings? along|takes? along)\b/

test.each(documents)('%s is written as subject, verb, object', (name) => {
  const paragraphs = readFileSync(join(root, name), 'utf8')
    .replace(/<!--[^]*?-->/g, '')
    .replace(/^( *)(`{3,}).*\n[^]*?^\1\2$/gm, '')
    .split(/\n{2,}/)
    .filter((paragraph) => !/^#|^\|/.test(paragraph))
  const found = paragraphs.flatMap((paragraph) =>
    [BEGINNING, PHRASES].flatMap((rule) => rule.exec(paragraph)?.[0] ?? [])
  )
  expect(found).toEqual([])
})
