const { TestEnvironment } = require('jest-environment-node')
const { setTimeout: delay } = require('node:timers/promises')

/** What a test file has to give back, in Node's names for it. */
const KINDS = {
  TCPServerWrap: 'a listening server',
  TCPSocketWrap: 'an open connection',
  ProcessWrap: 'a running process',
  PipeWrap: 'an open pipe'
}

/** Milliseconds that closing may take on a busy machine. */
const GRACE = 10_000

// Opened when first used: they are this process's own, and no test leaves them behind.
void [process.stdout, process.stderr]

/** Jest's environment for Node; a test file that leaves servers, connections or processes open fails. */
module.exports = class extends TestEnvironment {
  #atStart = count()

  async teardown() {
    const until = Date.now() + GRACE
    let left = this.#left()
    while (left.length > 0 && Date.now() < until) {
      await delay(20)
      left = this.#left()
    }
    await super.teardown()
    if (left.length > 0) throw new Error(`This test file left open: ${left.join(', ')}`)
  }

  #left() {
    const now = count()
    return Object.keys(KINDS)
      .filter((kind) => now[kind] > this.#atStart[kind])
      .map((kind) => KINDS[kind])
  }
}

function count() {
  const active = process.getActiveResourcesInfo()
  return Object.fromEntries(
    Object.keys(KINDS).map((kind) => [kind, active.filter((name) => name === kind).length])
  )
}
