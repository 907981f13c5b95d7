import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const root = resolve(__dirname, '../..')
const built = join(root, '.tmp/compiled')

/**
 * Compiles folders of the project, without a check of types, as plain files that Node runs. Answers with the path of the
 * folder that has them. All test files share it, and a file that is up to date is not compiled again.
 */
export function compile(folders: readonly string[]): string {
  const sources = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !name.includes('node_modules'))
      .map((name) => join(folder, name))
  )
  const stale = sources.filter((source) => {
    const compiled = statSync(join(built, compiledName(source)), { throwIfNoEntry: false })
    return !compiled || compiled.mtimeMs <= statSync(join(root, source)).mtimeMs
  })
  if (stale.length > 0) compileFiles(stale)
  return built
}

const compiledName = (source: string) => source.replace(/\.ts$/, '.js')

function compileFiles(sources: string[]): void {
  mkdirSync(built, { recursive: true })
  // A process of another test file may be loading a file that is there: a new one takes its place as a whole.
  const draft = mkdtempSync(`${built}-`)
  const compilerOptions = { ...OPTIONS, rootDir: root, outDir: draft }
  const files = sources.map((source) => join(root, source))
  writeFileSync(join(draft, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const tsc = [join(root, 'node_modules/typescript7/bin/tsc'), '-p', draft, '--singleThreaded']
  const { status, stdout } = spawnSync(process.execPath, tsc, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`it does not compile:\n${stdout}`)
  for (const name of sources.map(compiledName)) {
    mkdirSync(dirname(join(built, name)), { recursive: true })
    renameSync(join(draft, name), join(built, name))
  }
  rmSync(draft, { recursive: true })
}

/** Each file by itself: nothing that it imports is looked at. */
const OPTIONS = {
  module: 'commonjs',
  moduleResolution: 'bundler',
  target: 'es2022',
  lib: ['es5'],
  types: [],
  esModuleInterop: true,
  isolatedModules: true,
  noCheck: true,
  noResolve: true
}
