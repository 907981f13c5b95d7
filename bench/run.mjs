import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { giveUp, root, say } from '../scripts/run.mjs'
import { nodeOf, versionOf } from './nodes.mjs'
import { installPeers, prepare } from './prepare.mjs'

const FULL = { seconds: 25, requests: 500, warmUp: 40_000, counted: 6000 }
const QUICK = { quick: true, seconds: 2, requests: 200, warmUp: 6000, counted: 2000 }

const { quick, write, node, before } = readArguments()
const redisServer = await prepare()
await installPeers()
const plan = { ...(quick ? QUICK : FULL), before: before && `${resolve(before)}/` }
const { document, picture } = await measureAll(plan, node.split(','))
console.log(`\n${document}`)
if (write) {
  writeFileSync(join(root, 'docs/performance.md'), document)
  writeFileSync(join(root, 'docs/performance.svg'), picture)
  say('written to docs/performance.md and docs/performance.svg')
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        quick: { type: 'boolean' },
        write: { type: 'boolean' },
        node: { type: 'string', default: '24,26' },
        before: { type: 'string' }
      }
    }).values
  } catch (error) {
    giveUp(`${error.message}: npm run bench -- [--quick] [--write] [--node 24,26] [--before FOLDER]`)
  }
}

/** Imports late, because what the modules import was installed only now. */
async function measureAll(plan, versions) {
  const { RedisProcess } = await import('./redis-process.mjs')
  const { currentLoad, environment } = await import('./machine.mjs')
  const { chart } = await import('./chart.mjs')
  const { documentOf } = await import('./document.mjs')
  const { formatted } = await import('../scripts/format.mjs')
  const nodes = []
  for (const version of versions) nodes.push(await nodeOf(version))
  const load = currentLoad()
  const redis = await RedisProcess.start(redisServer)
  try {
    const runs = []
    for (const [i, version] of versions.entries()) runs.push(await runOn(redis, plan, version, nodes[i]))
    const lines = environment(
      runs.map(({ name }) => name),
      redis.version,
      load
    )
    const command = `Command: \`npm run bench${plan.quick ? ' -- --quick' : ''}\`, ${roundsOf(runs)}.`
    const text = documentOf(runs, [command, ...lines])
    return {
      document: await formatted('performance.md', text),
      picture: chart(runs)
    }
  } finally {
    await redis.stop()
  }
}

async function runOn(redis, plan, version, node) {
  const { measure } = await import('./measure.mjs')
  const { count, countedSubjects } = await import('./counts.mjs')
  const { measureMemory } = await import('./memory.mjs')
  const { goals } = await import('./goals.mjs')
  const name = versionOf(node).slice(1)
  const progress = (text) => say(`Node ${name}: ${text}`)
  const results = await measure(redis, plan, node, progress)
  progress('counting promises, timers and bytes')
  const names = ['read', 'change']
  const counts = await count(redis, countedSubjects(), { node, names, requests: plan.counted })
  const memory = await measureMemory(redis, plan, node, progress)
  const run = { version, name, results, counts, memory }
  return { ...run, goals: goals(run) }
}

function roundsOf(runs) {
  const rounds = runs.flatMap(({ results }) => results.map(({ costs }) => costs.length))
  return `${Math.min(...rounds)} to ${Math.max(...rounds)} rounds for each case`
}
