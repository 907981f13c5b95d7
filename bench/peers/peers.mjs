/**
 * Prints how Holdfast and its peers behave, for docs/comparison.md. Each keeps its sessions in memory, 5 ms away, and gets
 * the same requests of one browser. Needs Node 22.13, and `npm run build` first.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import express from 'express'
import expressSession from 'express-session'
import { getIronSession } from 'iron-session'
import Koa from 'koa'
import koaSession from 'koa-session'
import holdfast from '../../dist/index.mjs'

const SECRET = 'a secret for this comparison and for nothing else'
const KEYS = [...'abcdefgh']
/** How long the request `slow` takes before it writes, in milliseconds: longer than a logout. */
const SLOW = 500

/** Keeps texts until it is made to fail, or to fall silent. */
class Texts {
  #texts = new Map()
  mode = 'works'

  get = (id) => this.#call(() => this.#texts.get(id) ?? null, true)
  set = (id, text) => this.#call(() => void this.#texts.set(id, text))
  delete = (id) => this.#call(() => void this.#texts.delete(id))

  async #call(work, isRead = false) {
    await (this.mode === 'silent' ? new Promise(() => undefined) : sleep(5))
    if (this.mode === 'fails' && !isRead) throw new Error('the store failed')
    return work()
  }
}

/** The application of those who have `set/<key>`, `keys` and `logout`. */
async function handle(url, session, logout) {
  const [, what, key] = url.split('/')
  if (key === 'slow') await sleep(SLOW)
  if (what === 'logout') await logout(session)
  if (what === 'set') session[key] = 1
  return { ...session }
}

function onExpress(middleware, logout) {
  return express()
    .use(middleware)
    .use(async (req, res) => res.json(await handle(req.url, req.session, logout)))
    .use((error, _req, res, next) => (res.headersSent ? next(error) : res.sendStatus(error.status ?? 500)))
}

function ofHoldfast(texts) {
  class Store extends holdfast.MemoryStore {
    get = async (...args) => (await texts.get(''), super.get(...args))
    set = async (...args) => (await texts.set(''), super.set(...args))
    destroy = async (...args) => (await texts.delete(''), super.destroy(...args))
  }
  return onExpress(holdfast({ secret: SECRET, store: new Store() }), (session) => session.destroy())
}

function ofExpressSession(texts) {
  class Store extends expressSession.Store {
    get = (id, done) => texts.get(id).then((text) => done(null, JSON.parse(text)), done)
    set = (id, data, done) => texts.set(id, JSON.stringify(data)).then(() => done(null), done)
    destroy = (id, done) => texts.delete(id).then(() => done(null), done)
  }
  const options = { secret: SECRET, resave: false, saveUninitialized: false, store: new Store() }
  return onExpress(expressSession(options), async (session) => {
    const error = await new Promise((done) => session.destroy(done))
    if (error) throw error
  })
}

function ofKoaSession(texts) {
  const get = async (id) => JSON.parse(await texts.get(id))
  const set = (id, data) => texts.set(id, JSON.stringify(data))
  const app = new Koa({ keys: [SECRET] })
  app.silent = true
  app.use(koaSession({ store: { get, set, destroy: texts.delete } }, app))
  app.use(async (ctx) => {
    ctx.body = await handle(ctx.url, ctx.session, () => (ctx.session = null))
  })
  return app.callback()
}

function ofIronSession() {
  const options = { password: SECRET, cookieName: 'session', cookieOptions: { secure: false } }
  return async (req, res) => {
    const session = await getIronSession(req, res, options)
    const data = await handle(req.url, session, () => session.destroy())
    if (req.url.startsWith('/set')) await session.save()
    res.end(JSON.stringify(data))
  }
}

