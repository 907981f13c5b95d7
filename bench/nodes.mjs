import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { giveUp, root, run, say } from '../scripts/run.mjs'

/** The path of a version of Node, `24` say, which npm installs once into a folder of the benchmark. */
export async function nodeOf(version) {
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(root, 'bench/.cache', `node-${version}`)
  const node = join(folder, 'node_modules', name, 'bin/node')
  if (existsSync(node)) return node
  say(`Node ${version}: installing ${name}@${version} into bench/.cache`)
  const install = ['install', '--prefix', folder, '--no-audit', '--no-fund', `${name}@${version}`]
  if ((await run('npm', install)) !== 0) giveUp('npm install failed: its messages are above')
  return node
}

/** What a Node says that it is: `v24.1.0`. */
export function versionOf(node) {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
}
