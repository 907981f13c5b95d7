import { once } from 'node:events'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { io } from 'socket.io-client'
import { WebSocket } from 'ws'
import { Program } from '../docs/program'
import { Workshop } from '../docs/workshop'
import { buildLibrary } from '../package/build'
import { Browser } from '../support/browser'
import { openRedis } from '../support/redis'
import { atEnd } from '../support/serve'

const examples = join(__dirname, '../../examples')
const workshop = new Workshop()
const redis = openRedis()

beforeAll(() => {
  buildLibrary()
  const names = readdirSync(examples, { recursive: true, encoding: 'utf8' })
  workshop.compileAll(names.filter((name) => name.endsWith('.mts')).map((name) => [bring(name)]))
})

afterAll(() => workshop.remove())

/** Puts an example where the compiler and Node find the library. */
const bring = (name: string) =>
  workshop.write(name.replace('/', '-'), readFileSync(join(examples, name), 'utf8'))

function run(name: string, env: NodeJS.ProcessEnv = {}): Program {
  let file = join(examples, name)
  if (file.endsWith('.mts')) {
    file = bring(name)
    expect(workshop.compile(file)).toEqual([])
    file = file.replace(/\.mts$/, '.mjs')
  }
  const secret = 'a secret of thirty-two bytes or more'
  return atEnd(new Program(file, { SECRET: secret, REDIS_URL: redis.url, ...env }), (it) => it.stop())
}

/** A visitor of the application at this address. */
const visitorAt = (url: string) => new Browser(Number(new URL(url).port))

test('first-app counts, and keeps the count at the login', async () => {
  const visitor = visitorAt(await run('first-app/app.mts').url())
  expect(await visitor.call('GET', '/')).toBe('Visit 1 of a stranger')
  expect(await visitor.call('POST', '/login', { user: 'ann' })).toBe('welcome ann')
  expect(await visitor.call('GET', '/')).toBe('Visit 2 of ann')
  expect(await visitor.call('POST', '/logout')).toBe('bye')
  expect(await visitor.call('GET', '/')).toBe('Visit 1 of a stranger')
})

test('passport logs in, and out everywhere', async () => {
  const url = await run('passport/app.mts').url()
  const [here, there] = [visitorAt(url), visitorAt(url)]
  expect(await here.call('GET', '/me')).toBe('Unauthorized')
  expect(await here.call('POST', '/login', { username: 'ann', password: 'wrong' })).toBe('Unauthorized')
  for (const visitor of [here, there])
    expect(await visitor.call('POST', '/login', { username: 'ann', password: 'secret' })).toBe('welcome Ann')
  expect(await there.call('GET', '/me')).toBe('Ann, logged in on 2 devices')
  expect(await here.call('POST', '/logout-everywhere')).toBe('logged out here, and 1 elsewhere')
  expect([here.hasCookie, there.hasCookie]).toEqual([false, true])
  expect(await there.call('GET', '/me')).toBe('Unauthorized')
})

test('passport remembers those who ask for it, and shows the reports to admins', async () => {
  const url = await run('passport/app.mts').url()
  const [ann, bob] = [visitorAt(url), visitorAt(url)]
  const remembered = await ann.send('/login', {
    method: 'POST',
    body: 'username=ann&password=secret&remember=on',
    headers: { 'content-type': 'application/x-www-form-urlencoded' }
  })
  const days = (Date.parse(/expires=([^;]+)/i.exec(remembered.setCookies[0]!)![1]!) - Date.now()) / 86_400_000
  expect(Math.round(days)).toBe(30)
  expect(await ann.call('GET', '/me')).toBe('Ann, logged in on 1 devices')
  const forgotten = await bob.send('/login', {
    method: 'POST',
    body: JSON.stringify({ username: 'bob', password: 'hidden' }),
    headers: { 'content-type': 'application/json' }
  })
  expect(forgotten.setCookies[0]).not.toMatch(/expires|max-age/i)
  expect(await ann.call('GET', '/admin/reports')).toBe('the reports')
  expect(await bob.call('GET', '/admin/reports')).toBe('Forbidden')
})

