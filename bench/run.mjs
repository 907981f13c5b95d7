import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { build, library } from '../scripts/build.mjs'
import { giveUp, root, run, say } from '../scripts/run.mjs'
import { checkNode, ensureCommand, installPackages } from '../scripts/setup.mjs'

const FULL = { seconds: 25, requests: 500, warmUp: 40_000 }
const QUICK = { quick: true, seconds: 6, requests: 200, warmUp: 12_000 }
const DOCUMENT = join(root, 'docs/performance.md')
const MARKS = ['<!-- measured: npm run bench -- --write -->', '<!-- end of what was measured -->']

const args = process.argv.slice(2)
const stray = args.find((arg) => !['--quick', '--write'].includes(arg))
if (stray) giveUp(`${stray} is unknown: npm run bench -- [--quick] [--write]`)

checkNode()
await installPackages()
await installBench()
await build(library)
const redisServer = process.env.REDIS_SERVER_BIN ?? (await ensureCommand(['redis-server'], 'redis-server'))
if (!redisServer) giveUp('redis-server is needed: install Redis 6.2 or later, or set REDIS_SERVER_BIN')
for (const ending of ['SIGINT', 'SIGTERM'])
  process.on(ending, () => process.exit(128 + constants.signals[ending]))

const text = await measureAll(args.includes('--quick') ? QUICK : FULL)
console.log(`\n${text}`)
if (args.includes('--write')) write(text)

/** Here, because what it imports was installed only now. */
async function measureAll(plan) {
  const [
    { measure },
    { measureMemory },
    { RedisProcess },
    { goals },
    { report },
    { currentLoad, environment }
  ] = await Promise.all(
    ['measure', 'memory', 'redis-process', 'goals', 'report', 'machine'].map(
      (name) => import(`./${name}.mjs`)
    )
  )
  const { default: prettier } = await import('prettier')
  const load = currentLoad()
  const redis = await RedisProcess.start(redisServer)
  try {
    const results = await measure(redis, plan, say)
    const memory = await measureMemory(redis, plan, say)
    const command = `Command: \`${['npm run bench', ...(plan.quick ? ['-- --quick'] : [])].join(' ')}\`, ${roundsOf(results)}.`
    const lines = [
      command,
      ...environment(redis.version, load),
      report(results, memory, goals(results, memory))
    ]
    return await prettier.format(lines.join('\n\n'), { parser: 'markdown', printWidth: 110 })
  } finally {
    await redis.stop()
  }
}

function roundsOf(results) {
  const rounds = results.map((result) => result.rounds)
  return `${Math.min(...rounds)} to ${Math.max(...rounds)} rounds for each case`
}

/** Replaces what was measured last; what people wrote around it stays. */
function write(measured) {
  const document = readFileSync(DOCUMENT, 'utf8')
  const [from, to] = MARKS.map((mark) => document.indexOf(mark))
  if (from < 0 || to < from) giveUp(`docs/performance.md must hold ${MARKS.join(' and ')}`)
  writeFileSync(DOCUMENT, `${document.slice(0, from)}${MARKS[0]}\n\n${measured}\n${document.slice(to)}`)
  say('written to docs/performance.md')
}

async function installBench() {
  const installed = join(root, 'bench/node_modules/.package-lock.json')
  const lock = join(root, 'bench/package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  say('npm ci: installing what bench/package-lock.json lists')
  const status = await run('npm', ['ci', '--prefix', 'bench', '--include=dev', '--no-audit', '--no-fund'])
  if (status !== 0) giveUp('npm ci failed: its messages are above')
}
