const { sep } = require('node:path')
const { default: Sequencer } = require('@jest/test-sequencer')

/** Folders of test/ whose files take longest: begun last, one of them would keep everybody waiting. */
const SLOW = ['faults', 'package', 'demo', 'docs', 'races']

/** Jest's order, which knows how long each file took if it has run before; in a fresh clone, the slow ones first. */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ path }) =>
      SLOW.some((folder) => path.includes(`${sep}test${sep}${folder}${sep}`)) ? 0 : 1
    const sorted = super.sort(tests)
    return tests.every(({ duration }) => duration) ? sorted : sorted.sort((a, b) => rank(a) - rank(b))
  }
}
