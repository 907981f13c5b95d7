import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** Builds the library where it is out of date, for tests that use it as users do. */
export function buildLibrary(): void {
  const options = { cwd: join(__dirname, '../..'), encoding: 'utf8' } as const
  const { status, stdout } = spawnSync(process.execPath, ['scripts/build.mjs'], options)
  if (status !== 0) throw new Error(`lib/ does not compile:\n${stdout}`)
}
