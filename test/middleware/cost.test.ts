import { createHook } from 'node:async_hooks'
import { GCProfiler } from 'node:v8'
import { Agent, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createClient } from 'redis'
import { session } from '../../lib'
import { RedisStore } from '../../lib/redis'
import { startRedis } from '../support/redis-server'
import { atEnd, serve } from '../support/serve'

const REQUESTS = 100
/** The compiler takes away what it finds needless, but only where code has run often. */
const WARM_UP = 1000
const MANY = 1000

/** How many promises one request creates, on average over many that come one after the other. */
async function costOf(visit: () => Promise<void>): Promise<number> {
  for (let i = 0; i < REQUESTS; i++) await visit()
  let promises = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') promises++
    }
  }).enable()
  for (let i = 0; i < REQUESTS; i++) await visit()
  hook.disable()
  return promises / REQUESTS
}

/** How many bytes of the heap one request allocates: the collector says what it found, and what it left. */
async function bytesOf(visit: () => Promise<void>): Promise<number> {
  for (let i = 0; i < WARM_UP; i++) await visit()
  const profiler = new GCProfiler()
  profiler.start()
  const left = process.memoryUsage().heapUsed
  for (let i = 0; i < MANY; i++) await visit()
  const end = process.memoryUsage().heapUsed
  let bytes = end
  for (const { beforeGC, afterGC } of profiler.stop().statistics) {
    bytes += beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize
  }
  return (bytes - left) / MANY
}

/** Sends requests of one visitor over one connection, to an application over node-redis. */
async function visitorOf(load: 'eager' | 'lazy'): Promise<(path: string) => () => Promise<void>> {
  const redis = atEnd(await startRedis(), (it) => it.stop())
  const client = createClient({ url: redis.url })
  client.on('error', () => undefined)
  await client.connect()
  atEnd(client, (it) => it.destroy())
  const app = express()
  const handler: express.RequestHandler = async (req, res) => {
    const loaded = await (load === 'lazy' ? req.session.load() : undefined)
    const current = loaded ?? req.session
    if (req.url === '/change') (current as { n?: number }).n = Math.random()
    res.end(String(current.isNew))
  }
  // The same with neither session nor store: the share of Express, of the handler and of this test.
  app.get('/bare', async (_req, res) => {
    await Promise.resolve()
    res.end('bare')
  })
  app.use(session({ secret: 'x'.repeat(40), store: new RedisStore(client), load }))
  app.get(['/read', '/change'], handler)
  const server = await serve(app)
  const agent = atEnd(new Agent({ keepAlive: true, maxSockets: 1 }), (it) => it.destroy())
  const { port } = server.address() as AddressInfo
  let cookie: string | undefined
  const send = (path: string) => () =>
    new Promise<void>((resolve, reject) => {
      const headers = cookie === undefined ? {} : { cookie }
      get({ port, host: '127.0.0.1', path, agent, headers }, (res) => {
        cookie = res.headers['set-cookie']?.[0]?.split(';')[0] ?? cookie
        res.resume().on('end', resolve)
      }).on('error', reject)
    })
  await send('/change')()
  return send
}

/** What a read and a change take beside what a request without a session takes. */
async function onTopOfBare(
  measure: (visit: () => Promise<void>) => Promise<number>,
  load: 'eager' | 'lazy'
): Promise<{ read: number; change: number }> {
  const send = await visitorOf(load)
  const bare = await measure(send('/bare'))
  const read = await measure(send('/read'))
  const change = await measure(send('/change'))
  return { read: read - bare, change: change - bare }
}

/** Those of node-redis are in it. What Express, the handler and this test create is not. */
test.each([
  { load: 'eager', read: 6, change: 13 },
  { load: 'lazy', read: 5, change: 12 }
] as const)('a request with load: $load creates few promises', async (most) => {
  const { read, change } = await onTopOfBare(costOf, most.load)
  expect(Math.round(read)).toBeLessThanOrEqual(most.read)
  expect(Math.round(change)).toBeLessThanOrEqual(most.change)
})

const isCurrent = Number(process.versions.node.split('.')[0]) >= 24

// In kilobytes; the client in this process, what counts the coverage and what looks for mistakes outside production are
// included. Requests are dictionaries before Node 24, and cost more.
;(isCurrent ? test : test.skip).each([
  { load: 'eager', read: 26, change: 44 },
  { load: 'lazy', read: 26, change: 44 }
] as const)('a request with load: $load allocates few kilobytes', async (most) => {
  const { read, change } = await onTopOfBare(bytesOf, most.load)
  expect(read / 1000).toBeLessThanOrEqual(most.read)
  expect(change / 1000).toBeLessThanOrEqual(most.change)
})