/** better-auth has routes of its own, and its keys are declared. */
async function ofBetterAuth(texts, secondaryStorage) {
  const database = new DatabaseSync(':memory:')
  const field = { type: 'number', required: false }
  const options = {
    secret: SECRET,
    database,
    baseURL: 'http://127.0.0.1',
    trustedOrigins: ['*'],
    logger: { disabled: true },
    rateLimit: { enabled: false },
    emailAndPassword: { enabled: true },
    session: { additionalFields: Object.fromEntries([...KEYS, 'login', 'slow'].map((key) => [key, field])) },
    databaseHooks: {
      session: { update: { before: async ({ slow }) => void (slow && (await sleep(SLOW))) } }
    },
    secondaryStorage
  }
  await (await getMigrations(options)).runMigrations()
  database.function('mode', () => texts.mode)
  for (const write of secondaryStorage ? [] : ['insert', 'update', 'delete']) {
    const fail = "select raise(fail, 'the store failed')"
    database.exec(
      `create trigger ${write}s before ${write} on session when mode() = 'fails' begin ${fail}; end`
    )
  }
  return toNodeHandler(betterAuth(options))
}

const APP = {
  login: (send) => send('GET', '/set/login'),
  set: (send, key) => send('GET', `/set/${key}`),
  read: (send) => send('GET', '/keys'),
  logout: (send) => send('GET', '/logout')
}
const BETTER_AUTH = {
  async login(send) {
    const email = `${randomUUID()}@example.com`
    await send('POST', '/api/auth/sign-up/email', { email, password: SECRET, name: 'A' })
    return BETTER_AUTH.set(send, 'login')
  },
  set: (send, key) => send('POST', '/api/auth/update-session', { [key]: 1 }),
  read: (send) => send('GET', '/api/auth/get-session'),
  logout: (send) => send('POST', '/api/auth/sign-out', {})
}

/** Runs the requests of one browser against a server of its own, and resolves to the cells of the peer's line. */
async function ask(open, app) {
  const texts = new Texts()
  const server = createServer(await open(texts)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${server.address().port}`
  const jar = new Map()

  async function send(method, path, body) {
    const headers = {
      origin,
      cookie: [...jar].map((pair) => pair.join('=')).join('; '),
      ...(body && { 'content-type': 'application/json' })
    }
    const signal = globalThis.AbortSignal.timeout(5000)
    const response = await fetch(origin + path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal
    })
    for (const [, name, value] of response.headers
      .getSetCookie()
      .map((one) => /^(.*?)=(.*?)(?:;|$)/.exec(one)))
      if (value) jar.set(name, value)
      else jar.delete(name)
    const text = await response.text()
    return { status: response.status, data: text.startsWith('{') ? JSON.parse(text) : {} }
  }
  const data = async () => {
    const answer = (await app.read(send)).data
    return answer.session ?? answer
  }

  await app.login(send)
  await Promise.all(KEYS.map((key) => app.set(send, key)))
  const found = await data()
  const kept = KEYS.filter((key) => found[key]).length

  const slow = app.set(send, 'slow')
  await sleep(SLOW / 5)
  await app.logout(send)
  await slow
  const isBack = Boolean((await data()).login)

  const trouble = async (mode, action) => {
    texts.mode = mode
    const answer = await action().catch(() => ({ status: 'none in 5 s' }))
    texts.mode = 'works'
    return answer.status
  }
  jar.clear()
  await app.login(send)
  const write = await trouble('fails', () => app.set(send, 'a'))
  const logout = await trouble('fails', () => app.logout(send))
  await app.login(send)
  const silence = await trouble('silent', () => app.read(send))
  server.close()
  server.closeAllConnections()
  return [`${kept} of 8`, isBack ? 'logged in again' : 'logged out', write, logout, silence]
}

// Express and better-auth print the failures that are made here.
console.error = () => undefined
const rows = [
  ['', '8 keys at once', 'slow write, logout', 'failed write', 'failed logout', 'silent store'],
  ['holdfast', ...(await ask(ofHoldfast, APP))],
  ['express-session', ...(await ask(ofExpressSession, APP))],
  ['koa-session', ...(await ask(ofKoaSession, APP))],
  ['iron-session', ...(await ask(ofIronSession, APP)).slice(0, 2)],
  ['better-auth, SQL', ...(await ask(ofBetterAuth, BETTER_AUTH)).slice(0, 4)],
  ['better-auth, secondary storage', ...(await ask((texts) => ofBetterAuth(texts, texts), BETTER_AUTH))]
]
for (const row of rows)
  console.log(
    row
      .map((cell, i) => String(cell).padEnd(i ? 20 : 32))
      .join('')
      .trimEnd()
  )
process.exit()
