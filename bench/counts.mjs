import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { caseNamed } from './cases.mjs'
import { Connection } from './connection.mjs'
import { beginSessions, load } from './load.mjs'
import { nodeOf, versionOf } from './nodes.mjs'
import { prepare } from './prepare.mjs'
import { RedisProcess } from './redis-process.mjs'
import { ServerProcess } from './server-process.mjs'
import { nameOf } from './subjects.mjs'

const CONNECTIONS = 32
const REQUESTS = 6000
const COUNTED = 100
const CASES = ['verified, untouched', 'read', 'change']

/** What is counted, over one client. */
export function countedSubjects(store = 'node-redis', dist) {
  const ours = { framework: 'express', library: 'holdfast', label: 'Holdfast', store, dist }
  return [
    { framework: 'express' },
    { framework: 'express', library: 'least', store },
    { framework: 'express', library: 'express-session', store },
    { ...ours, load: 'eager' },
    { ...ours, load: 'lazy' }
  ]
}

/**
 * Counts what a request makes in a server that is warm. Nothing of it depends on how busy the machine is.
 *
 * @param options - `node`: the Node that runs the server; `names`: of the cases, `requests`: for which bytes are counted
 * @returns a list of `{ testCase, subject, promises, timers, bytes, commands }` per request; the bytes are those
 *   allocated on the heap
 */
export async function count(redis, subjects, { node, names = CASES, requests = REQUESTS }) {
  const results = []
  for (const subject of subjects) {
    const server = await ServerProcess.start(subject, redis.url, { execPath: node })
    const connections = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => Connection.open(server.port))
    )
    try {
      const cookies = await beginSessions(connections, 'small')
      for (const testCase of names.map(caseNamed)) {
        const sendAtOnce = () => load(connections, cookies, testCase, requests)
        const sendOneByOne = () => load(connections.slice(0, 1), cookies, testCase, COUNTED)
        results.push({
          testCase,
          subject,
          ...(await perRequest({ server, redis, requests, sendAtOnce, sendOneByOne }))
        })
      }
    } catch (error) {
      error.message = `${nameOf(subject)}: ${error.message}\n${server.errors}`
      throw error
    } finally {
      for (const connection of connections) connection.close()
      await server.stop()
    }
  }
  return results
}

async function perRequest({ server, redis, requests, sendAtOnce, sendOneByOne }) {
  await sendAtOnce()
  await server.ask('startBytes')
  await sendAtOnce()
  const bytes = (await server.ask('stopBytes')) / requests
  const commands = await redis.commandsDuring(sendOneByOne)
  await server.ask('startCount')
  await sendOneByOne()
  const { promises, timers } = await server.ask('stopCount')
  return {
    promises: promises / COUNTED,
    timers: timers / COUNTED,
    bytes,
    commands: commands / COUNTED
  }
}

/** `node bench/counts.mjs [--node 24] [--client node-redis] [--case change]… [--dist FOLDER] [--json]` */
async function main() {
  const { values } = parseArgs({
    options: {
      node: { type: 'string', default: '24' },
      client: { type: 'string', default: 'node-redis' },
      case: { type: 'string', multiple: true },
      dist: { type: 'string' },
      json: { type: 'boolean' }
    }
  })
  const redisServer = await prepare()
  const node = await nodeOf(values.node)
  const redis = await RedisProcess.start(redisServer)
  try {
    const subjects = countedSubjects(values.client, values.dist)
    const results = await count(redis, subjects, { node, names: values.case })
    if (values.json) return console.log(JSON.stringify(results))
    console.log(`\nper request, Node ${versionOf(node)}, Express, ${values.client}`)
    console.table(results.map(row))
  } finally {
    await redis.stop()
  }
}

function row({ testCase, subject, promises, timers, bytes, commands }) {
  return {
    ...{ case: testCase.name, sessions: nameOf(subject), promises, timers },
    ...{ KB: Number((bytes / 1000).toFixed(1)), commands }
  }
}

if (fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) await main()
