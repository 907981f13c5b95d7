import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, say, tool } from './run.mjs'
import { checkNode, installPackages } from './setup.mjs'

/** The versions of Node that are kept up, besides the oldest one that the package asks for. */
const VERSIONS = [22, 24, 26]

const patterns = process.argv.slice(2)
checkNode()
await installPackages()

const folder = mkdtempSync(join(tmpdir(), 'holdfast-node-'))
try {
  for (const version of VERSIONS) {
    const name = `node-${process.platform}-${process.arch}`
    say(`Node ${version}: installing ${name}@${version} into a temporary folder`)
    const at = join(folder, `${version}`)
    const node = join(at, 'node_modules', name, 'bin/node')
    const install = ['install', '--prefix', at, '--no-audit', '--no-fund', `${name}@${version}`]
    const status =
      (await run('npm', install)) || (await tool('jest/bin/jest.js', testsOf(patterns), { node }))
    say(`Node ${version}: ${status === 0 ? 'passed' : 'FAILED'}`)
    if (status !== 0) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true })
}

/** The packed library as users have it, unless other tests are named. */
function testsOf(named) {
  return named.length > 0 ? named : ['test/package/package']
}
