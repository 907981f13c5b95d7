import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
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
 * Runs a command in the project's folder, with this process's output and no input, and resolves to its exit status.
 * `onError` sees its error output as it passes, and gets the process; with `output`, all that it prints goes there
 * instead. A signal that is to end this process ends the command first.
 */
export function run(command, args, { env, onError, output } = {}) {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', output ? 'pipe' : 'inherit', output || onError ? 'pipe' : 'inherit']
  })
  child.stdout?.on('data', (chunk) => output.push(chunk))
  child.stderr?.on('data', (chunk) => {
    if (output) return output.push(chunk)
    process.stderr.write(chunk)
    onError(chunk.toString(), child)
  })
  let ending
  const pass = (signal) => child.kill((ending = signal))
  for (const signal of ENDINGS) process.on(signal, pass)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => {
      if (ending) process.exit(128 + constants.signals[ending])
      for (const name of ENDINGS) process.off(name, pass)
      resolve(status ?? 128 + constants.signals[signal])
    })
  })
}

/**
 * Runs a JavaScript file of an installed package, such as `typescript/bin/tsc`, by this Node or another one. The demo's
 * packages serve if the project's are not installed.
 */
export function tool(file, args = [], { node = process.execPath, ...options } = {}) {
  const places = ['node_modules', 'demo/node_modules'].map((folder) => join(root, folder, file))
  return run(node, [places.find(existsSync) ?? places[0], ...args], options)
}
