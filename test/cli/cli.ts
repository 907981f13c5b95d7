import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { run } from '../../lib/cli/run'
import { compile } from '../support/compile'

/** What a run of the command printed, and its exit status. */
export interface Ran {
  status: number
  stdout: string
  stderr: string
}

const line = (text: string | undefined) => (text ? `${text}\n` : '')

/**
 * Does what the command does, in this process.
 *
 * @param env - its variables, and no others
 * @param input - what it finds at its standard input
 */
export async function holdfast(args: string[], env: Record<string, string> = {}, input = ''): Promise<Ran> {
  const { status, stdout, stderr } = await run(args, { env, stdin: Readable.from([input]) })
  return { status, stdout: line(stdout), stderr: line(stderr) }
}

/** Runs the command as a process of its own, which has to end by itself. */
export function runProcess(args: string[], env: Record<string, string> = {}, input = ''): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const main = join(compile(['lib']), 'lib/cli/main.js')
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
