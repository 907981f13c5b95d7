const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { default: TestRunner } = require('jest-runner')

/**
 * Jest's runner, without what costs a mutant most of its time: it loads only the test files that reach the mutant, those
 * with most tests of it first, and stops at the first one that fails.
 */
module.exports = class extends TestRunner {
  async runTests(tests, watcher, options) {
    const { rootDir, testNamePattern } = this._globalConfig
    const file = join(rootDir, '.test-names.json')
    if (process.env.__STRYKER_ACTIVE_MUTANT__ === undefined) {
      const names = {}
      this.on('test-file-success', ([{ path }, { testResults }]) => {
        names[path] = testResults.map(({ fullName }) => fullName)
        writeFileSync(file, JSON.stringify(names))
      })
      return super.runTests(tests, watcher, options)
    }
    const names = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
    const pattern = testNamePattern && new RegExp(testNamePattern, 'i')
    const count = ({ path }) => (names[path] ?? []).filter((name) => !pattern || pattern.test(name)).length
    const reached = tests.filter((test) => count(test) > 0).sort((a, b) => count(b) - count(a))
    this.on('test-file-success', ([, { numFailingTests }]) => {
      if (numFailingTests > 0) watcher.setState({ interrupted: true })
    })
    return super.runTests(reached, watcher, options)
  }
}
