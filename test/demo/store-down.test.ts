import request from 'supertest'
import { MemoryStore, type Store } from '../../lib/index'
import { atEnd } from '../support/serve'
import { cookieOf } from './support/cookie'
import { login, startDemo } from './support/demo'

it('answers 503 in JSON while the store is down, and goes on when it is back', async () => {
  const memory = new MemoryStore()
  let down = false
  const unlessDown = <T>(work: () => Promise<T>) =>
    down ? Promise.reject(new Error('connection refused')) : work()
  const store: Store = {
    contract: 1,
    get: (...args) => unlessDown(() => memory.get(...args)),
    set: (...args) => unlessDown(() => memory.set(...args)),
    touch: (...args) => unlessDown(() => memory.touch(...args)),
    destroy: (...args) => unlessDown(() => memory.destroy(...args))
  }
  const said = atEnd(jest.spyOn(console, 'error').mockImplementation(), (it) => it.mockRestore())
  const demo = await startDemo({ store })
  const cookie = cookieOf(await request(demo.url).get('/count'))
  down = true
  const calls = [
    request(demo.url).get('/count'),
    request(demo.url).get('/users/getUser'),
    request(demo.url).get('/session'),
    request(demo.url).get('/users/devices'),
    request(demo.url).post('/users/login').send(login),
    request(demo.url).post('/users/logout')
  ]
  for (const call of calls) {
    const response = await call.set('Cookie', cookie)
    expect([response.status, response.type]).toEqual([503, 'application/json'])
    expect(response.body).toEqual({ ok: 0, message: expect.stringContaining('session store') as string })
    expect(response.get('Set-Cookie')).toBeUndefined()
    expect(response.text).not.toMatch(/refused|node_modules/)
  }
  expect(said).toHaveBeenCalledTimes(calls.length)
  expect(said.mock.calls.flat().join('\n')).toContain('connection refused')
  down = false
  await request(demo.url).get('/count').set('Cookie', cookie).expect(200, '第2次')
})
