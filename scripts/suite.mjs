import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, relative, sep } from 'node:path'
import { installNodes, nodePath } from './nodes.mjs'
import { giveUp, root, say, tool } from './run.mjs'
import { checkNode, ensureCommands, installCommand, installPackages } from './setup.mjs'

/** Programs that the tests use. Without Redis there is little to test; without another, the tests of `needs` are skipped. */
const PROGRAMS = [
  { title: 'Redis', variable: 'REDIS_SERVER_BIN', names: ['redis-server'], debian: 'redis-server' },
  {
    title: 'Chromium',
    variable: 'CHROMIUM_PATH',
    // The first one draws no windows, and takes a third of the time.
    names: [
      'chromium-headless-shell',
      'chromium',
      'chromium-browser',
      'google-chrome',
      'google-chrome-stable'
    ],
    debian: 'chromium-headless-shell',
    needs: 'test/demo/support/browser.ts'
  },
  {
    title: 'PostgreSQL',
    variable: 'POSTGRES_BIN',
    names: ['postgres'],
    debian: 'postgresql',
    needs: 'test/express-session/support/postgres.ts'
  }
]

/** The tests, with all that they need. */
export class Suite {
  /** Where tests put their files: those that leave something behind are found by what is left here. */
  temporary = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
  // The compilers leave their compiled code there.
  #env = { TMPDIR: this.temporary, NODE_DISABLE_COMPILE_CACHE: '1' }
  #skipped = []

  constructor() {
    // PostgreSQL runs as a user of its own if this is root, and has to get through to its folder.
    chmodSync(this.temporary, 0o711)
    process.on('exit', () => rmSync(this.temporary, { recursive: true, force: true }))
  }

  /** Installs what the tests need; says what is skipped if that is not possible. A build machine skips nothing. */
  static async prepare({ versions } = {}) {
    checkNode()
    await installPackages()
    const suite = new Suite()
    const nodes = await installNodes(versions)
    suite.#env.TEST_NODES = nodes.map(nodePath).join(delimiter)
    for (const version of versions ?? []) {
      if (!nodes.includes(version)) suite.#missing(`Node ${version}`, 'the packed library is not tried on it')
    }
    await suite.#findPrograms()
    return suite
  }

  /** Runs jest and resolves to its exit status. Its results, as JSON, go to a file if one is named. */
  jest(args, { node, env, results } = {}) {
    // Jest waits for ever for what its tests forgot to close; here that is a failure.
    const onError = (text, child) => {
      if (!text.includes('Jest did not exit')) return
      say('something keeps jest running: try npx jest --detectOpenHandles')
      child.kill()
    }
    const ignored = this.#skipped.flatMap((file) => ['--testPathIgnorePatterns', `${file}$`])
    const json = results ? ['--json', '--outputFile', results] : []
    const options = { node, onError, env: { ...this.#env, ...env } }
    return tool('jest/bin/jest.js', [...args, ...json, ...ignored], options)
  }

  /** The names of what tests left in the temporary folder. */
  left() {
    return readdirSync(this.temporary)
  }

  async #findPrograms() {
    const wanted = PROGRAMS.filter(({ variable }) => !process.env[variable])
    const found = await ensureCommands(wanted)
    const missing = wanted.filter((_, index) => !found[index])
    wanted.forEach(({ variable }, index) => (this.#env[variable] = found[index]))
    const command = installCommand(missing.map(({ debian }) => debian))
    for (const { title, variable, needs } of missing) {
      if (!needs) giveUp(`the tests need ${title}: ${command}, or set ${variable}`)
      const files = await testsThatUse(needs)
      this.#skipped.push(...files)
      this.#missing(
        title,
        `${files.length} test files do not run. To run them: ${command}, or set ${variable}`
      )
    }
  }

  #missing(title, effect) {
    if (process.env.CI) giveUp(`${title} is missing, and a build machine skips nothing`)
    say(`SKIPPED, as ${title} is missing: ${effect}`)
  }
}

async function testsThatUse(file) {
  const output = []
  await tool('jest/bin/jest.js', ['--listTests', '--findRelatedTests', file], { output })
  return Buffer.concat(output)
    .toString()
    .split('\n')
    .filter((line) => line.endsWith('.test.ts'))
}

/** What jest wrote into a file of results: how many tests passed, the names of those that did not, and the seconds of each folder. */
export function readResults(file) {
  const { numPassedTests, testResults } = JSON.parse(readFileSync(file, 'utf8'))
  const seconds = {}
  const failed = []
  for (const { name, startTime, endTime, status, message, assertionResults } of testResults) {
    const titles = assertionResults.filter((test) => test.status === 'failed').map(({ fullName }) => fullName)
    // A file may fail before it has a test.
    if (status === 'failed' && titles.length === 0) titles.push(message.match(/\S.*/g).slice(0, 2).join(' '))
    failed.push(...titles.map((title) => `${relative(root, name)}: ${title}`))
    const [folder, inside] = relative(join(root, 'test'), name).split(sep)
    const part = inside === undefined ? 'others' : folder
    seconds[part] = (seconds[part] ?? 0) + (endTime - startTime) / 1000
  }
  return { passed: numPassedTests, failed, seconds }
}
