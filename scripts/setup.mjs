import { spawnSync } from 'node:child_process'
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

/** Installs what the package-lock.json of a folder lists, unless its node_modules is already exactly that. */
export async function installPackages(folder = '.') {
  if (packagesInstalled(folder)) return
  say(`npm ci: installing the packages that ${join(folder, 'package-lock.json')} lists`)
  // NODE_ENV=production would leave out the tools that build and test.
  const args = ['ci', '--prefix', folder, '--include=dev', '--no-audit', '--no-fund']
  const npm = process.env.npm_execpath
  const status = npm ? await run(process.execPath, [npm, ...args]) : await run('npm', args)
  if (status !== 0) giveUp('npm ci failed: its messages are above')
}

/** Compares with the record that npm itself keeps in node_modules and writes last of all. */
export function packagesInstalled(folder = '.') {
  const record = join(folder, 'node_modules/.package-lock.json')
  if (!existsSync(join(root, record))) return false
  const installed = readJson(record).packages
  const wanted = readJson(join(folder, 'package-lock.json')).packages
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

/** {@link ensureCommands} for a single one. */
export async function ensureCommand(names, debian) {
  const [found] = await ensureCommands([{ names, debian }])
  return found
}

/**
 * The paths of commands; undefined for one that is missing. On a Debian-like system, as root, those that are missing
 * are installed from the packages `debian` first.
 */
export async function ensureCommands(wanted) {
  const missing = wanted.filter(({ names }) => !findCommand(names)).map(({ debian }) => debian)
  if (missing.length > 0 && process.getuid?.() === 0 && findCommand(['apt-get'])) await aptInstall(missing)
  return wanted.map(({ names }) => findCommand(names))
}

async function aptInstall(packages) {
  const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
  if ((await run('apt-get', ['update', '-qq'], { env })) !== 0) return
  const args = ['install', '--no-install-recommends', ...packages]
  const plan = spawnSync('apt-get', [...args, '--assume-no'], {
    env: { ...process.env, ...env },
    encoding: 'utf8'
  })
  const sizes = plan.stdout.split('\n').filter((line) => /^(Need to get|After this)/.test(line))
  say(`apt-get: installing ${packages.join(', ')}. ${sizes.join(' ')}`)
  await run('apt-get', [...args, '-y', '-qq'], { env })
}

/** The one command that installs packages where {@link ensureCommands} may not. */
export function installCommand(packages) {
  if (findCommand(['apt-get'])) return `sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`
  const names = packages.map((name) => (name === 'redis-server' ? 'redis' : name))
  return findCommand(['brew']) ? `brew install ${names.join(' ')}` : `install ${names.join(', ')}`
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}
