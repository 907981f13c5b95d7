import { nodePath, VERSIONS } from './nodes.mjs'
import { giveUp, say } from './run.mjs'
import { Suite } from './suite.mjs'

/**
 * Tests of what runs around the library and not in it. They are no business of a version of Node; the packed library
 * is tried on all of them at once.
 */
const ELSEWHERE = ['demo', 'docs', 'faults', 'package'].map((folder) => `<rootDir>/test/${folder}/`)

const patterns = process.argv.slice(2)
const suite = await Suite.prepare({ versions: VERSIONS })
const failed = []
for (const version of VERSIONS) {
  say(`Node ${version}`)
  const args = ELSEWHERE.flatMap((folder) => ['--testPathIgnorePatterns', folder])
  const status = await suite.jest([...patterns, ...args], { node: nodePath(version) })
  if (status !== 0) failed.push(`Node ${version}`)
}
if (patterns.length === 0 && (await suite.jest(['test/package/package'])) !== 0)
  failed.push('the packed library')
if (failed.length > 0) giveUp(`failed: ${failed.join(', ')}`)
say(`everything passed on Node ${VERSIONS.join(', ')}`)
