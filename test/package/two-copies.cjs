// An application, and a package that it depends on, each with what it finds as express-session. Prints what they see.
const { once } = require('node:events')
const http = require('node:http')
const { setTimeout: delay } = require('node:timers/promises')
const { inherits } = require('node:util')
const express = require('express')
const { Passport } = require('passport')
const mine = require('express-session')
const theirs = require('dependency')

// Both of them work out what is left of a life from the clock: a millisecond that passes would be a difference.
const now = Date.now()
Date.now = () => now

const options = { secret: 'what signs the cookies of both of them', resave: false, saveUninitialized: false }

/** A store as they were written before there were classes. Each call takes its time. */
function oldStore({ Store }) {
  const kept = new Map()
  const later = (done, answer) => void delay(5).then(() => done?.(null, answer()))
  function OldStore() {
    Store.call(this)
  }
  inherits(OldStore, Store)
  Object.assign(OldStore.prototype, {
    get: (id, done) => later(done, () => JSON.parse(kept.get(id) ?? 'null')),
    set(id, session, done) {
      const text = JSON.stringify(session)
      later(done, () => void kept.set(id, text))
    },
    destroy: (id, done) => later(done, () => void kept.delete(id))
  })
  return new OldStore()
}

const passport = new Passport()
passport.serializeUser((user, done) => done(null, user.name))
passport.deserializeUser((name, done) => done(null, { name }))

const pages = {
  visit: (req, done) => done(null, (req.session.visits = (req.session.visits ?? 0) + 1)),
  look: (req, done) => done(null, Object.keys(req.session).sort()),
  login: (req, done) => req.login({ name: 'ann' }, (error) => done(error, req.user?.name)),
  who: (req, done) => done(null, req.user?.name),
  logout: (req, done) => req.logout((error) => done(error, 'out')),
  save(req, done) {
    req.session.saved = true
    req.session.save((error) => {
      req.session.saved = 'no more'
      if (error) done(error)
      else req.session.reload((failed) => done(failed, req.session.saved))
    })
  },
  regenerate: (req, done) => req.session.regenerate((error) => done(error, (req.session.fresh = true))),
  'by the store': ({ session, sessionID, sessionStore }, done) =>
    sessionStore.load(sessionID, (error, loaded) => done(error, loaded?.visits === session.visits)),
  'anew by the store'(req, done) {
    const { id } = req.session
    req.sessionStore.regenerate(req, (error) => done(error, id !== req.session.id))
  },
  'a cookie of theirs'(req, done) {
    req.session.cookie = new theirs.Cookie({ maxAge: 90_000 })
    done(null, (req.session.theirs = true))
  },
  'its life': (req, done) => done(null, req.session.cookie.originalMaxAge),
  'a session of theirs'(req, done) {
    const made = new theirs.Session(req, { made: true })
    made.cookie = new theirs.Cookie()
    done(null, Boolean((req.session = made)))
  },
  'ended by the store'(req, done) {
    req.sessionStore.destroy(req.sessionID, (error) => done(error, (req.session.notice = true)))
  },
  destroy: (req, done) => req.session.destroy((error) => done(error, req.session === undefined))
}
/** The way of one visitor. */
const WAY = `visit, visit, login, who, visit, save, by the store, logout, who, visit, regenerate, look, anew by the store,
  look, visit, a cookie of theirs, its life, a session of theirs, look, ended by the store, look, destroy, look`

const slowly = async (req, _res, next) => {
  await delay(20)
  next()
}

/** Pages behind a session. */
function site(session, given, ...between) {
  const router = express.Router().use(session({ ...options, ...given }), passport.session(), ...between)
  for (const [name, page] of Object.entries(pages)) {
    router.get(`/${encodeURIComponent(name)}`, (req, res, next) =>
      page(req, (error, answer) => (error ? next(error) : res.json(answer)))
    )
  }
  router.get('/key/:name', (req, res) => res.json((req.session[req.params.name] = true)))
  return router
}

class Visitor {
  cookies = {}

  constructor(port) {
    this.port = port
  }

  async get(path) {
    const cookie = Object.entries(this.cookies).map((pair) => pair.join('='))
    const headers = cookie.length > 0 ? { cookie: cookie.join('; ') } : {}
    const [res] = await once(http.get({ host: '127.0.0.1', port: this.port, path, headers }), 'response')
    let text = ''
    for await (const chunk of res) text += chunk
    for (const line of res.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      if (line.includes('Expires=Thu, 01 Jan 1970')) delete this.cookies[name]
      else this.cookies[name] = value
    }
    return res.statusCode === 200 ? JSON.parse(text || 'null') : text
  }

  async walk(below = '') {
    const seen = []
    for (const page of WAY.split(/,\s+/)) {
      seen.push([page, await this.get(`${below}/${encodeURIComponent(page)}`)])
    }
    return seen
  }
}

async function visit(...handlers) {
  const server = http.createServer(express().use(...handlers))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    visitor: () => new Visitor(server.address().port),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

/** One store that both of them were handed. */
async function onOneStore(store) {
  const seen = {}
  const both = express
    .Router()
    .use('/theirs', site(theirs, { store, name: 'theirs' }))
    .use('/slow/theirs', site(theirs, { store, name: 'mine' }, slowly))
    .use('/quick/theirs', site(theirs, { store, name: 'mine' }))
    .use('/slow', site(mine, { store, name: 'mine' }, slowly))
    .use('/', site(mine, { store, name: 'mine', cookie: { maxAge: 60_000 } }))
  const { visitor, close } = await visit(both)
  const one = visitor()
  seen.mine = await one.walk()
  seen.theirs = await one.walk('/theirs')
  seen.afterwards = [await one.get('/visit'), await one.get('/theirs/visit')]

  seen.undone = 0
  for (let round = 0; round < 10; round++) {
    const one = visitor()
    await one.get('/visit')
    const cookies = { ...one.cookies }
    await Promise.all([one.get('/key/late'), one.get('/quick/theirs/destroy')])
    one.cookies = cookies
    if ((await one.get('/look')).length > 1) seen.undone++
  }
  await one.get('/visit')
  await Promise.all([one.get('/slow/key/ours'), one.get('/slow/theirs/key/other')])
  const keys = await one.get('/look')
  seen.lost = ['ours', 'other'].filter((key) => !keys.includes(key)).length
  await close()
  return seen
}

async function main() {
  const seen = { copies: mine === theirs ? 1 : 2 }
  for (const [owner, session] of Object.entries({ mine, theirs })) {
    for (const [kind, make] of Object.entries({
      memory: () => new session.MemoryStore(),
      old: () => oldStore(session)
    })) {
      const { visitor, close } = await visit(site(mine, { store: make() }))
      const store = make()
      const inert = await visit(mine({ ...options, store }), site(theirs, { store }))
      seen[`${kind}, ${owner}`] = {
        alone: await visitor().walk(),
        inert: await inert.visitor().walk(),
        ...(await onOneStore(make()))
      }
      await close()
      await inert.close()
    }
  }
  console.log(JSON.stringify(seen))
}

void main()
