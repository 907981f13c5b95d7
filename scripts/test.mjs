import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { nodePath, VERSIONS } from './nodes.mjs'
import { giveUp, root, run, say, tool } from './run.mjs'
import { readResults, Suite } from './suite.mjs'

const patterns = process.argv.slice(2)
const suite = await Suite.prepare({ versions: VERSIONS })
const results = join(suite.temporary, 'results.json')
// Servers run the newest Node; on a developer's machine its own one finds most, and is there.
const node = process.env.CI ? nodePath(VERSIONS.at(-1)) : process.execPath
// Counting takes a tenth of the whole: `npx jest --coverage` does it where nobody builds.
const coverage = process.env.CI ? ['--coverage'] : []
const checks = [
  ['formatting', (output) => tool('oxfmt/bin/oxfmt', ['--check'], { output })],
  ['lint', (output) => tool('oxlint/bin/oxlint', [], { output })],
  ['types', (output) => tool('typescript7/bin/tsc', ['--singleThreaded'], { output })],
  ['imports', (output) => tool('dependency-cruiser/bin/dependency-cruise.mjs', ['lib'], { output })],
  ['size', (output) => run(process.execPath, ['scripts/size.mjs'], { output })],
  ['path', (output) => run(process.execPath, ['scripts/path.mjs'], { output })],
  ['spelling', (output) => tool('cspell/bin.mjs', ['--no-progress', '--no-summary'], { output })],
  ['drawing', (output) => run(process.execPath, ['scripts/house.mjs', '--check'], { output })]
]

/** How many failed tests the summary names: often the end of a log is all that is kept of it. */
const NAMED = 30

const before = changedFiles()
const started = performance.now()
const times = []
const failed = []
if (patterns.length > 0) await part('tests', () => suite.jest(patterns, { node, results }))
else {
  await part('build', () => run(process.execPath, ['scripts/build.mjs']))
  await Promise.all([runChecks(), part('tests', () => suite.jest(coverage, { node, results }))])
}
const tests = existsSync(results) ? readResults(results) : undefined
await part('nothing left behind', leftovers)
summary()

/** Runs beside the tests, which wait much: what a check prints is shown as a whole when it ends. */
async function runChecks() {
  for (const [name, check] of checks) {
    const output = []
    await part(name, async () => {
      const status = await check(output)
      if (status !== 0) process.stdout.write(Buffer.concat(output))
      return status
    })
  }
}

/** Runs one part. A failure does not end the run: one run shows all there is to mend. */
async function part(name, check) {
  const from = performance.now()
  const status = await check()
  const took = seconds(performance.now() - from)
  say(`${name}: ${status === 0 ? 'passed' : 'FAILED'}, ${took}`)
  times.push([name, took])
  if (status !== 0) failed.push(name)
}

function summary() {
  console.log()
  for (const [name, took] of times) say(`${took.padStart(8)}  ${name}`)
  const folders = Object.entries(tests?.seconds ?? {}).sort(([, a], [, b]) => b - a)
  if (folders.length > 1) say('The tests, added up over those that run side by side:')
  for (const [name, sum] of folders) say(`${seconds(sum * 1000).padStart(8)}  ${name}`)
  const took = seconds(performance.now() - started)
  if (failed.length === 0) say(`everything passed in ${took}`)
  if (tests) console.log(`${tests.passed} passed, ${tests.failed.length} failed`)
  for (const test of tests?.failed.slice(0, NAMED) ?? []) say(`FAILED ${test}`)
  if (tests?.failed.length > NAMED) say(`and ${tests.failed.length - NAMED} more`)
  if (failed.length > 0) giveUp(`failed after ${took}: ${failed.join(', ')}`)
}

/** What tests left in the temporary folder, and on a build machine also what they changed in the project. */
function leftovers() {
  const files = suite.left().filter((file) => join(suite.temporary, file) !== results)
  const changes = changedFiles().filter((line) => !before.includes(line))
  for (const file of files) console.error(`left in the temporary folder: ${file}`)
  for (const line of changes) console.error(`left in the project: ${line}`)
  return files.length + changes.length
}

/** Only where nobody edits meanwhile. */
function changedFiles() {
  if (!process.env.CI || !existsSync(join(root, '.git'))) return []
  return execFileSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
