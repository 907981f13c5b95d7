import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder; every command runs in it. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const ENDINGS = ['SIGINT', 'SIGTERM']

/** One line about what a script does, marked as its own. */
export function say(text) {
  console.log(`> ${text}`)
}

/** Ends a script with one line that says what is wrong and what to do. */
export function giveUp(text) {
  console.error(`> ${text}`)
  process.exit(1)
}

/**
 * Runs a command in the project's folder, with this process's output and no input, and resolves to its exit
 * status. `onError` sees its error output as it passes, and gets the process. A signal that is to end this process
 * ends the command first.
 */
export function run(command, args, { env, onError } = {}) {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', onError ? 'pipe' : 'inherit']
  })
  child.stderr?.on('data', (chunk) => {
    process.stderr.write(chunk)
    onError(chunk.toString(), child)
  })
  let told
  const pass = (signal) => child.kill((told = signal))
  for (const ending of ENDINGS) process.on(ending, pass)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => {
      if (told) process.exit(128 + constants.signals[told])
      for (const ending of ENDINGS) process.off(ending, pass)
      resolve(status ?? 128 + constants.signals[signal])
    })
  })
}

/** Runs a JavaScript file of an installed package, such as `typescript/bin/tsc`, by this Node or another one. */
export function tool(file, args = [], { node = process.execPath, ...options } = {}) {
  return run(node, [join(root, 'node_modules', file), ...args], options)
}
