import express, { type Express, type Request, type Response } from 'express'
import type { Gates } from '../support/gates'
import {
  type AnyStore,
  type AppSession,
  options,
  sessionOf,
  type SessionModule
} from '../support/implementations'

/** The life of a session here, in milliseconds. */
export const LIFE = 60_000

/** An application that does with its session what applications do. */
export function application(session: SessionModule, store: AnyStore, gates: Gates, more = {}): Express {
  const app = express()
  const given = { ...options, store, cookie: { maxAge: LIFE }, ...more }
  app.use(express.urlencoded({ extended: false }), session(given))
  app.use((req, _res, next) => void gates.pass(req.get('x-gate')).then(() => next()))
  const post = (path: string, handle: (req: Request, res: Response) => unknown): unknown =>
    app.post(path, handle)
  const change = (path: string, act: (session: AppSession, body: Record<string, string>) => unknown) =>
    post(path, (req, res) => {
      act(sessionOf(req), req.body)
      res.end()
    })
  app.get('/', (req, res) => {
    const { cookie: _cookie, ...data } = sessionOf(req)
    res.json(data)
  })
  change('/set', (session, body) => Object.assign(session, body))
  change('/life', ({ cookie }, { ms }) => (cookie.maxAge = Number(ms)))
  change('/push', (session, { item }) => ((session.cart ??= []) as unknown[]).push(item))
  change('/delete', (session, { key }) => delete session[key!])
  post('/save', (req, res) => {
    Object.assign(sessionOf(req), req.body)
    sessionOf(req).save(() => {
      sessionOf(req).saved = true
      res.end()
    })
  })
  post('/destroy', (req, res) => sessionOf(req).destroy(() => res.end()))
  post('/regenerate', (req, res) => {
    sessionOf(req).regenerate(() => {
      sessionOf(req).fresh = true
      res.end()
    })
  })
  post('/by-hand', (req, res) => {
    sessionOf(req).first = 1
    sessionOf(req).touch()
    sessionOf(req).save((failed) => {
      sessionOf(req).second = 2
      sessionOf(req).reload((missing) => {
        const reloaded = !missing && !('second' in sessionOf(req))
        res.send(`${failed ? 'not ' : ''}saved, ${reloaded ? '' : 'not '}reloaded`)
      })
    })
  })
  return app
}
