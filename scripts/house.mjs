import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, posix, sep } from 'node:path'
import ts from 'typescript'
import { giveUp, root } from './run.mjs'

// Draws the rooms of lib/ and their imports into CONTRIBUTING.md. With --check it fails if the drawing is not up to date.

const rooms = createRequire(import.meta.url)('./rooms.cjs')
const page = join(root, 'CONTRIBUTING.md')
const START = '<!-- Drawn by npm run house -->\n'
const END = '<!-- End of the drawing -->'

const text = readFileSync(page, 'utf8')
const [before, rest] = text.split(START)
const after = rest?.split(END)[1]
if (after === undefined) giveUp(`CONTRIBUTING.md must hold the lines ${START.trim()} and ${END}`)
const drawn = `${before}${START}\n${drawing(imports())}\n${END}${after}`
if (!process.argv.includes('--check')) writeFileSync(page, drawn)
else if (drawn !== text) giveUp('the drawing in CONTRIBUTING.md is not up to date: npm run house')

/** By the name of each room: the names of those from which it imports. */
function imports() {
  const found = new Map(rooms.map(({ name }) => [name, new Set()]))
  for (const name of readdirSync(join(root, 'lib'), { recursive: true })) {
    if (!/\.m?ts$/.test(name)) continue
    const file = posix.join('lib', ...name.split(sep))
    const room = roomOf(file)
    for (const { fileName } of ts.preProcessFile(readFileSync(join(root, file), 'utf8')).importedFiles) {
      if (!fileName.startsWith('.')) continue
      const imported = posix.join(posix.dirname(file), fileName).replace(/([.]m?js)?$/, '.ts')
      if (roomOf(imported) !== room) found.get(room).add(roomOf(imported))
    }
  }
  return found
}

function roomOf(file) {
  return rooms.find(({ path }) => new RegExp(path).test(file)).name
}

function drawing(imported) {
  const nodes = rooms.map(({ name, path, about }) => {
    const title = path.endsWith('/') ? `lib/${name}/` : path.includes('|') ? name : `lib/${name}.ts`
    return `  ${name}["<b>${title}</b><br>${about}"]`
  })
  const arrows = [...imported].flatMap(([from, all]) =>
    [...all]
      .filter((to) => ![...all].some((between) => between !== to && leads(between, to, imported)))
      .sort()
      .map((to) => `  ${from} --> ${to}`)
  )
  return ['```mermaid', 'flowchart TD', ...nodes, ...arrows, '```', ''].join('\n')
}

/** Whether a room imports from another one, if only by way of a third. */
function leads(from, to, imported) {
  return [...imported.get(from)].some((next) => next === to || leads(next, to, imported))
}
