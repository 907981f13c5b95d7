import request from 'supertest'
import type { Store } from '../../lib/index'
import { cookieOf, idOf } from './support/cookie'
import { login, sendForm, type Served, startDemo, userAt } from './support/demo'
import { stores } from './support/stores'

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe.each(stores)('the demo on $name', ({ open }) => {
  let store: Store
  let demo: Served
  const saved: string[] = []

  beforeAll(async () => {
    store = await open()
    demo = await startDemo({ store, storeName: 'a store', onSession: (id) => saved.push(id) })
  })
  beforeEach(() => saved.splice(0))

  const visitor = () => request.agent(demo.url)

  it('counts the visits of each visitor', async () => {
    const [one, other] = [visitor(), visitor()]
    for (const answer of ['第1次', '第2次', '第3次']) {
      const response = await one.get('/count').expect(200, answer)
      expect(response.type).toBe('text/plain')
    }
    await other.get('/count').expect(200, '第1次')
  })

  it('gives fifty requests at once fifty different numbers', async () => {
    const one = visitor()
    await one.get('/count').expect('第1次')
    const answers = await Promise.all(Array.from({ length: 50 }, () => one.get('/count').expect(200)))
    const numbers = answers.map(({ text }) => Number(/^第(\d+)次$/.exec(text)?.[1])).sort((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: 50 }, (_, index) => index + 2))
    await one.get('/count').expect('第52次')
  })

  it.each(['json', 'form'] as const)('logs in by %s, says who is logged in, and logs out', async (type) => {
    const one = visitor()
    await one.get('/users/getUser').expect(200, { ok: 1, message: '成功', userinfo: null })
    const login = await one.post('/users/login').type(type).send({ username: 'test', password: '123456' })
    expect([login.status, login.text]).toEqual([200, '{"ok":1,"message":"成功"}'])
    const user = await one.get('/users/getUser').expect(200)
    expect(user.text).toBe('{"ok":1,"message":"成功","userinfo":"test"}')
    const logout = await one.post('/users/logout').expect(200)
    expect(logout.text).toBe('{"ok":1,"message":"退出成功"}')
    await one.get('/users/getUser').expect(200, { ok: 1, message: '成功', userinfo: null })
  })

  it('gives a login a new id, ends the old session, and keeps the count', async () => {
    const one = visitor()
    const before = cookieOf(await one.get('/count'))
    const after = cookieOf(await one.post('/users/login').send(login))
    expect(idOf(after)).not.toBe(idOf(before))
    expect(await store.get(idOf(before))).not.toContain('"count"')
    await one.get('/count').expect('第2次')
    expect(await userAt(demo.url, before)).toBeNull()
  })

  it('ends the whole session at a logout, in the store and in the browser', async () => {
    const one = visitor()
    await one.get('/count')
    const cookie = cookieOf(await one.post('/users/login').send(login))
    const logout = await one.post('/users/logout').expect(200)
    expect(cookieOf(logout)).toBe('sid=')
    expect(await store.get(idOf(cookie))).toBeNull()
    expect(await userAt(demo.url, cookie)).toBeNull()
    await one.get('/count').expect('第1次')
  })

  it('answers a logout of nobody as any other', async () => {
    await visitor().post('/users/logout').expect(200, { ok: 1, message: '退出成功' })
  })

  it('greets at the form by the name given first', async () => {
    const one = visitor()
    const first = await sendForm(one, '张三').expect(200, '您第一次登录系统')
    expect(first.type).toBe('text/plain')
    await sendForm(one, '张三').expect(200, '欢迎，张三')
    await sendForm(one, '李四').expect(200, '欢迎，张三')
    await sendForm(visitor(), '李四').expect(200, '您第一次登录系统')
  })

  it('sends markup in a name as text', async () => {
    const one = visitor()
    const usr = '<img src=x onerror=alert(1)>'
    await sendForm(one, usr)
    const response = await sendForm(one, usr).expect(`欢迎，${usr}`)
    expect(response.get('Content-Type')).toBe('text/plain; charset=utf-8')
    expect(response.get('X-Content-Type-Options')).toBe('nosniff')
  })

  it('keeps the two logins apart', async () => {
    const one = visitor()
    await one.post('/users/login').send(login)
    await sendForm(one, '张三').expect('您第一次登录系统')
    await one.get('/users/getUser').expect(/"userinfo":"test"/)
  })

  it('shows a visitor the session of their own, without its id', async () => {
    const one = visitor()
    await one.get('/session').expect(200, { ok: 1, message: '成功', store: 'a store', session: null })
    await one.get('/count')
    const began = Date.now()
    const cookie = cookieOf(await one.post('/users/login').send(login))
    const response = await one.get('/session').expect(200)
    const { session } = response.body as { session: Record<string, unknown> & { stored: string } }
    const day = 24 * 60 * 60_000
    expect(session).toEqual({
      user: 'test',
      count: 1,
      handle: expect.stringMatching(UUID_7) as string,
      began: expect.any(String) as string,
      age: expect.any(Number) as number,
      idle: { limit: day, left: day },
      lifetime: { limit: 30 * day, left: 30 * day - (session.age as number) },
      stored: (await store.get(idOf(cookie))) as string
    })
    expect(JSON.parse(session.stored)).toMatchObject({
      count: 1,
      userinfo: 'test',
      '@': { handle: session.handle }
    })
    expect(Math.abs(Date.parse(session.began as string) - began)).toBeLessThan(5_000)
    expect(response.text).not.toContain(idOf(cookie))
  })

  it('tells about each new session once, with the id that its cookie carries', async () => {
    const one = visitor()
    const first = cookieOf(await one.get('/count'))
    await one.get('/count')
    const user = cookieOf(await one.post('/users/login').send(login))
    const form = cookieOf(await sendForm(one, '张三'))
    await sendForm(one, '张三')
    expect(saved).toEqual([first, user, form].map(idOf))
  })

  it('keeps no password anywhere', async () => {
    const one = visitor()
    const password = 'correct horse battery staple'
    const login = await one.post('/users/login').send({ username: 'test', password })
    const form = await one.post('/login').type('form').send({ usr: 'test', psd: password })
    const stored = await store.get(idOf(cookieOf(form)))
    expect(stored).toContain('test')
    for (const text of [stored, login.text, form.text, JSON.stringify([login.headers, form.headers])]) {
      expect(text).not.toContain(password)
    }
  })
})
