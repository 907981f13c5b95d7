import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { caseNamed } from './cases.mjs'
import { nodeOf, versionOf } from './nodes.mjs'
import { prepare } from './prepare.mjs'
import { RedisProcess } from './redis-process.mjs'
import { Rig } from './rig.mjs'

// node bench/profile.mjs [--case read] [--client node-redis] [--load eager] [--node 24] [--requests 30000] [--dist FOLDER]
const { values } = parseArgs({
  options: {
    case: { type: 'string', default: 'read' },
    client: { type: 'string', default: 'node-redis' },
    load: { type: 'string', default: 'eager' },
    node: { type: 'string', default: '24' },
    requests: { type: 'string', default: '30000' },
    dist: { type: 'string' }
  }
})
const MOST = 30

const testCase = caseNamed(values.case)
const redisServer = await prepare()
const node = await nodeOf(values.node)
const redis = await RedisProcess.start(redisServer)
const folder = mkdtempSync(join(tmpdir(), 'holdfast-profile-'))
try {
  await record()
  const [file] = readdirSync(folder)
  print(JSON.parse(readFileSync(join(folder, file), 'utf8')))
} finally {
  rmSync(folder, { recursive: true })
  await redis.stop()
}

/** Runs the server of Holdfast on Express under the profiler. */
async function record() {
  const { client: store, load, dist } = values
  const subject = { framework: 'express', library: 'holdfast', label: 'Holdfast', store, load, dist }
  const rig = new Rig(subject, redis, {
    execPath: node,
    execArgv: ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500']
  })
  await rig.start()
  await rig.open(testCase)
  await rig.run(testCase, Number(values.requests))
  await rig.stop()
}

function print(profile) {
  const { own, inclusive, total, idle } = sum(profile)
  const busy = total - idle
  console.log(
    `\n${values.case}, Holdfast ${values.load}, ${values.client}, Node ${versionOf(node)}; shares of the time that ` +
      'the process worked, in %; the start and the compiler of V8 count as well'
  )
  const share = (time) => Number(((100 * time) / busy).toFixed(1))
  const first = (times) => [...times].sort(([, a], [, b]) => b - a)
  const rooms = new Map()
  for (const [key, time] of own) add(rooms, roomOf(key), time)
  const show = (title, entries) => {
    console.log(`\n${title}`)
    for (const [key, time] of entries.slice(0, MOST))
      console.log(`${share(time).toFixed(1).padStart(6)}  ${key}`)
  }
  show('where the time goes', first(rooms))
  show('functions by themselves', first(own))
  show(
    'our functions, with all that they call',
    first(inclusive).filter(([key]) => roomOf(key) === 'holdfast')
  )
}

/** The time of each function by itself and with all that it calls, in µs; what recurs within itself counts once. */
function sum({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((one) => [one.id, one]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const [own, inclusive] = [new Map(), new Map()]
  let [total, idle] = [0, 0]
  samples.forEach((id, i) => {
    const time = timeDeltas[i]
    const key = keyOf(byId.get(id))
    total += time
    if (key === '(idle)') idle += time
    else add(own, key, time)
    const stack = new Set()
    for (let at = id; at !== undefined; at = parents.get(at)) stack.add(keyOf(byId.get(at)))
    for (const each of stack) add(inclusive, each, time)
  })
  return { own, inclusive, total, idle }
}

function keyOf({ callFrame: { functionName, url, lineNumber } }) {
  if (!url) return functionName || '(native)'
  const file = url
    .replace(/^.*\/node_modules\//, '')
    .replace(/^.*\/dist\//, 'dist/')
    .replace(/^.*\/bench\//, 'bench/')
  return `${functionName || '(anonymous)'}  ${file}:${lineNumber + 1}`
}

/** Whose a function is: Holdfast, a package, a part of Node. */
function roomOf(key) {
  const file = key.split('  ')[1]
  if (!file) return key.startsWith('(') ? key : 'native functions'
  if (file.startsWith('dist/')) return 'holdfast'
  if (file.startsWith('node:')) return file.replace(/^node:(internal\/)?([\w]+).*$/, 'node:$1$2')
  return file
    .split('/')
    .slice(0, file.startsWith('@') ? 2 : 1)
    .join('/')
}

function add(times, key, time) {
  times.set(key, (times.get(key) ?? 0) + time)
}
