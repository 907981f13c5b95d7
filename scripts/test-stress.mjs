import { spawn, spawnSync } from 'node:child_process'
import { setPriority } from 'node:os'
import { giveUp, say } from './run.mjs'
import { Suite } from './suite.mjs'

/** How often the suite runs beside two busy processes. */
const ROUNDS = Number(process.env.STRESS_ROUNDS ?? 5)
const BUSY = 'for (;;);'
/** Takes the core for 50 ms of every 100 ms. */
const HALF = 'setInterval(() => { for (const until = Date.now() + 50; Date.now() < until; ); }, 100)'

const patterns = process.argv.slice(2)
const suite = await Suite.prepare()
const failed = []
for (let count = 1; count <= ROUNDS; count++) {
  await round(`${count} of ${ROUNDS} beside two busy processes`, [start(BUSY), start(BUSY)])
}
await round('with half a core', [limitToHalfACore()])
if (failed.length > 0) giveUp(`failed: ${failed.join('; ')}`)
say('everything passed, each time at the first try')

async function round(name, others) {
  const from = Date.now()
  say(name)
  try {
    if ((await suite.jest(patterns)) !== 0) failed.push(name)
  } finally {
    for (const other of others) other.kill('SIGKILL')
  }
  say(`${name}: ${Math.round((Date.now() - from) / 1000)} s`)
}

/** All that is started from now on shares one core with a process that goes before everything else. */
function limitToHalfACore() {
  const { status, error } = spawnSync('taskset', ['-cp', '0', `${process.pid}`])
  if (status !== 0) giveUp(`half a core needs taskset of util-linux: ${error?.message ?? `status ${status}`}`)
  const child = start(HALF)
  try {
    setPriority(child.pid, -20)
  } catch (cause) {
    child.kill('SIGKILL')
    giveUp(`half a core needs root: ${cause.message}`)
  }
  return child
}

function start(script) {
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
  process.on('exit', () => child.kill('SIGKILL'))
  return child
}
