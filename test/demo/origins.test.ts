import request from 'supertest'
import { MemoryStore } from '../../lib/index'
import { login, type Served, startDemo } from './support/demo'

const front = 'http://127.0.0.1:8080'
const store = new MemoryStore()
let demo: Served

beforeAll(async () => (demo = await startDemo({ store, allowedOrigins: [front, 'https://shop.example'] })))

it.each([front, 'https://shop.example'])('lets %s use it, with the cookie', async (origin) => {
  const response = await request(demo.url).post('/users/login').set('Origin', origin).send(login).expect(200)
  expect(response.get('Access-Control-Allow-Origin')).toBe(origin)
  expect(response.get('Access-Control-Allow-Credentials')).toBe('true')
  expect(response.get('Vary')).toMatch(/\bOrigin\b/)
})

it('answers the preflight of an allowed origin, without a session', async () => {
  const response = await request(demo.url)
    .options('/users/login')
    .set({
      Origin: front,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type'
    })
    .expect(204)
  expect(response.get('Access-Control-Allow-Origin')).toBe(front)
  expect(response.get('Access-Control-Allow-Credentials')).toBe('true')
  expect(response.get('Access-Control-Allow-Methods')).toBe('GET, POST')
  expect(response.get('Access-Control-Allow-Headers')).toBe('Content-Type')
  expect(response.get('Set-Cookie')).toBeUndefined()
})

it.each(['http://127.0.0.1:8081', 'https://127.0.0.1:8080', 'http://shop.example', 'null'])(
  'refuses what %s would change, and lets it read nothing',
  async (origin) => {
    const change = await request(demo.url).post('/users/login').set('Origin', origin).send(login)
    expect([change.status, change.get('Set-Cookie')]).toEqual([403, undefined])
    const look = await request(demo.url).get('/users/getUser').set('Origin', origin)
    const preflight = await request(demo.url).options('/users/login').set('Origin', origin)
    for (const response of [change, look, preflight]) {
      expect(response.get('Access-Control-Allow-Origin')).toBeUndefined()
      expect(response.get('Access-Control-Allow-Credentials')).toBeUndefined()
      expect(response.get('Vary')).toMatch(/\bOrigin\b/)
    }
  }
)

it.each([
  ['its own page', { 'Sec-Fetch-Site': 'same-origin' }, 200],
  ['the visitor', { 'Sec-Fetch-Site': 'none' }, 200],
  ['a page on another port', { 'Sec-Fetch-Site': 'same-site' }, 403],
  ['a page elsewhere', { 'Sec-Fetch-Site': 'cross-site' }, 403],
  ['no browser', {}, 200]
])('decides by what the browser says: %s', async (_who, headers: Record<string, string>, status) => {
  await request(demo.url).post('/users/login').set(headers).send(login).expect(status)
})

it('goes by the host where the browser says no more than the origin', async () => {
  await request(demo.url).post('/users/login').set('Origin', demo.url).send(login).expect(200)
})

it('speaks of no origin where none is allowed', async () => {
  const alone = await startDemo({ store })
  const response = await request(alone.url).get('/users/getUser').set('Origin', front)
  expect(response.get('Access-Control-Allow-Origin')).toBeUndefined()
  await request(alone.url).post('/users/login').set('Origin', front).send(login).expect(403)
})
