import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The project's folder: the nearest one above that holds `demo/public`. So the demo finds its page and its secret
 * wherever tsc has put the compiled code below, and whatever the current directory is.
 */
export function projectFolder(from = __dirname): string {
  if (existsSync(join(from, 'demo', 'public', 'index.html'))) return from
  const parent = dirname(from)
  if (parent === from) throw new Error(`No demo/public found above ${__dirname}`)
  return projectFolder(parent)
}
