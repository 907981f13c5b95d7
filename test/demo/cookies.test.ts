import request from 'supertest'
import { life } from '../../demo/app'
import { openStore } from '../../demo/store'
import { cookieOf } from './support/cookie'
import { endDevice, ended, login, sendForm, type Served, startDemo, userAt, userOf } from './support/demo'

let demo: Served

beforeAll(async () => {
  const { name, ...opened } = await openStore({ store: 'cookie', redisUrl: undefined }, life.idleTimeout)
  demo = await startDemo({ ...opened, storeName: name })
})

const visitor = () => request.agent(demo.url)

async function nextMillisecond(): Promise<void> {
  const now = Date.now()
  while (Date.now() === now) await new Promise(setImmediate)
}

it('counts, logs in and logs out with nothing on the server', async () => {
  const one = visitor()
  await one.get('/count').expect(200, '第1次')
  await one.get('/count').expect(200, '第2次')
  const sealed = cookieOf(await one.post('/users/login').send(login).expect(200, '{"ok":1,"message":"成功"}'))
  expect(Buffer.from(sealed.slice('sid='.length), 'base64url').includes('userinfo')).toBe(false)
  await one.get('/count').expect(200, '第3次')
  expect(await userOf(one)).toBe('test')
  const logout = await one.post('/users/logout').expect(200, { ok: 1, message: '退出成功' })
  expect(cookieOf(logout)).toBe('sid=')
  expect(await userOf(one)).toBeNull()
  await one.get('/count').expect(200, '第1次')
})

it('greets at the form', async () => {
  const one = visitor()
  await sendForm(one, '张三').expect(200, '您第一次登录系统')
  await sendForm(one, '李四').expect(200, '欢迎，张三')
})

it('shows a visitor the session, with what is left of the life that is sealed', async () => {
  const one = visitor()
  await one.get('/session').expect(200, /"session":null/)
  await one.post('/users/login').send(login)
  await nextMillisecond()
  const before = Date.now()
  const { body } = await one.get('/session').expect(200)
  const { session } = body as { session: { user: string; stored: string; idle: Record<string, number> } }
  expect(session.user).toBe('test')
  const { sent } = (JSON.parse(session.stored) as { '@': { sent: number } })['@']
  expect(session.idle.left).toBeLessThanOrEqual(life.idleTimeout - (before - sent))
  expect(session.idle.left).toBeGreaterThanOrEqual(life.idleTimeout - (Date.now() - sent))
})

it('says why there is no list of devices', async () => {
  const one = visitor()
  await one.get('/users/devices').expect(200, { ok: 1, message: '成功', user: null, devices: [] })
  await one.post('/users/login').send(login)
  const response = await one.get('/users/devices').expect(200)
  expect(response.body).toEqual({
    ok: 1,
    message: '成功',
    user: 'test',
    devices: null,
    reason: expect.stringMatching(/\p{Script=Han}.* \/ .*there is no list of devices/u) as string
  })
  await endDevice(one, 'x').expect(404, /there is no list of devices/)
})

it('logs out all other devices of a user, copied cookies included, and nobody else', async () => {
  const [one, other, stranger] = [visitor(), visitor(), visitor()]
  const copied = cookieOf(await one.post('/users/login').send(login))
  await one.get('/count').expect('第1次')
  await other.post('/users/login').send(login)
  await stranger.post('/users/login').send({ ...login, username: 'another' })
  // What is sealed in the very millisecond of the logout does not come before it.
  await nextMillisecond()

  await one.post('/users/devices/logout-others').expect(200, ended(null))
  expect([await userOf(one), await userOf(other), await userOf(stranger)]).toEqual(['test', null, 'another'])
  await one.get('/count').expect('第2次')
  expect(await userAt(demo.url, copied)).toBeNull()
  await other.post('/users/login').send(login)
  expect(await userOf(other)).toBe('test')
})

it('can end no device of a user who is not logged in', async () => {
  await visitor().post('/users/devices/logout-others').expect(401)
})
