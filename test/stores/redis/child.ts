import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { compile } from '../../support/compile'

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
    const lib = join(compile(['lib']), 'lib')
    for (const name of ['stores', 'errors.js'])
      cpSync(join(lib, name), join(directory, name), { recursive: true })
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
