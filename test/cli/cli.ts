import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { compile } from '../support/compile'

/** What a run of the command printed, and its exit status. */
export interface Ran {
  status: number
  stdout: string
  stderr: string
}

let main = ''

beforeAll(() => {
  main = join(compile(['lib']), 'lib/cli/main.js')
})

/**
 * Runs the command as a process of its own, with these variables and no others.
 *
 * @param input - what it finds at its standard input
 */
export function holdfast(args: string[], env: Record<string, string> = {}, input = ''): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) => {
      if (!error) resolve({ status: 0, stdout, stderr })
      else if (typeof error.code === 'number') resolve({ status: error.code, stdout, stderr })
      else reject(new Error('it did not end by itself', { cause: error }))
    })
    child.stdin!.end(input)
  })
}

/** What a run with `--json` found out. */
export async function json<T = Record<string, unknown>>(
  args: string[],
  env: Record<string, string> = {}
): Promise<T> {
  const { stdout, stderr } = await holdfast(['--json', ...args], env)
  if (stderr) throw new Error(stderr)
  return JSON.parse(stdout) as T
}
