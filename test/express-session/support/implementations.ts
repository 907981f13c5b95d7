import express, { type Express } from 'express'
import express4 from 'express4'
import session from 'express-session'
import ours from '../../../lib/express-session'

/** What `require('express-session')` gives, and what takes its place. */
export type SessionModule = typeof ours

/** A store of either kind: express-session's, or Holdfast's. */
export type AnyStore = NonNullable<ours.HoldfastOptions['store']>

export interface Implementation {
  readonly name: string
  readonly session: SessionModule
  /** Whether no request undoes another one's work. */
  readonly keepsWork: boolean
}

/** Everything that works with the first has to work with the second. */
export const implementations: readonly Implementation[] = [
  { name: 'express-session', session, keepsWork: false },
  { name: 'holdfast/express-session', session: ours, keepsWork: true }
]

/** Each implementation on each Express. */
export const platforms = implementations.flatMap(({ name, session }) => [
  { name: `${name}, Express 5`, session, express },
  { name: `${name}, Express 4`, session, express: express4 }
])
export type Platform = (typeof platforms)[0]

/** Options of an application without deprecated defaults. */
export const options = {
  secret: 'what signs the cookies of these apps',
  resave: false,
  saveUninitialized: false
}

/** `req.session` as an application in JavaScript knows it. */
export interface AppSession {
  readonly id: string
  cookie: { maxAge: number | null; originalMaxAge: number | null; expires: Date | null }
  save(done?: (error?: unknown) => void): unknown
  reload(done: (error?: unknown) => void): unknown
  regenerate(done: (error?: unknown) => void): unknown
  destroy(done?: (error?: unknown) => void): unknown
  touch(): unknown
  [key: string]: unknown
}

export function sessionOf(req: object): AppSession {
  return (req as { session: AppSession }).session
}

/** Counts in the session of the request, and gives the number back. */
export function count(req: object, by = 1): number {
  const session = sessionOf(req)
  return (session.count = ((session.count as number) ?? 0) + by)
}

/** What a page and a socket share: a login, a logout, who it is, and a count. */
export function addPages(app: Express, user: unknown = 'ann'): void {
  app.post('/login', (req, res) => {
    sessionOf(req).user = user
    res.end()
  })
  app.post('/logout', (req, res) => sessionOf(req).destroy(() => res.end()))
  app.get('/whoami', (req, res) => void res.json(sessionOf(req).user))
  app.get('/count', (req, res) => void res.json(count(req)))
}
