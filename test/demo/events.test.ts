import request from 'supertest'
import type { Store } from '../../lib/index'
import { atEnd } from '../support/serve'
import { cookieOf } from './support/cookie'
import { login, loginAt, type Served, startDemo } from './support/demo'
import { stores } from './support/stores'
import { openStream, type EventStream } from './support/stream'

describe.each(stores)('a page on $name', ({ open }) => {
  let store: Store
  let demo: Served

  beforeAll(async () => {
    store = await open()
    demo = await startDemo({ store })
  })

  async function listen(page: string, cookie?: string): Promise<EventStream> {
    return atEnd(await openStream(`${demo.url}/events?page=${page}`, cookie), (it) => it.close())
  }

  it('hears at once that its session was ended from another browser', async () => {
    const one = await loginAt(demo.url)
    const other = request.agent(demo.url)
    await other.post('/users/login').send(login).expect(200)
    const stream = await listen('one', one)
    const [handle] = (await stream.next('watching')) as [string, null]
    expect(handle).toMatch(/^[0-9a-f-]{36}$/)

    await other.post('/users/devices/logout-others').expect(200, /"ended":1/)
    expect(await stream.next('ended')).toBe(handle)
  })

  it('hears of its second browser, whose session is another one', async () => {
    const one = request.agent(demo.url)
    const logins = [
      await one.post('/users/login').send(login).expect(200),
      await one.post('/second/users/login').send(login).expect(200)
    ]
    await one.get('/second/users/getUser').expect(200, /"userinfo":"test"/)
    const cookies = logins.map((response) => response.get('Set-Cookie')![0]!.split(';')[0])
    const stream = await listen('two', cookies.join('; '))
    const [first, second] = (await stream.next('watching')) as [string, string]
    expect(first).not.toBe(second)

    await one.post('/users/devices/logout-others').expect(200)
    expect(await stream.next('ended')).toBe(second)
    await one.get('/second/users/getUser').expect(200, /"userinfo":null/)
    await one.get('/users/getUser').expect(200, /"userinfo":"test"/)
  })

  it('sees the path of its own requests, and of no others', async () => {
    const stream = await listen('own')
    await stream.next('watching')
    await request(demo.url).get('/count').set('X-Page', 'another').expect(200)
    await request(demo.url).get('/count').expect(200)
    const first = await request(demo.url).get('/count').set('X-Page', 'own').expect(200)
    const begun = (await stream.next('trace')) as Record<string, unknown>
    expect(begun).toMatchObject({ request: 'GET /count', status: 200, attempts: 1 })
    expect(begun).not.toHaveProperty('loaded')
    expect(begun.commands).toContainEqual(expect.objectContaining({ name: 'set', ok: true }))

    await request(demo.url)
      .get('/count')
      .set({ 'X-Page': 'own', Cookie: cookieOf(first) })
    const trace = (await stream.next('trace')) as Record<string, number>
    const moments = ['entered', 'verified', 'loaded', 'committed', 'answered', 'released']
    const times = moments.map((moment) => trace[moment] as number)
    expect(times).toEqual([...times].sort((one, other) => one - other))
    expect(times[0]).toBeGreaterThanOrEqual(0)
    expect(JSON.stringify(trace)).not.toContain(cookieOf(first).slice('sid=s%3A'.length, 30))
  })

  it('sees why a forged cookie was not taken, without a question to the store', async () => {
    const stream = await listen('forged')
    await stream.next('watching')
    const cookie = cookieOf(await request(demo.url).get('/count'))
    await request(demo.url)
      .get('/users/getUser')
      .set({ 'X-Page': 'forged', Cookie: `${cookie.slice(0, -4)}AAAA` })
      .expect(200, /null/)
    expect(await stream.next('trace')).toMatchObject({ refused: 'bad signature', commands: [] })
  })

  it('freezes the store: a wait of a second, then 503 at once, and well again when it is thawed', async () => {
    // Silence about one session alone says nothing of the store.
    const visitors = await Promise.all(
      [1, 2, 3].map(async () => cookieOf(await request(demo.url).get('/count')))
    )
    const stream = await listen('frozen')
    expect(await stream.next('frozen')).toBe(false)
    atEnd(jest.spyOn(console, 'error').mockImplementation(), (it) => it.mockRestore())
    const count = async (cookie: string) => {
      const began = performance.now()
      const { status } = await request(demo.url).get('/count').set('Cookie', cookie)
      return { status, ms: performance.now() - began }
    }
    const freeze = (frozen: unknown) => request(demo.url).post('/store/freeze').send({ frozen })
    atEnd(freeze, (it) => it(false))
    await freeze('yes').expect(400, /frozen should be/)
    await freeze(true).expect(200)
    expect(await stream.next('frozen')).toBe(true)
    const waited = await Promise.all(visitors.map(count))
    expect(waited.map(({ status }) => status)).toEqual([503, 503, 503])
    const fastest = Math.min(...waited.map(({ ms }) => ms))
    expect(fastest).toBeGreaterThan(900)
    // The quickest of a few: any one of them may be held up by the machine.
    const after = [await count(visitors[0]!), await count(visitors[1]!), await count(visitors[2]!)]
    expect(after.map(({ status }) => status)).toEqual([503, 503, 503])
    expect(Math.min(...after.map(({ ms }) => ms))).toBeLessThan(fastest)

    await freeze(false).expect(200)
    expect(await stream.next('frozen')).toBe(false)
    // What was asked before the thaw is answered now; the first answer opens the way, and may come after this one.
    let answered: Awaited<ReturnType<typeof count>>
    do answered = await count(visitors[0]!)
    while (answered.status === 503)
    expect(answered.status).toBe(200)
  })

  it('has to say which page it is', async () => {
    await request(demo.url)
      .get('/events')
      .expect(400, /page is missing/)
  })
})
