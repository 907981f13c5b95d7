import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { giveUp, root, say, tool } from './run.mjs'

/** The package, as it is published: lib/ in dist/. */
export const library = { name: 'dist', config: 'tsconfig.build.json', sources: ['lib'] }

/** The demo and the library it uses, below demo/: it finds the demo's packages there, and otherwise the project's. */
export const demo = { name: 'demo/build', config: 'tsconfig.demo.json', sources: ['lib', 'demo'] }

/**
 * Compiles, unless what was compiled last is still up to date. A build that fails leaves the last good one in
 * place, and a good one appears as a whole: others may be reading it.
 */
export async function build({ name, config, sources }) {
  const out = join(root, name)
  const stamp = join(root, 'node_modules/.cache/holdfast', name)
  const state = fingerprint(['package-lock.json', 'tsconfig.json', config, ...sources])
  const upToDate = () => existsSync(out) && existsSync(stamp) && readFileSync(stamp, 'utf8') === state
  if (upToDate()) return

  say(`tsc: compiling ${sources.join(' and ')} into ${name}/`)
  const draft = join(root, '.tmp', `${basename(name)}-${process.pid}`)
  const status = await tool('typescript7/bin/tsc', ['-p', config, '--outDir', draft, '--singleThreaded'])
  // Two test files may have found it out of date at once; what the first one built is in use by now.
  if (status === 0 && !upToDate()) {
    replace(out, draft)
    mkdirSync(dirname(stamp), { recursive: true })
    writeFileSync(stamp, state)
  }
  rmSync(draft, { recursive: true, force: true })
  if (status !== 0) giveUp(`${sources.join(' and ')} did not compile: tsc's messages are above`)
}

const AT_ONCE = ['ENOENT', 'ENOTEMPTY', 'EEXIST']

/**
 * Another process may put its own there in the same moment: the last one stays, and they are the same. What was there is
 * moved away as a whole, since to remove it in its place could remove a part of what the other put there.
 */
function replace(out, draft) {
  const before = `${draft}-before`
  for (;;) {
    try {
      if (existsSync(out)) renameSync(out, before)
      return renameSync(draft, out)
    } catch (error) {
      if (!existsSync(draft) || !AT_ONCE.includes(error.code)) throw error
    } finally {
      rmSync(before, { recursive: true, force: true })
    }
  }
}

const NOT_SOURCES = ['node_modules', 'build', 'public']

function fingerprint(paths) {
  // Copies of the project may share node_modules.
  const hash = createHash('sha256').update(root)
  for (const file of paths.flatMap(filesUnder))
    hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function filesUnder(path) {
  if (!statSync(join(root, path)).isDirectory()) return [path]
  return readdirSync(join(root, path))
    .filter((name) => !NOT_SOURCES.includes(name))
    .sort()
    .flatMap((name) => filesUnder(join(path, name)))
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) await build(library)
