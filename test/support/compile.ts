import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'

const root = resolve(__dirname, '../..')
const built = join(root, '.tmp', `compiled-${process.pid}`)

/**
 * Compiles folders of the project, without a check of types, into one of their own, as plain files that Node runs.
 * Answers with its path; {@link removeCompiled} removes it.
 */
export function compile(folders: readonly string[]): string {
  const compilerOptions = {
    module: ts.ModuleKind.CommonJS,
    target: ts.ScriptTarget.ES2022,
    esModuleInterop: true
  }
  for (const folder of folders) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue
      const source = readFileSync(join(root, folder, name), 'utf8')
      const target = join(built, folder, name.replace(/\.ts$/, '.js'))
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, ts.transpileModule(source, { compilerOptions }).outputText)
    }
  }
  return built
}

export function removeCompiled(): void {
  rmSync(built, { recursive: true, force: true })
}
