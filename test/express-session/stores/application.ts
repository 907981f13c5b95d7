import express, { type Express, type Request, type Response } from 'express'
import type { Gates } from '../support/gates'
import { type AnyStore, options, sessionOf, type SessionModule } from '../support/implementations'

/** The life of a session here, in milliseconds. */
export const LIFE = 60_000

/** An application that does with its session what applications do. */
export function application(
  session: SessionModule,
  store: AnyStore,
  gates: Gates,
  more: object = {}
): Express {
  const app = express()
  app.use(
    express.urlencoded({ extended: false }),
    session({ ...options, store, cookie: { maxAge: LIFE }, ...more })
  )
  app.use((req, _res, next) => void gates.pass(req.get('x-gate')).then(() => next()))
  const post = (path: string, handle: (req: Request, res: Response) => unknown): unknown =>
    app.post(path, handle)
  app.get('/', (req, res) => {
    const { cookie: _cookie, ...data } = sessionOf(req)
    res.json(data)
  })
  post('/set', (req, res) => {
    Object.assign(sessionOf(req), req.body)
    res.end()
  })
  post('/life', (req, res) => {
    sessionOf(req).cookie.maxAge = Number(req.body.ms)
    res.end()
  })
  post('/save', (req, res) => {
    Object.assign(sessionOf(req), req.body)
    sessionOf(req).save(() => {
      sessionOf(req).saved = true
      res.end()
    })
  })
  post('/push', (req, res) => {
    ;((sessionOf(req).cart ??= []) as string[]).push(req.body.item)
    res.end()
  })
  post('/delete', (req, res) => {
    delete sessionOf(req)[req.body.key]
    res.end()
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
