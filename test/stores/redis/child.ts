import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript'

const ROOT = join(__dirname, '../../..')
const DEADLINE = 60_000

/**
 * Runs a program in a Node process of its own, in a directory with `lib/` as JavaScript and nothing else: no
 * `node_modules`, unless `modules` is true. Resolves when the process has ended by itself.
 */
export async function runAlone(
  program: string,
  { env = {}, modules = false }: { env?: Record<string, string>; modules?: boolean } = {}
): Promise<{ stdout: string; stderr: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-child-'))
  try {
    cpSync(join(ROOT, 'lib/stores'), join(directory, 'stores'), { recursive: true })
    cpSync(join(ROOT, 'lib/errors.ts'), join(directory, 'errors.ts'))
    for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.ts')) translate(join(directory, file))
    }
    const main = join(directory, 'main.js')
    // Should this process be killed meanwhile, nobody else would end the other one.
    writeFileSync(main, `setTimeout(() => process.exit(1), ${DEADLINE}).unref()\n${program}`)
    return await promisify(execFile)(process.execPath, [main], {
      cwd: directory,
      env: {
        ...process.env,
        NODE_ENV: '',
        ...(modules ? { NODE_PATH: join(ROOT, 'node_modules') } : {}),
        ...env
      },
      timeout: DEADLINE
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function translate(file: string): void {
  const { outputText } = transpileModule(readFileSync(file, 'utf8'), {
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true }
  })
  writeFileSync(file.replace(/\.ts$/, '.js'), outputText)
}
