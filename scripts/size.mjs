import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { root } from './run.mjs'

/** Lines of code, without comments and blank lines (docs/decisions/0007-size-of-the-library.md). */
const BUDGET = { file: 300, stores: 1000, rest: 3000 }

const files = readdirSync(join(root, 'lib'), { recursive: true })
  .filter((file) => /\.m?ts$/.test(file))
  .map((file) => ({ file, lines: linesOf(readFileSync(join(root, 'lib', file), 'utf8')) }))
const sum = (some) => some.reduce((total, { lines }) => total + lines, 0)
const inStores = ({ file }) => file.startsWith('stores')

const long = files.filter(({ lines }) => lines > BUDGET.file)
for (const { file, lines } of long)
  console.error(`lib/${file}: ${lines} lines of code, ${BUDGET.file} are allowed`)
const stores = sum(files.filter(inStores))
const rest = sum(files.filter((file) => !inStores(file)))
console.log(
  `lib/stores: ${stores} lines of code of ${BUDGET.stores}; the rest of lib/: ${rest} of ${BUDGET.rest}`
)
if (long.length > 0 || stores > BUDGET.stores || rest > BUDGET.rest) process.exitCode = 1

/** The lines on which something other than a comment begins. */
function linesOf(source) {
  const file = ts.createSourceFile('lib.ts', source, ts.ScriptTarget.Latest)
  const lines = new Set()
  const visit = (node) => {
    if (ts.isJSDoc(node)) return
    const children = node.getChildren(file)
    if (children.length > 0) children.forEach(visit)
    else if (node.getWidth(file) > 0) lines.add(file.getLineAndCharacterOfPosition(node.getStart(file)).line)
  }
  visit(file)
  return lines.size
}
