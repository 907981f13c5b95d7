import { join } from 'node:path'
import { giveUp, root, run, say } from './run.mjs'
import { installPackages } from './setup.mjs'

// Builds the site of the documents. The packages for it are apart from the project's own, in
// docs/, as neither the demo nor the tests need them.

const COMMANDS = {
  build: ['vitepress/bin/vitepress.js', 'build', 'docs'],
  dev: ['vitepress/bin/vitepress.js', 'dev', 'docs']
}

const [name, ...rest] = process.argv.slice(2)
if (!Object.hasOwn(COMMANDS, name)) giveUp(`docs.mjs takes one of: ${Object.keys(COMMANDS).join(', ')}`)
await installPackages('docs')
const [file, ...args] = COMMANDS[name]
process.exitCode = await run(process.execPath, [join(root, 'docs/node_modules', file), ...args, ...rest])
if (name === 'build' && process.exitCode === 0) say('the site is in docs/.vitepress/dist')
