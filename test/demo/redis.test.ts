import Redis from 'ioredis'
import request from 'supertest'
import { RedisStore } from '../../lib/redis'
import { type RedisServer, startRedis } from '../support/redis-server'
import { monitor } from '../support/monitor'
import { atEnd } from '../support/serve'
import { cookieOf, idOf } from './support/cookie'
import { login, loginAt, type Served, startDemo, userAt } from './support/demo'

const DAY = 24 * 60 * 60_000
/** How long the id that a login replaced leads late requests to the new one. */
const CLOSED = 5 * 60_000
let server: RedisServer
let eye: Redis

beforeAll(async () => {
  server = atEnd(await startRedis(), (it) => it.stop())
  eye = atEnd(new Redis(server.url), (it) => it.quit())
})
beforeEach(() => eye.flushall())

/** The demo as one start of its process has it: with a connection of its own. */
function start(): Promise<Served> {
  return startDemo({ store: new RedisStore(atEnd(new Redis(server.url), (it) => it.quit())) })
}

it('keeps a session as JSON for one day, renewed by each use, and gone after a logout', async () => {
  const demo = await start()
  const one = request.agent(demo.url)
  const before = idOf(cookieOf(await one.get('/count')))
  const id = idOf(cookieOf(await one.post('/users/login').send(login)))
  const keys = [`SESSION:${before}`, `SESSION:${id}`, 'SESSION:user:test']
  expect((await eye.keys('*')).sort()).toEqual(keys.sort())
  expect(JSON.parse((await eye.get(`SESSION:${before}`)) ?? '')).not.toHaveProperty('count')
  expect(await eye.pttl(`SESSION:${before}`)).toBeLessThanOrEqual(CLOSED)
  expect(JSON.parse((await eye.get(`SESSION:${id}`)) ?? '')).toMatchObject({ count: 1, userinfo: 'test' })
  expect(await eye.pttl(`SESSION:${id}`)).toBeGreaterThan(DAY - 60_000)
  expect(await eye.pttl(`SESSION:${id}`)).toBeLessThanOrEqual(DAY)

  await eye.pexpire(`SESSION:${id}`, 60_000)
  await one.get('/users/getUser').expect(/"userinfo":"test"/)
  expect(await eye.pttl(`SESSION:${id}`)).toBeGreaterThan(DAY - 60_000)

  await one.post('/users/logout').expect(200)
  expect(await eye.exists(`SESSION:${id}`)).toBe(0)
})

it('logs nobody out when it is restarted', async () => {
  const first = await start()
  const cookie = await loginAt(first.url)
  await first.stop()

  const second = await start()
  expect(await userAt(second.url, cookie)).toBe('test')
})

it('takes a visitor with one changed character for nobody, and asks Redis nothing', async () => {
  const demo = await start()
  const cookie = await loginAt(demo.url)
  const seen: string[] = []
  let marked: () => void
  const marker = new Promise<void>((resolve) => (marked = resolve))
  const watch = monitor(eye, (args) => {
    seen.push(args.join(' '))
    if (args[1] === 'after') marked()
  })
  atEnd(await watch, (stop) => stop())

  const value = 'sid='.length + encodeURIComponent('s:').length
  for (let at = value; at < cookie.length; at += 7) {
    const changed = cookie.slice(0, at) + (cookie[at] === 'A' ? 'B' : 'A') + cookie.slice(at + 1)
    expect(await userAt(demo.url, changed)).toBeNull()
    await request(demo.url)
      .get('/session')
      .set('Cookie', changed)
      .expect(/"session":null/)
  }
  await eye.echo('after')
  await marker
  expect(seen.filter((command) => !/^echo after$/i.test(command))).toEqual([])
  expect(await userAt(demo.url, cookie)).toBe('test')
})

it('stores nothing for visitors who only look', async () => {
  const demo = await start()
  for (const path of ['/', '/favicon.ico', '/users/getUser', '/users/devices', '/session', '/nothing']) {
    const response = await request(demo.url).get(path)
    expect(response.get('Set-Cookie')).toBeUndefined()
  }
  await request(demo.url).post('/users/login').send({ username: '' }).expect(400)
  expect(await eye.dbsize()).toBe(0)
})
