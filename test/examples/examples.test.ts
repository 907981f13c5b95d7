import { once } from 'node:events'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { io } from 'socket.io-client'
import { WebSocket } from 'ws'
import { Program } from '../docs/program'
import { Workshop } from '../docs/workshop'
import { buildLibrary } from '../package/build'
import { startRedis, type RedisServer } from '../support/redis-server'

const examples = join(__dirname, '../../examples')
const workshop = new Workshop()
const programs: Program[] = []
let redis: RedisServer

beforeAll(async () => {
  buildLibrary()
  redis = await startRedis()
})
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop()
})
afterAll(async () => {
  await redis?.stop()
  workshop.remove()
})

function run(name: string, env: NodeJS.ProcessEnv = {}): Program {
  let file = join(examples, name)
  if (file.endsWith('.mts')) {
    file = workshop.write(name.replace('/', '-'), readFileSync(file, 'utf8'))
    expect(workshop.compile(file)).toEqual([])
    file = file.replace(/\.mts$/, '.mjs')
  }
  const secret = 'a secret of thirty-two bytes or more'
  const program = new Program(file, { SECRET: secret, REDIS_URL: redis.url, ...env })
  programs.push(program)
  return program
}

/** One browser. */
class Visitor {
  headers: Record<string, string> = {}
  constructor(readonly url: string) {}

  async ask(method: string, path: string, body?: object): Promise<string> {
    const headers = { ...this.headers, 'content-type': 'application/json' }
    const answer = await fetch(this.url + path, { method, headers, body: body ? JSON.stringify(body) : null })
    const [cookie] = answer.headers.getSetCookie()
    if (cookie) this.headers.cookie = cookie.split(';')[0]!
    return answer.text()
  }
}

test('first-app counts, and keeps the count at the login', async () => {
  const visitor = new Visitor(await run('first-app/app.mts').url())
  expect(await visitor.ask('GET', '/')).toBe('Visit 1 of a stranger')
  expect(await visitor.ask('POST', '/login', { user: 'ann' })).toBe('welcome ann')
  expect(await visitor.ask('GET', '/')).toBe('Visit 2 of ann')
  expect(await visitor.ask('POST', '/logout')).toBe('bye')
  expect(await visitor.ask('GET', '/')).toBe('Visit 1 of a stranger')
})

test('passport logs in, and out everywhere', async () => {
  const url = await run('passport/app.mts').url()
  const [here, there] = [new Visitor(url), new Visitor(url)]
  expect(await here.ask('GET', '/me')).toBe('Unauthorized')
  expect(await here.ask('POST', '/login', { username: 'ann', password: 'wrong' })).toBe('Unauthorized')
  for (const visitor of [here, there])
    expect(await visitor.ask('POST', '/login', { username: 'ann', password: 'secret' })).toBe('welcome Ann')
  expect(await there.ask('GET', '/me')).toBe('Ann, logged in on 2 devices')
  expect(await here.ask('POST', '/logout-everywhere')).toBe('2 ended')
  expect(await there.ask('GET', '/me')).toBe('Unauthorized')
})

test('devices lists the sessions of a user, and ends one', async () => {
  const url = await run('devices/app.mts').url()
  const [here, there] = [new Visitor(url), new Visitor(url)]
  for (const visitor of [there, here]) await visitor.ask('POST', '/login', { user: 'ann' })
  const devices = JSON.parse(await here.ask('GET', '/devices')) as { handle: string; isHere: boolean }[]
  expect(devices.map(({ isHere }) => isHere)).toEqual([true, false])
  expect(await here.ask('POST', '/devices/end', { handle: devices[1]!.handle })).toBe('1 ended')
  expect(await there.ask('GET', '/devices')).toBe('who are you?')
  expect(await here.ask('POST', '/password')).toBe('0 others logged out')
})

test('cookie-sessions keeps a cart in the cookie', async () => {
  const visitor = new Visitor(await run('cookie-sessions/app.mts').url())
  await visitor.ask('POST', '/cart/apple')
  expect(await visitor.ask('POST', '/cart/pear')).toBe('["apple","pear"]')
  expect(await visitor.ask('GET', '/cart')).toBe('["apple","pear"]')
  await visitor.ask('DELETE', '/cart')
  expect(await visitor.ask('GET', '/cart')).toBe('[]')
})

test('ws talks to those who are logged in, and closes at the logout', async () => {
  const visitor = new Visitor(await run('ws/app.mts').url())
  const address = visitor.url.replace('http', 'ws')
  const refused = new WebSocket(address)
  expect(String((await once(refused, 'error'))[0])).toContain('401')
  await visitor.ask('POST', '/login', { user: 'ann' })
  const socket = new WebSocket(address, { headers: visitor.headers })
  await once(socket, 'open')
  socket.send('hi')
  expect(String((await once(socket, 'message'))[0])).toBe('ann 1: hi')
  const closed = once(socket, 'close')
  await visitor.ask('POST', '/logout')
  expect((await closed)[0]).toBe(4401)
})

test('socket-io talks to those who are logged in, and disconnects at the logout', async () => {
  const visitor = new Visitor(await run('socket-io/app.mts').url())
  await visitor.ask('POST', '/login', { user: 'ann' })
  const socket = io(visitor.url, { extraHeaders: visitor.headers, forceNew: true, reconnection: false })
  try {
    expect(await socket.emitWithAck('say', 'hi')).toBe('ann 1: hi')
    const disconnected = new Promise((resolve) => socket.once('disconnect', resolve))
    await visitor.ask('POST', '/logout')
    expect(await disconnected).toBe('io server disconnect')
  } finally {
    socket.disconnect()
  }
})

test('vue has a page on one port and a login on another', async () => {
  cpSync(join(examples, 'vue/index.html'), join(workshop.folder, 'index.html'))
  const page = await run('vue/page.mts').url()
  const visitor = new Visitor(await run('vue/api.mts', { PAGE: page }).url())
  expect(await (await fetch(page)).text()).toContain("import { createApp } from 'vue'")

  const preflight = (origin: string) =>
    fetch(`${visitor.url}/login`, { method: 'OPTIONS', headers: { origin } })
  expect((await preflight(page)).headers.get('access-control-allow-origin')).toBe(page)
  expect((await preflight('http://elsewhere.example')).headers.get('access-control-allow-origin')).toBeNull()

  visitor.headers.origin = page
  expect(await visitor.ask('POST', '/login', { user: 'ann' })).toBe('{"user":"ann"}')
  expect(await visitor.ask('GET', '/me')).toBe('{"user":"ann"}')
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
