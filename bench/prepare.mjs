import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { build, library } from '../scripts/build.mjs'
import { giveUp, root, say } from '../scripts/run.mjs'
import { checkNode, ensureCommand, installPackages, packagesInstalled } from '../scripts/setup.mjs'

/** Installs and builds what a measurement needs, and resolves to the path of `redis-server`. */
export async function prepare() {
  checkNode()
  // Others may be using the packages that are there, so a measurement installs them only if there are none.
  if (!existsSync(join(root, 'node_modules'))) await installPackages()
  else if (!packagesInstalled()) say('node_modules is not what package-lock.json lists: npm ci installs that')
  await build(library)
  const redisServer = process.env.REDIS_SERVER_BIN ?? (await ensureCommand(['redis-server'], 'redis-server'))
  if (!redisServer) giveUp('redis-server is needed: install Redis 6.2 or later, or set REDIS_SERVER_BIN')
  for (const ending of ['SIGINT', 'SIGTERM'])
    process.on(ending, () => process.exit(128 + constants.signals[ending]))
  return redisServer
}

/** Installs the libraries that only the benchmark compares with. */
export function installPeers() {
  return installPackages('bench')
}
