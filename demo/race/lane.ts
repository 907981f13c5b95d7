import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import type holdfast from '../../lib/express-session'

/** express-session, or what takes its place by one line. */
export type SessionModule = typeof holdfast
export type ExpressStore = InstanceType<SessionModule['Store']>

/** What a write left in the store under the session's id; null: nothing. */
export interface Held {
  at: number
  keys: string[] | null
}

/** One server of the race. */
export interface Lane {
  url: string
  held: Held[]
  /** `running`: the slow write has its session. `go` lets it end. */
  slow: EventEmitter<{ running: []; go: [] }>
  stop(): Promise<void>
}

/** What an application on either module looks like: the same code, letter for letter. */
function application(session: SessionModule, store: ExpressStore, slow: Lane['slow']): express.Express {
  const app = express()
  app.use(
    session({
      secret: 'what signs the cookies of a race, and nothing else',
      resave: false,
      saveUninitialized: false,
      store
    })
  )
  app.post('/login', (req, res) => {
    dataOf(req).user = 'ann'
    res.sendStatus(200)
  })
  app.post('/set/:key', (req, res) => {
    dataOf(req)[req.params.key] = true
    res.sendStatus(200)
  })
  app.post('/slow', async (req, res) => {
    dataOf(req).cart = 'a book'
    const go = once(slow, 'go')
    slow.emit('running')
    await go
    res.sendStatus(200)
  })
  app.post('/logout', (req, res, next) => {
    dataOf(req).destroy((error) => (error ? next(error) : res.sendStatus(200)))
  })
  app.get('/keys', (req, res) => void res.json(keysOf(dataOf(req))))
  app.use(((error: { status?: number }, _req, res, _next) => {
    res.sendStatus(error.status ?? 500)
  }) as express.ErrorRequestHandler)
  return app
}

type Data = Record<string, unknown> & { destroy(done: (error?: unknown) => void): unknown }

/** The session as JavaScript knows it: both modules have it at the same place. */
function dataOf(req: express.Request): Data {
  return (req as unknown as { session: Data }).session
}

function keysOf(session: object): string[] {
  return Object.keys(session).filter((key) => key !== 'cookie')
}

/** Starts a server on a free port of this machine. */
export async function openLane(session: SessionModule, store: ExpressStore): Promise<Lane> {
  const held: Held[] = []
  const slow: Lane['slow'] = new EventEmitter()
  watchWrites(store, held)
  const server = createServer(application(session, store, slow))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held,
    slow,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

/** Notes what each write that the store confirms leaves there. Holdfast merges before it confirms. */
function watchWrites(store: ExpressStore, held: Held[]): void {
  const set = store.set.bind(store)
  const destroy = store.destroy.bind(store)
  const note = (error: unknown, keys: string[] | null): void => {
    if (!error) held.push({ at: performance.now(), keys })
  }
  store.set = (id, session, done) =>
    set(id, session, (error) => {
      note(error, keysOf(session))
      done?.(error)
    })
  store.destroy = (id, done) =>
    destroy(id, (error) => {
      note(error, null)
      done?.(error)
    })
}
