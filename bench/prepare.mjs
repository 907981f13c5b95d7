import { existsSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { build, library } from '../scripts/build.mjs'
import { giveUp, root, run, say } from '../scripts/run.mjs'
import { checkNode, ensureCommand, installPackages } from '../scripts/setup.mjs'

/** Installs and builds what a measurement needs, and resolves to the path of `redis-server`. */
export async function prepare() {
  checkNode()
  await installPackages()
  await build(library)
  const redisServer = process.env.REDIS_SERVER_BIN ?? (await ensureCommand(['redis-server'], 'redis-server'))
  if (!redisServer) giveUp('redis-server is needed: install Redis 6.2 or later, or set REDIS_SERVER_BIN')
  for (const ending of ['SIGINT', 'SIGTERM'])
    process.on(ending, () => process.exit(128 + constants.signals[ending]))
  return redisServer
}

/** Installs the libraries that only the benchmark compares with. */
export async function installPeers() {
  const installed = join(root, 'bench/node_modules/.package-lock.json')
  const lock = join(root, 'bench/package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  say('npm ci: installing what bench/package-lock.json lists')
  const status = await run('npm', ['ci', '--prefix', 'bench', '--include=dev', '--no-audit', '--no-fund'])
  if (status !== 0) giveUp('npm ci failed: its messages are above')
}
