const { TestEnvironment } = require('jest-environment-node')

/** Tests that measure what the processor needs: code that holds all mutants needs more. */
const MEASURES = /in under \d+ ms/

/** Jest's environment for Node, in which the first failure ends a test file: one is enough to find a mutant. */
module.exports = class extends TestEnvironment {
  #hasFailed = false

  handleTestEvent({ name, test }) {
    if (name === 'test_fn_failure' || name === 'hook_failure') this.#hasFailed = true
    if (name === 'test_start' && (this.#hasFailed || MEASURES.test(`${test.parent.name} ${test.name}`))) {
      test.mode = 'skip'
    }
  }
}
