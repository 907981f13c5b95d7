import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, say } from './run.mjs'

/** The versions of Node that the package is for. */
export const VERSIONS = [20, 22, 24, 26]

const own = Number.parseInt(process.versions.node)
const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`

/** The program of a version: this process's own, or the one that {@link installNodes} installs. */
export function nodePath(version) {
  const file = process.platform === 'win32' ? 'node.exe' : 'node'
  return version === own ? process.execPath : join(folderOf(version), 'node_modules', name, 'bin', file)
}

/** Installs the versions that are missing, and resolves to those that are there then. */
export async function installNodes(versions = VERSIONS) {
  const missing = versions.filter((version) => !existsSync(nodePath(version)))
  if (missing.length > 0) {
    say(
      `npm: installing Node ${missing.join(', ')} into .tmp/ (up to 60 MB to load and 210 MB on the disk each)`
    )
  }
  await Promise.all(
    missing.map((version) => {
      const args = ['install', '--prefix', folderOf(version), '--no-audit', '--no-fund', '--silent']
      return run('npm', [...args, `${name}@${version}`])
    })
  )
  return versions.filter((version) => existsSync(nodePath(version)))
}

function folderOf(version) {
  return join(root, '.tmp/nodes', `${version}`)
}
