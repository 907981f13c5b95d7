import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import ts from 'typescript'
import { root } from './run.mjs'

/** Lines of code, without comments and blank lines (docs/decisions/0007-size-of-the-library.md). */
const FILE = 300
/** Those of a folder of lib/ count for themselves where it is named here. */
const BUDGET = { stores: 1250, testing: 700, 'express-session': 1200, cli: 450, rest: 4050 }

const files = readdirSync(join(root, 'lib'), { recursive: true })
  .filter((file) => /\.m?ts$/.test(file))
  .map((file) => ({ file, lines: linesOf(readFileSync(join(root, 'lib', file), 'utf8')) }))
for (const { file, lines } of files) if (lines > FILE) complain(`lib/${file}`, lines, FILE)

const totals = Object.fromEntries(Object.keys(BUDGET).map((part) => [part, 0]))
for (const { file, lines } of files) {
  const [folder] = file.replace(/\.m?ts$/, '').split(sep)
  totals[folder in BUDGET ? folder : 'rest'] += lines
}
for (const [part, lines] of Object.entries(totals))
  if (lines > BUDGET[part]) complain(part, lines, BUDGET[part])
const told = Object.entries(totals).map(([part, lines]) => `${part} ${lines} of ${BUDGET[part]}`)
console.log(`Lines of code in lib/: ${told.join(', ')}`)

function complain(what, lines, allowed) {
  console.error(`${what}: ${lines} lines of code, ${allowed} are allowed`)
  process.exitCode = 1
}

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
