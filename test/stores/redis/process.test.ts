import { openRedis } from '../../support/redis'
import { freePort } from '../../support/redis-server'
import { runAlone } from './child'

const redis = openRedis()

const program = (body: string): string =>
  `const { RedisStore } = require('./stores/redis/redis-store.js')\n;(async () => { ${body} })()`

test('a process ends by itself after close, whatever the connection was doing', async () => {
  const { stdout, stderr } = await runAlone(
    program(`const used = RedisStore.connect('${redis.url}')
      await used.set('id', 'text', 60000, null)
      const idle = RedisStore.connect('${redis.url}')
      const connecting = RedisStore.connect('${redis.url}')
      const lazy = RedisStore.connect({ port: ${redis.server.port}, lazyConnect: true })
      const refused = RedisStore.connect('redis://127.0.0.1:${await freePort()}')
      await idle.get('id')
      await refused.get('id').catch(() => console.log('refused'))
      await Promise.all([used, idle, connecting, lazy, refused].map((store) => store.close()))
      console.log('closed')`),
    { modules: true }
  )
  expect(stdout).toBe('refused\nclosed\n')
  expect(stderr).toBe('')
})

test('a process stays up while Redis is away, and says nothing', async () => {
  const { stdout, stderr } = await runAlone(
    program(`const store = RedisStore.connect('redis://127.0.0.1:${await freePort()}')
      let attempts = 0
      store.client.on('reconnecting', () => ++attempts === 3 && store.close().then(() => console.log('up')))`),
    { modules: true }
  )
  expect(stdout).toBe('up\n')
  expect(stderr).toBe('')
})

test('without ioredis, connect says what to install', async () => {
  const { stdout } = await runAlone(
    program(
      `try { RedisStore.connect('redis://127.0.0.1') } catch (error) { console.log(error.code, error.message) }`
    )
  )
  expect(stdout).toMatch(/^ERR_SESSION_OPTIONS .*npm install ioredis/)
})
