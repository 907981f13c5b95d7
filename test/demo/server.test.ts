import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Redis from 'ioredis'
import request from 'supertest'
import { freePort, startRedis } from '../support/redis-server'
import { atEnd, serve } from '../support/serve'
import { portOf } from '../support/server'
import { cookieOf, idOf } from './support/cookie'
import { loginAt, userAt } from './support/demo'
import { buildDemo, DemoProcess } from './support/process'
import { openStream } from './support/stream'

const login = { username: 'test', password: 'hunter2' }

beforeAll(buildDemo)

function run(env?: Record<string, string>): DemoProcess {
  return atEnd(new DemoProcess(env), (it) => it.kill())
}

it.each(['SIGTERM', 'SIGINT'] as const)('starts, answers, and ends well on %s', async (signal) => {
  const demo = run()
  const url = await demo.url()
  await request(url)
    .get('/')
    .expect(200, /Holdfast/)
  await request(url).get('/count').expect(200, '第1次')
  expect(demo.output).toMatch(/in memory/)

  // As a browser leaves them: one connection that nothing was sent on yet, one kept alive after an answer.
  const { port, hostname } = new URL(url)
  const [fresh, used] = [connect(Number(port), hostname), connect(Number(port), hostname)]
  used.write('GET /count HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await Promise.all([once(fresh, 'connect'), once(used, 'data')])
  const before = Date.now()
  demo.signal(signal)
  expect(await demo.ended()).toBe(0)
  expect(Date.now() - before).toBeLessThan(5_000)
  fresh.destroy()
  used.destroy()
})

it('finishes what runs before it ends', async () => {
  const demo = run()
  const { port, hostname } = new URL(await demo.url())
  const body = JSON.stringify(login)
  const socket = connect(Number(port), hostname).setEncoding('utf8')
  let answer = ''
  socket.on('data', (text: string) => (answer += text))
  const head = ['POST /users/login HTTP/1.1', 'Host: localhost', 'Content-Type: application/json']
  socket.write([...head, `Content-Length: ${body.length}`, 'Expect: 100-continue', '', ''].join('\r\n'))
  while (!answer.includes('100 Continue')) await once(socket, 'data')

  demo.signal('SIGTERM')
  await demo.says(/SIGTERM/)
  socket.write(body)
  await once(socket, 'end')
  expect(answer).toContain('200 OK')
  expect(answer).toContain('{"ok":1,"message":"成功"}')
  socket.end()
  expect(await demo.ended()).toBe(0)
})

it('ends while pages listen to it', async () => {
  const demo = run()
  const stream = await openStream(`${await demo.url()}/events?page=one`)
  await stream.next('watching')
  demo.signal('SIGTERM')
  // Cut off at the end of the process, it would fail in another way.
  await expect(stream.next('nothing')).rejects.toThrow('the stream ended without nothing')
  expect(await demo.ended()).toBe(0)
})

it('says in one line that its port is in use', async () => {
  const port = portOf(await serve(() => undefined))
  const demo = run({ PORT: String(port) })
  expect(await demo.ended()).toBe(1)
  expect(demo.output).toBe(
    `Port ${port} is in use: stop what uses it, or choose another, PORT=${port + 1} npm start\n`
  )
})

it('says in one line what is wrong with a setting', async () => {
  const closed = await freePort()
  const wrong: [Record<string, string>, RegExp][] = [
    [{ PORT: 'abc' }, /^PORT .*\n$/],
    [
      { REDIS_URL: `redis://:hunter2@127.0.0.1:${closed}`, SECRET: 'x'.repeat(32) },
      /^Redis cannot be reached at .*\n$/
    ]
  ]
  for (const [env, line] of wrong) {
    const demo = run(env)
    expect(await demo.ended()).toBe(1)
    expect(demo.output).toMatch(line)
    expect(demo.output).not.toContain('hunter2')
  }
})

it('runs on cookies alone: login, count, logout, and a restart that logs nobody out', async () => {
  const env = { STORE: 'cookie', SECRET: 'the secret of a demo that is long enough' }
  const first = run(env)
  const before = request.agent(await first.url())
  await first.says(/^Sessions: sealed in their cookies/m)
  await before.get('/count').expect(200, '第1次')
  const cookie = cookieOf(await before.post('/users/login').send(login).expect(200))
  await before.get('/count').expect(200, '第2次')
  first.signal('SIGTERM')
  expect(await first.ended()).toBe(0)

  const after = request.agent(await run(env).url())
  const again = (path: string) => after.get(path).set('Cookie', cookie)
  await again('/users/getUser').expect(/"userinfo":"test"/)
  const logout = await after.post('/users/logout').set('Cookie', cookie).expect(200)
  expect(cookieOf(logout)).toBe('sid=')
})

describe('on Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let folder: string

  beforeAll(async () => {
    redis = atEnd(await startRedis(), (it) => it.stop())
    folder = atEnd(mkdtempSync(join(tmpdir(), 'holdfast-demo-')), (it) => rmSync(it, { recursive: true }))
  })

  it('logs nobody out by a restart, with a secret that it keeps itself', async () => {
    const env = { REDIS_URL: redis.url, SECRET_FILE: join(folder, '.demo-secret') }
    const first = run(env)
    const cookie = await loginAt(await first.url())
    first.signal('SIGTERM')
    expect(await first.ended()).toBe(0)

    const second = run(env)
    expect(await userAt(await second.url(), cookie)).toBe('test')
    expect(second.output).toContain('.demo-secret')
  })

  it('prints how to look at a new session, and no password', async () => {
    const client = atEnd(new Redis(redis.url), (it) => it.quit())
    const demo = run({ REDIS_URL: redis.url, SECRET: 'the secret of a demo that is long enough' })
    const cookie = cookieOf(
      await request(await demo.url())
        .post('/users/login')
        .send(login)
    )
    const [, id] = await demo.says(/redis-cli -u redis:\S+ --raw get SESSION:([\w-]{20,})/)
    expect(id).toBe(idOf(cookie))
    expect(await client.get(`SESSION:${id}`)).toContain('"userinfo":"test"')
    expect(demo.output).not.toMatch(/hunter2|the secret of a demo/)
  })

  it('answers 503 while Redis is away, goes on when it is back, and can end without it', async () => {
    const own = atEnd(await startRedis(), (it) => it.stop())
    const demo = run({ REDIS_URL: own.url, SECRET: 'the secret of a demo that is long enough' })
    const url = await demo.url()
    await request(url).get('/count').expect(200)
    await own.kill()
    await request(url)
      .get('/count')
      .expect(503, /"ok":0/)
    await own.start()
    await demo.says(/connected again/)
    await request(url).get('/count').expect(200, '第1次')

    await own.kill()
    await request(url).get('/count').expect(503)
    const before = Date.now()
    demo.signal('SIGTERM')
    expect(await demo.ended()).toBe(0)
    expect(Date.now() - before).toBeLessThan(5_000)
  })

  it('leaves the password of Redis to the environment', async () => {
    const client = atEnd(new Redis(redis.url), (it) => it.quit())
    await client.config('SET', 'requirepass', 'hunter2')
    atEnd(client, (it) => it.config('SET', 'requirepass', ''))
    const url = redis.url.replace('redis://', 'redis://:hunter2@')
    const demo = run({ REDIS_URL: url, SECRET: 'the secret of a demo that is long enough' })
    await request(await demo.url())
      .post('/users/login')
      .send(login)
      .expect(200)
    await demo.says(/redis-cli -u "\$REDIS_URL" --raw get SESSION:[\w-]{20,}/)
    expect(demo.output).not.toContain('hunter2')
  })
})
