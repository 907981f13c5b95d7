import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express-session'
import withSession from 'memorystore'
import withFiles from 'session-file-store'
import { MemoryStore } from '../../../lib'
import { atEnd } from '../../support/serve'
import { until } from '../../support/site'
import { asked, both, lengthOf, Site, type Handler, type Module } from '../support/both'
import { Gates } from '../support/gates'

// A forum ends sessions by the store: it has the ids of all devices there, and its own among them.
const end: Record<string, Handler> = {
  'store.destroy': ({ sessionStore, sessionID }) => asked((done) => sessionStore.destroy(sessionID, done)),
  'store.clear': ({ sessionStore }) => asked((done) => sessionStore.clear(done))
}

/** What the login library does after that: it changes the session, saves it, and begins a new one. */
const logOut: Handler = async (req) => {
  delete req.session.user
  await asked((done) => req.session.save(done))
  await asked((done) => req.session.regenerate(done))
}

describe.each(both)('%s', (_name, session) => {
  test.each(Object.keys(end))(
    'a logout by %s, then by the login library, then by the session',
    async (way) => {
      const site = await Site.of(session, {}, async (req, res) => {
        if (req.url === '/login') req.session.user = 'bob'
        if (req.url === '/logout') {
          await end[way]!(req, res)
          await logOut(req, res)
          await asked((done) => req.session.destroy(done))
        }
        res.end(String(req.session?.user))
      })
      await site.get('/login')
      expect((await site.get('/')).text).toBe('bob')
      const { status, text } = await site.get('/logout')
      expect([status, text]).toEqual([200, 'undefined'])
      expect((await site.get('/')).text).toBe('undefined')
    }
  )

  test.each(Object.keys(end))(
    'a request that ended its own session by %s may leave a notice in it',
    async (way) => {
      const { site } = await open(session)
      await site.get('/login')
      const { status } = await site.get(`/${way}`)
      expect(status).toBe(200)
      expect((await site.get('/')).text).toBe('{"notice":1}')
      expect(await lengthOf(site.store)).toBe(1)
    }
  )
})

test.each(Object.keys(end))('%s of another request is not undone', async (way) => {
  const [, ours] = both.at(-1)!
  const { site, gates } = await open(ours)
  await site.get('/login')
  const { gate, headers } = gates.close()
  const late = site.get('/change', headers)
  await gate.reached
  await site.get(`/${way}?quiet`)
  gate.go()
  expect((await late).status).toBe(409)
  expect((await site.get('/')).text).toBe('{}')
})

describe.each(both)(
  '%s: a request that ends its own session by the store without waiting',
  (name, session) => {
    const isOurs = name.startsWith('holdfast')
    const stores: Record<string, () => unknown> = {
      MemoryStore: () => new session.MemoryStore(),
      memorystore: () => new (withSession(session as never))({}),
      // A renewal of this one brings a session back with express-session, as it writes the whole.
      ...(isOurs && { 'session-file-store': filesOf, 'a store of the main entry': () => new MemoryStore() })
    }
    const silent = () => undefined
    let answers = 0
    const heard = () => void answers++
    const ways: Record<string, Handler> = {
      'ends it behind its answer': ({ session, sessionStore, sessionID }, res) => {
        session.n = 1
        res.end()
        sessionStore.destroy(sessionID, heard)
      },
      'regenerates it behind its answer': (req, res) => {
        req.session.n = 1
        res.end()
        req.sessionStore.regenerate(req, heard)
      },
      'ends it behind a save': ({ session, sessionStore, sessionID }, res) => {
        session.n = 1
        session.save(silent)
        sessionStore.destroy(sessionID, heard)
        res.end()
      },
      'ends one that it has just begun': async (req, res) => {
        await asked((done) => req.session.regenerate(done))
        req.session.n = 1
        res.end()
        req.sessionStore.destroy(req.sessionID, heard)
      },
      // With resave, express-session stores it once more.
      ...(isOurs && {
        'changes nothing': ({ sessionStore, sessionID }, res) => {
          sessionStore.destroy(sessionID, heard)
          res.end()
        }
      })
    }
    const cases = Object.keys(stores).flatMap((store) =>
      Object.keys(ways).flatMap((way) => [true, false].map((resave) => [store, way, resave] as const))
    )

    test.each(cases)(
      'over %s, that %s, gets its answer, and the session is over; resave: %s',
      async (store, way, resave) => {
        const kept = stores[store]!()
        const site = await Site.of(session, { store: kept, resave }, async (req, res) => {
          if (req.url === '/login') req.session.user = 'bob'
          if (req.url === '/logout') return ways[way]!(req, res)
          res.end(JSON.stringify([req.session.user, req.session.n]))
        })
        await site.get('/login')
        answers = 0
        expect((await site.get('/logout')).status).toBe(200)
        // The request did not wait for the store either.
        await until(() => answers > 0)
        expect((await site.get('/')).text).toBe('[null,null]')
        expect(site.errors).toEqual([])
      }
    )

    test.each(Object.keys(stores))('over %s, may leave a notice in it', async (store) => {
      const site = await Site.of(session, { store: stores[store]!() }, (req, res) => {
        if (req.url === '/login') req.session.user = 'bob'
        if (req.url === '/logout') {
          req.session.save(silent)
          req.sessionStore.destroy(req.sessionID, silent)
          req.session.notice = 1
        }
        res.end(String(req.session.notice))
      })
      await site.get('/login')
      expect((await site.get('/logout')).status).toBe(200)
      expect((await site.get('/')).text).toBe('1')
    })
  }
)

function filesOf() {
  const path = atEnd(mkdtempSync(join(tmpdir(), 'holdfast-sessions-')), (it) =>
    rmSync(it, { recursive: true })
  )
  const retry = { retries: 1, minTimeout: 1, maxTimeout: 1 }
  return new (withFiles(express))({ path, ...retry, reapInterval: -1, logFn: () => undefined })
}

async function open(session: Module) {
  const gates = new Gates()
  const site = await Site.of(session, {}, async (req, res) => {
    await gates.pass(req.headers['x-gate'] as string | undefined)
    const [path, quiet] = req.url!.slice(1).split('?')
    if (path === 'login') req.session.user = 'bob'
    if (path === 'change') req.session.changed = true
    if (end[path!]) await end[path!]!(req, res)
    if (end[path!] && quiet === undefined) {
      delete req.session.user
      req.session.notice = 1
    }
    const { cookie: _cookie, ...data } = req.session
    res.end(JSON.stringify(data))
  })
  return { site, gates }
}
