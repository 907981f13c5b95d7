import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { giveUp, root, run, say } from './run.mjs'

/** Ends the script where Node is older than the one the package asks for. */
export function checkNode() {
  const needed = Number(/\d+/.exec(readJson('package.json').engines.node)[0])
  if (Number.parseInt(process.versions.node) < needed) {
    giveUp(`Node ${needed} or later is needed, this is ${process.versions.node}: see https://nodejs.org`)
  }
}

/** Installs what package-lock.json lists, where node_modules is not already exactly that. */
export async function installPackages() {
  if (packagesInstalled()) return
  say('npm ci: installing the packages that package-lock.json lists')
  // NODE_ENV=production would leave out what builds and tests.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
  const npm = process.env.npm_execpath
  const status = npm ? await run(process.execPath, [npm, ...args]) : await run('npm', args)
  if (status !== 0) giveUp('npm ci failed: its messages are above')
}

/** Compares with the record that npm itself keeps in node_modules, which it writes last of all. */
function packagesInstalled() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false
  const installed = readJson('node_modules/.package-lock.json').packages
  const wanted = readJson('package-lock.json').packages
  delete wanted[''] // the project itself
  return (
    Object.keys(installed).every((path) => path in wanted) &&
    Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
      const found = installed[path]
      return found ? found.version === version && found.integrity === integrity : optional === true
    })
  )
}

/** The first of `names` that is a command on the PATH, or one of PostgreSQL's. */
export function findCommand(names) {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...postgresFolders()]
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file))
}

/** Where Debian keeps the programs of PostgreSQL, which are not on the PATH; the newest version first. */
function postgresFolders() {
  const folder = '/usr/lib/postgresql'
  if (!existsSync(folder)) return []
  const versions = readdirSync(folder).sort((a, b) => b - a)
  return versions.map((version) => join(folder, version, 'bin'))
}

/**
 * The path of a command, installed from Debian's package `debian` where this may be done: on a Debian-like
 * system, as root. Otherwise undefined.
 */
export async function ensureCommand(names, debian) {
  const found = findCommand(names)
  if (found !== undefined || process.getuid?.() !== 0 || !findCommand(['apt-get'])) return found
  say(`apt-get: installing ${debian}`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  updated ??= run('apt-get', ['update', '-qq'], { env })
  if ((await updated) !== 0) return undefined
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debian], { env })
  return findCommand(names)
}

let updated

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}
