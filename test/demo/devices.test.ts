import request from 'supertest'
import { MemoryStore, type Store } from '../../lib/index'
import { cookieOf, idOf } from './support/cookie'
import { endDevice, ended, login, sendForm, type Served, startDemo, userOf } from './support/demo'
import { stores } from './support/stores'

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0'
const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1'

interface Device {
  handle: string
  browser: string | null
  firstSeen: string
  lastSeen: string
  current: boolean
}

describe.each(stores)('the devices of a user on $name', ({ open }) => {
  let store: Store
  let demo: Served

  beforeAll(async () => {
    store = await open()
    demo = await startDemo({ store })
  })

  let users = 0
  const newUser = () => `test ${users++}`

  /** A browser with a user logged in. */
  async function logIn(username: string, userAgent = firefox) {
    const agent = request.agent(demo.url).set('User-Agent', userAgent)
    const id = idOf(cookieOf(await agent.post('/users/login').send({ username, password: 'x' }).expect(200)))
    return {
      agent,
      id,
      devices: async () =>
        ((await agent.get('/users/devices').expect(200)).body as { devices: Device[] }).devices,
      user: () => userOf(agent)
    }
  }

  it('are listed by browser and handle, newest first, with the one that asks', async () => {
    const user = newUser()
    const began = Date.now()
    const one = await logIn(user)
    const other = await logIn(user, safari)
    await logIn(newUser())

    const response = await one.agent.get('/users/devices').expect(200)
    const times = { firstSeen: expect.any(String) as string, lastSeen: expect.any(String) as string }
    const handle = expect.stringMatching(/^[0-9a-f-]{36}$/) as string
    expect(response.body).toEqual({
      ok: 1,
      message: '成功',
      user,
      devices: [
        { handle, browser: 'Safari · iOS', current: false, ...times },
        { handle, browser: 'Firefox · Windows', current: true, ...times }
      ]
    })
    for (const secret of [one.id, other.id]) expect(response.text).not.toContain(secret)
    for (const { firstSeen, lastSeen } of (response.body as { devices: Device[] }).devices) {
      expect(Date.parse(firstSeen)).toBeGreaterThanOrEqual(began)
      expect(Date.parse(lastSeen)).toBeGreaterThanOrEqual(Date.parse(firstSeen))
      expect(Date.parse(lastSeen)).toBeLessThanOrEqual(Date.now())
    }
    expect((await other.devices()).map(({ current }) => current)).toEqual([true, false])
  })

  it('are none for nobody, who can end none', async () => {
    const nobody = request.agent(demo.url)
    await nobody.get('/users/devices').expect(200, { ok: 1, message: '成功', user: null, devices: [] })
    const handle = '00000000-0000-7000-8000-000000000000'
    await endDevice(nobody, handle).expect(401, /log in first/)
    await nobody.post('/users/devices/logout-others').expect(401, /log in first/)
  })

  it('can be logged out one by one', async () => {
    const user = newUser()
    const [one, other, third] = [await logIn(user), await logIn(user, safari), await logIn(user)]
    const handle = (await other.devices()).find(({ current }) => current)!.handle
    await endDevice(one.agent, handle).expect(200, ended(1))
    await endDevice(one.agent, handle).expect(200, ended(0))

    expect(await other.user()).toBeNull()
    expect(await store.get(other.id)).toBeNull()
    expect([await one.user(), await third.user()]).toEqual([user, user])
    const browsers = (await one.devices()).map(({ browser }) => browser)
    expect(browsers).toEqual(['Firefox · Windows', 'Firefox · Windows'])
  })

  it('can be logged out all but this one', async () => {
    const user = newUser()
    const [one, other, third] = [await logIn(user), await logIn(user), await logIn(user)]
    const stranger = await logIn(newUser())
    const endOthers = () => other.agent.post('/users/devices/logout-others')
    await endOthers().expect(200, ended(2))
    expect([await one.user(), await other.user(), await third.user()]).toEqual([null, user, null])
    expect(await other.devices()).toEqual([expect.objectContaining({ current: true })])
    expect(await stranger.user()).not.toBeNull()
    await endOthers().expect(200, ended(0))
  })

  it('clears the cookie of the one that logs itself out', async () => {
    const one = await logIn(newUser())
    const [device] = await one.devices()
    const response = await endDevice(one.agent, device!.handle).expect(200)
    expect(response.body).toEqual(ended(1))
    expect(cookieOf(response)).toBe('sid=')
    expect(await store.get(one.id)).toBeNull()
  })

  it("are nobody else's to end", async () => {
    const [one, other] = [await logIn(newUser()), await logIn(newUser())]
    const [device] = await other.devices()
    await endDevice(one.agent, device!.handle).expect(200, ended(0))
    expect(await other.user()).not.toBeNull()
  })

  it('stay through a login at the form, without a browser where it is unknown', async () => {
    const user = newUser()
    const [one, other] = [await logIn(user), await logIn(user, 'curl/8.5.0')]
    await sendForm(one.agent, '张三').expect(200)
    expect((await other.devices()).map(({ browser }) => browser)).toEqual(['Firefox · Windows', null])
  })

  it.each(['/users/devices/logout', '/users/devices/logout-others'])(
    'are not ended at %s for a page elsewhere, nor without a handle',
    async (path) => {
      const user = newUser()
      const [one, other] = [await logIn(user), await logIn(user)]
      const { handle } = (await other.devices()).find(({ current }) => current)!
      await one.agent.post(path).set('Origin', 'http://127.0.0.1:1').send({ handle }).expect(403)
      await endDevice(one.agent, undefined).expect(400, /handle is missing/)
      await endDevice(one.agent, [handle]).expect(400)
      expect(await other.user()).toBe(user)
    }
  )
})

it('are not known to a store without an index, which says so', async () => {
  const store = Object.defineProperty(new MemoryStore(), 'index', { value: undefined })
  const demo = await startDemo({ store })
  const one = request.agent(demo.url)
  await one.post('/users/login').send(login).expect(200)
  const response = await one.get('/users/devices').expect(200)
  expect(response.body).toMatchObject({ user: 'test', devices: null })
  expect(response.text).toContain('this store cannot tell')
  await endDevice(one, 'x').expect(404, /this store cannot tell/)
  await one.post('/users/devices/logout-others').expect(404, /this store cannot tell/)
})
