import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const root = resolve(__dirname, '../..')
const built = join(root, '.tmp/compiled')

/**
 * Compiles folders of the project, without a check of types, as plain files that Node runs. Answers with the path of the
 * folder that has them. All test files share it, and a file that is up to date is not compiled again.
 */
export function compile(folders: readonly string[]): string {
  for (const folder of folders) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.ts')) compileFile(join(folder, name))
    }
  }
  return built
}

function compileFile(file: string): void {
  const source = join(root, file)
  const target = join(built, file.replace(/\.ts$/, '.js'))
  const compiled = statSync(target, { throwIfNoEntry: false })
  if (compiled && compiled.mtimeMs > statSync(source).mtimeMs) return
  mkdirSync(dirname(target), { recursive: true })
  // Loaded only now: it takes a second of each test file that has nothing to compile.
  // oxlint-disable-next-line typescript/no-require-imports
  const ts = require('typescript') as typeof import('typescript')
  const compilerOptions = {
    module: ts.ModuleKind.CommonJS,
    target: ts.ScriptTarget.ES2022,
    esModuleInterop: true
  }
  // A process of another test file may be loading the one that is there.
  const draft = `${target}.${process.pid}`
  writeFileSync(draft, ts.transpileModule(readFileSync(source, 'utf8'), { compilerOptions }).outputText)
  renameSync(draft, target)
}