test('devices lists the sessions of a user, and ends one', async () => {
  const url = await run('devices/app.mts').url()
  const [here, there] = [visitorAt(url), visitorAt(url)]
  for (const visitor of [there, here]) await visitor.call('POST', '/login', { user: 'ann' })
  const devices = JSON.parse(await here.call('GET', '/devices')) as { handle: string; isHere: boolean }[]
  expect(devices.map(({ isHere }) => isHere)).toEqual([true, false])
  expect(await here.call('POST', '/devices/end', { handle: devices[1]!.handle })).toBe('1 ended')
  expect(await there.call('GET', '/devices')).toBe('who are you?')
  expect(await here.call('POST', '/password')).toBe('0 others logged out')
  expect(await here.call('POST', '/devices/end')).toBe('which one?')
  expect(await there.call('POST', '/login', { user: 'ann' })).toBe('welcome ann')
  expect(await here.call('POST', '/logout-everywhere')).toBe('logged out everywhere')
  expect(here.hasCookie).toBe(false)
  expect(await there.call('GET', '/devices')).toBe('who are you?')
})

test('cookie-sessions keeps a cart in the cookie', async () => {
  const visitor = visitorAt(await run('cookie-sessions/app.mts').url())
  await visitor.call('POST', '/cart/apple')
  expect(await visitor.call('POST', '/cart/pear')).toBe('["apple","pear"]')
  expect(await visitor.call('GET', '/cart')).toBe('["apple","pear"]')
  await visitor.call('DELETE', '/cart')
  expect(await visitor.call('GET', '/cart')).toBe('[]')
})

test('ws talks to those who are logged in, and closes at the logout', async () => {
  const url = await run('ws/app.mts').url()
  const visitor = visitorAt(url)
  const address = url.replace('http', 'ws')
  const refused = new WebSocket(address)
  expect(String((await once(refused, 'error'))[0])).toContain('401')
  await visitor.call('POST', '/login', { user: 'ann' })
  const socket = new WebSocket(address, { headers: visitor.cookies.headers })
  await once(socket, 'open')
  socket.send('hi')
  expect(String((await once(socket, 'message'))[0])).toBe('ann 1: hi')
  const closed = once(socket, 'close')
  await visitor.call('POST', '/logout')
  expect((await closed)[0]).toBe(4401)
})

test('socket-io talks to those who are logged in, and disconnects at the logout', async () => {
  const url = await run('socket-io/app.mts').url()
  const visitor = visitorAt(url)
  await visitor.call('POST', '/login', { user: 'ann' })
  const socket = io(url, { extraHeaders: visitor.cookies.headers, forceNew: true, reconnection: false })
  atEnd(socket, (it) => it.disconnect())
  expect(await socket.emitWithAck('say', 'hi')).toBe('ann 1: hi')
  const disconnected = new Promise((resolve) => socket.once('disconnect', resolve))
  await visitor.call('POST', '/logout')
  expect(await disconnected).toBe('io server disconnect')
})

test('vue has a page on one port and a login on another', async () => {
  cpSync(join(examples, 'vue/index.html'), join(workshop.folder, 'index.html'))
  const page = await run('vue/page.mts').url()
  const url = await run('vue/api.mts', { PAGE: page }).url()
  const visitor = visitorAt(url)
  expect(await (await fetch(page)).text()).toContain("import { createApp } from 'vue'")

  const preflight = (origin: string) => fetch(`${url}/login`, { method: 'OPTIONS', headers: { origin } })
  expect((await preflight(page)).headers.get('access-control-allow-origin')).toBe(page)
  expect((await preflight('http://elsewhere.example')).headers.get('access-control-allow-origin')).toBeNull()

  expect(await visitor.call('POST', '/login', { user: 'ann' }, { origin: page })).toBe('{"user":"ann"}')
  expect(await visitor.call('GET', '/me', undefined, { origin: page })).toBe('{"user":"ann"}')
})

test('race keeps every key on Holdfast, and not on express-session', async () => {
  const program = run('race/race.cjs')
  expect(await program.status()).toBe(0)
  const [theirs, ours] = program.output.split('\n').filter((line) => line.includes('kept'))
  expect(ours).toMatch(/^holdfast.* kept 8 of 8 keys$/)
  expect(theirs).toMatch(/^express-session +kept [1-7] (to \d )?of 8 keys$/)
})

test('every example is in the list, and has a test', () => {
  const folders = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const [list, tests] = [join(examples, 'README.md'), __filename].map((file) => readFileSync(file, 'utf8'))
  for (const { name } of folders) {
    expect(list).toContain(`[${name}](${name}/`)
    expect(tests).toContain(`run('${name}/`)
  }
})
