import request from 'supertest'
import type { Store } from '../../lib/index'
import { type Served, startDemo } from './support/demo'

/** A store that must not be asked. */
const fail = () => Promise.reject(new Error('the store was asked'))
const store: Store = { contract: 1, get: fail, set: fail, touch: fail, destroy: fail }
let demo: Served

beforeAll(async () => (demo = await startDemo({ store })))

it.each([
  ['/', 'text/html', 200],
  ['/app.js', 'text/javascript', 200],
  ['/devices.js', 'text/javascript', 200],
  ['/theme.css', 'text/css', 200],
  ['/browsers.css', 'text/css', 200],
  ['/?lang=en', 'text/html', 200],
  ['/favicon.svg', 'image/svg+xml', 200],
  ['/favicon.ico', '', 204]
])('%s never touches the session', async (path, type, status) => {
  const response = await request(demo.url).get(path).set('Cookie', 'sid=s:anything.at-all')
  expect([response.status, response.type]).toEqual([status, type])
  expect(response.get('Set-Cookie')).toBeUndefined()
  expect(response.get('Vary') ?? '').not.toMatch(/cookie/i)
})

it('sends a policy that allows nothing from elsewhere and nothing inline', async () => {
  const response = await request(demo.url).get('/').expect(200)
  const policy = response.get('Content-Security-Policy') ?? ''
  expect(policy).toMatch(/^default-src 'none';/)
  expect(policy).not.toMatch(/unsafe|http|data:|\*/)
  expect(response.get('X-Content-Type-Options')).toBe('nosniff')
  expect(response.get('X-Powered-By')).toBeUndefined()
  expect(response.text).not.toMatch(/<style|style=|\son\w+=|https?:\/\//)
})

it('answers what it does not have in JSON', async () => {
  await request(demo.url)
    .get('/nothing')
    .expect(404, /^{"ok":0,"message":".+"}$/)
  await request(demo.url).get('/../package.json').expect(404)
  await request(demo.url).get('/users/login').expect(404)
})
