import { readFileSync } from 'node:fs'
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os'

const PACKAGES = ['express', 'express-session', 'connect-redis', 'redis', 'ioredis']
const OTHERS = ['koa', 'koa-session', 'fastify', '@fastify/session']

/** What was measured on, as lines of text. `load`: the machine's load average before it began. */
export function environment(nodes, redisVersion, load) {
  const versions = [...PACKAGES, ...OTHERS].map((name) => `${name} ${versionOf(name)}`)
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return [
    `Machine: ${cpus().length} × ${cpus()[0].model}, ${gigabytes} GiB, ${type()} ${release()} ${arch()}, ` +
      `load average ${load.toFixed(1)} before the start.`,
    `Versions: Node ${nodes.join(' and ')}, Redis ${redisVersion}, ${versions.join(', ')}.`
  ]
}

/** How many processes wanted a processor in the last minute. */
export const currentLoad = () => loadavg()[0]

function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version
}
