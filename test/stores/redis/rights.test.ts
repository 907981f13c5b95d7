import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Redis from 'ioredis'
import { createClient } from 'redis'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { storeTests } from '../../../lib/testing'
import { type RedisServer, startRedis } from '../../support/redis-server'

const document = readFileSync(join(__dirname, '../../../docs/websockets.md'), 'utf8')
const [, rights = ''] = /^ACL SETUSER web ([^`]*)/m.exec(document) ?? []

let server: RedisServer
let ioredis: Redis
let nodeRedis: ReturnType<typeof createClient>

beforeAll(async () => {
  server = await startRedis()
  const admin = new Redis(server.url)
  await admin.call('ACL', 'SETUSER', 'web', 'reset', ...rights.trim().split(/\s+/))
  admin.disconnect()
  const user = { username: 'web', password: 'password' }
  ioredis = new Redis({ port: server.port, ...user })
  nodeRedis = createClient({ url: server.url, ...user })
  await nodeRedis.connect()
})

afterAll(async () => {
  ioredis.disconnect()
  nodeRedis.destroy()
  await server.stop()
})

describe.each([
  ['ioredis', () => new RedisStore(ioredis)],
  ['node-redis', () => new RedisStore(nodeRedis)]
])('with the rights that the documents name, %s keeps the contract', (_, make) => {
  for (const { name, run } of storeTests(make)) test(name, run)
})
