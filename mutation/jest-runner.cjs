const { readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { default: TestRunner } = require('jest-runner')

/**
 * Jest's runner, without what costs a mutant most of its time: it loads only the test files that reach the mutant, the
 * quickest first, and stops at the first one that fails.
 */
module.exports = class extends TestRunner {
  async runTests(tests, watcher, options) {
    const { rootDir, testNamePattern } = this._globalConfig
    const file = join(rootDir, '.test-files.json')
    if (process.env.__STRYKER_ACTIVE_MUTANT__ === undefined) {
      const files = {}
      this.on('test-file-success', ([{ path }, { testResults, perfStats }]) => {
        files[path] = { names: testResults.map(({ fullName }) => fullName), time: perfStats.runtime }
        writeFileSync(file, JSON.stringify(files))
      })
      return super.runTests(tests, watcher, options)
    }
    const files = JSON.parse(readFileSync(file, 'utf8'))
    const pattern = new RegExp(testNamePattern ?? '', 'i')
    const reached = tests
      .filter(({ path }) => files[path]?.names.some((name) => pattern.test(name)))
      .sort((a, b) => files[a.path].time - files[b.path].time)
    this.on('test-file-success', ([, { numFailingTests }]) => {
      if (numFailingTests > 0) watcher.setState({ interrupted: true })
    })
    return super.runTests(reached, watcher, options)
  }
}
