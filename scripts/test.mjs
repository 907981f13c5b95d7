import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { giveUp, root, run, say, tool } from './run.mjs'
import { checkNode, ensureCommand, installPackages } from './setup.mjs'

const started = Date.now()
const patterns = process.argv.slice(2)
checkNode()
await installPackages()
const environment = await testEnvironment()

// Tests that leave something behind are found by what is left here.
const temporary = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
// Where this is root, PostgreSQL runs as a user of its own, and has to get through to its folder.
chmodSync(temporary, 0o711)
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
const env = { ...environment, TMPDIR: temporary }
const steps = {
  formatting: () => tool('prettier/bin/prettier.cjs', ['--check', '.']),
  lint: () => tool('eslint/bin/eslint.js', ['--max-warnings', '0', '.']),
  types: () => tool('typescript/bin/tsc'),
  imports: () => tool('dependency-cruiser/bin/dependency-cruise.mjs', ['lib']),
  size: () => script('scripts/size.mjs'),
  build: () => script('scripts/build.mjs'),
  tests: () => jest(['--coverage']),
  'nothing left behind': () => leftovers()
}

const before = changedFiles()
const failed = []
if (patterns.length > 0) await step('tests', () => jest(patterns))
else for (const [name, check] of Object.entries(steps)) await step(name, check)
const took = `${seconds(started)} s`
if (failed.length > 0) giveUp(`failed after ${took}: ${failed.join(', ')}`)
say(`everything passed in ${took}`)

/** Runs one check. A failure does not end the run: one run shows all there is to mend. */
async function step(name, check) {
  const from = Date.now()
  say(name)
  const status = await check()
  say(`${name}: ${status === 0 ? 'passed' : 'FAILED'}, ${seconds(from)} s`)
  console.log()
  if (status !== 0) failed.push(name)
}

function script(file) {
  return run(process.execPath, [file])
}

/** Jest waits for ever for what its tests forgot to close; here that is a failure. */
function jest(args) {
  const onError = (text, child) => {
    if (!text.includes('Jest did not exit')) return
    say('something keeps jest running: try npx jest --detectOpenHandles')
    child.kill()
  }
  return tool('jest/bin/jest.js', args, { env, onError })
}

async function testEnvironment() {
  const redis = process.env.REDIS_SERVER_BIN ?? (await ensureCommand(['redis-server'], 'redis-server'))
  if (!redis) giveUp('the tests need redis-server: install Redis 6.2 or later, or set REDIS_SERVER_BIN')
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  const chromium = process.env.CHROMIUM_PATH ?? (await ensureCommand(names, 'chromium'))
  if (!chromium) giveUp('the tests need Chromium: install it, or set CHROMIUM_PATH')
  const postgres = process.env.POSTGRES_BIN ?? (await ensureCommand(['postgres'], 'postgresql'))
  if (!postgres) giveUp('the tests need PostgreSQL: install it, or set POSTGRES_BIN to its program postgres')
  return { REDIS_SERVER_BIN: redis, CHROMIUM_PATH: chromium, POSTGRES_BIN: postgres }
}

/** What tests left in the temporary folder, and on a build machine also what they changed in the project. */
function leftovers() {
  const files = readdirSync(temporary)
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

function seconds(since) {
  return ((Date.now() - since) / 1000).toFixed(1)
}
