import request from 'supertest'
import { MemoryStore } from '../../lib/index'
import { cookieOf, idOf } from './support/cookie'
import { type Served, startDemo } from './support/demo'

const store = new MemoryStore()
let demo: Served

beforeAll(async () => (demo = await startDemo({ store })))

const json = 'application/json'
const form = 'application/x-www-form-urlencoded'
const long = 'x'.repeat(65)

/** Bodies that are no login, as a content type and the bytes sent with it, one character each. */
const bodies: [title: string, type: string | undefined, body: string | undefined, status?: number][] = [
  ['no body', undefined, undefined],
  ['an empty JSON body', json, ''],
  ['an empty form', form, ''],
  ['no name', json, '{"password":"x"}'],
  ['an empty name', json, '{"username":"","password":"x"}'],
  ['an empty name in a form', form, 'username=&password=x'],
  ['a name of spaces', json, '{"username":" \\t ","password":"x"}'],
  ['a number for a name', json, '{"username":1,"password":"x"}'],
  ['null for a name', json, '{"username":null,"password":"x"}'],
  ['an object for a name', json, '{"username":{"toString":"x"},"password":"x"}'],
  ['a list for a name', json, '{"username":["x"],"password":"x"}'],
  ['two names in a form', form, 'username=a&username=b&password=x'],
  ['a name that is too long', json, JSON.stringify({ username: long })],
  ['a line break in a name', json, '{"username":"a\\nb"}'],
  ['half a character in a name', json, '{"username":"\\ud800"}'],
  ['a name that is no UTF-8', json, '{"username":"\xff"}'],
  ['an inherited name', json, '{"__proto__":{"username":"x"}}'],
  ['a list', json, '["username"]'],
  ['a string', json, '"username"'],
  ['broken JSON', json, '{"username":"te'],
  ['a form that calls itself JSON', json, 'username=test&password=x'],
  ['JSON that calls itself a form', form, '{"username":"test","password":"x"}'],
  ['JSON that calls itself text', 'text/plain', '{"username":"test","password":"x"}'],
  ['a multipart form', 'multipart/form-data; boundary=x', '--x\r\n\r\n--x--'],
  ['an unknown charset', `${json}; charset=klingon`, '{"username":"test"}'],
  ['a body that is too large', json, JSON.stringify({ username: 'test', password: 'x'.repeat(20_000) }), 413]
]

describe.each(bodies)('%s', (_title, type, body, status = 400) => {
  it.each(['/users/login', '/login'])('is refused at %s, and the session stays', async (path) => {
    const cookie = cookieOf(await request(demo.url).get('/count'))
    const before = await store.get(idOf(cookie))

    const sent = path === '/login' ? body?.replaceAll('username', 'usr') : body
    const response = await fetch(demo.url + path, {
      method: 'POST',
      headers: { cookie, ...(type && { 'Content-Type': type }) },
      body: sent === undefined ? undefined : Buffer.from(sent, 'latin1')
    })
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({
      ok: 0,
      message: expect.stringMatching(/\p{Script=Han}.* \/ \w/u) as string
    })
    expect(response.headers.get('Set-Cookie')).toBeNull()
    expect(await store.get(idOf(cookie))).toBe(before)
  })
})

it('says what is wrong with a name', async () => {
  const message = async (body: object) =>
    ((await request(demo.url).post('/users/login').send(body)).body as { message: string }).message
  expect(await message({})).toContain('username is missing')
  expect(await message({ username: '' })).toContain('username is empty')
  expect(await message({ username: 7 })).toContain('username should be one string')
  expect(await message({ username: long })).toContain('username is longer than 64 characters')
})

it('counts characters, not the halves that UTF-16 makes of some', async () => {
  const username = '😀'.repeat(64)
  const one = request.agent(demo.url)
  await one.post('/users/login').send({ username }).expect(200)
  const response = await one.get('/users/getUser')
  expect(response.body).toMatchObject({ userinfo: username })
})

it('quotes nothing of a broken body', async () => {
  const body = '{"username":"test","password":"hunter2'
  const response = await request(demo.url).post('/users/login').type(json).send(body)
  expect(response.status).toBe(400)
  expect(response.text).not.toMatch(/hunter|Error|node_modules/)
})
