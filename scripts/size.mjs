import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, posix, sep } from 'node:path'
import ts from 'typescript'
import { root } from './run.mjs'

const rooms = createRequire(import.meta.url)('./rooms.cjs')

/** Lines of code, without comments and blank lines (docs/decisions/0007-size-of-the-library.md). */
const FILE = 300
/** Files that are over it, and what they may hold until they are divided. */
const LARGER = {
  'lib/options.ts': 350,
  'lib/repository/express-store-repository.ts': 375,
  'lib/repository/record-repository.ts': 385,
  'lib/session/request-session.ts': 550
}

const files = readdirSync(join(root, 'lib'), { recursive: true })
  .filter((file) => /\.m?ts$/.test(file))
  .map((file) => posix.join('lib', ...file.split(sep)))
  .map((file) => ({ file, lines: linesOf(readFileSync(join(root, file), 'utf8')) }))
for (const { file, lines } of files) {
  const most = LARGER[file] ?? FILE
  if (lines > most) complain(file, lines, most)
}

for (const { name, path, lines: allowed } of rooms) {
  const lines = sum(files.filter(({ file }) => new RegExp(path).test(file)))
  if (lines > allowed) complain(name, lines, allowed)
  console.log(`${String(lines).padStart(5)} of ${String(allowed).padStart(4)}  ${name}`)
}
const allowed = sum(rooms)
console.log(`${String(sum(files)).padStart(5)} of ${allowed}  lines of code in lib/`)

function complain(what, lines, allowed) {
  console.error(`${what}: ${lines} lines of code, ${allowed} are allowed`)
  process.exitCode = 1
}

function sum(counted) {
  return counted.reduce((total, { lines }) => total + lines, 0)
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
