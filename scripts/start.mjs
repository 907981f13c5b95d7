import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, demo } from './build.mjs'
import { root } from './run.mjs'
import { checkNode, installPackages, packagesInstalled } from './setup.mjs'

// package.json starts this with `exec`: npm passes signals on to its child, and a shell in between would keep them
// to itself. For the same reason the demo runs in this process, not in a child. (Where there is no `exec`, as on
// Windows, the command after `||` does it.)
checkNode()
// The demo needs a seventh of what the tests need.
if (!packagesInstalled()) await installPackages('demo')
await build(demo)
await import(pathToFileURL(join(root, 'demo/build/demo/server.js')).href)
