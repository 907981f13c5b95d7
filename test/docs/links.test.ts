import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const root = join(__dirname, '../..')
const documents = ['.', 'docs', 'docs/decisions', 'examples'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(root, folder, file))
)

/** The text of a document without its blocks of code. */
function proseOf(file: string): string {
  return readFileSync(file, 'utf8').replace(/^( *)(`{3,}).*\n[^]*?^\1\2$/gm, '')
}

/** The anchors of a document's headings, as GitHub and the site name them. */
function anchorsOf(file: string): string[] {
  const headings = [...proseOf(file).matchAll(/^#{1,6} (.+)$/gm)].map(([, text]) => text!)
  return headings.map((text) =>
    text
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
  )
}

test('the Chinese README leads to each document that the English one leads to', () => {
  const targets = (name: string) =>
    [...proseOf(join(root, name)).matchAll(/\]\(([^)\s#]+)/g)].map(([, target]) => target!)
  const chinese = targets('README.zh-CN.md')
  const missing = targets('README.md').filter(
    (target) => !/^\w+:|^README/.test(target) && !chinese.includes(target)
  )
  expect(missing).toEqual([])
})

test.each(documents.map((file) => relative(root, file)))('every link of %s leads somewhere', (name) => {
  const file = join(root, name)
  const links = [...proseOf(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
  const dead = links.filter((target) => {
    if (/^\w+:/.test(target)) return false
    const [path, anchor] = target.split('#')
    const there = path === '' ? file : join(dirname(file), path!)
    if (!existsSync(there)) return true
    return anchor !== undefined && statSync(there).isFile() && !anchorsOf(there).includes(anchor)
  })
  expect(dead).toEqual([])
})
