import request from 'supertest'
import { MemoryStore } from '../../lib/index'
import { type Served, startDemo } from './support/demo'

let demo: Served

beforeAll(async () => (demo = await startDemo({ store: new MemoryStore(), allowedHosts: ['demo.example'] })))

it.each(['localhost', 'localhost:4000', '127.0.0.1', '[::1]:4000', 'demo.example', 'DEMO.example:8080'])(
  'answers a browser that asked for %s',
  async (host) => {
    await request(demo.url).get('/count').set('Host', host).expect(200)
  }
)

it.each([
  'evil.example',
  'localhost.evil.example',
  '127.0.0.1.evil.example:4000',
  'demo.example.',
  '192.0.2.1'
])('refuses a page that had its own name, %s, point here', async (host) => {
  for (const path of ['/', '/count', '/session', '/events?page=x', '/app.js']) {
    const response = await request(demo.url)
      .get(path)
      .set('Host', host)
      .expect(403, /this host is refused/)
    expect(response.get('Set-Cookie')).toBeUndefined()
  }
  await request(demo.url)
    .post('/users/login')
    .set({ Host: host, Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin' })
    .send({ username: 'test' })
    .expect(403)
})
