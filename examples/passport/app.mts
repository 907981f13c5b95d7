import express from 'express'
import session from 'holdfast'
import passport from 'passport'
import { Strategy } from 'passport-local'

declare module 'holdfast' {
  interface SessionData {
    passport?: { user: string } // the id that serializeUser gives
  }
}
declare global {
  namespace Express {
    interface User {
      id: string
      name: string
      role: 'admin' | 'customer'
    }
  }
}

const users = new Map(
  [
    { id: '1', name: 'Ann', role: 'admin' as const, login: 'ann', password: 'secret' },
    { id: '2', name: 'Bob', role: 'customer' as const, login: 'bob', password: 'hidden' }
  ].map((user) => [user.id, user])
)

passport.use(
  new Strategy((login, password, done) => {
    // Your own code: look the user up, and compare a hash of the password.
    const user = [...users.values()].find((one) => one.login === login && one.password === password)
    done(null, user ?? false)
  })
)
passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id: string, done) => done(null, users.get(id) ?? false))

export const sessions = session({
  secret: process.env.SECRET!,
  user: (s) => s.passport?.user // the owner of the session
})

const app = express()
app.use(express.json(), express.urlencoded(), sessions, passport.session())

app.post('/login', passport.authenticate('local'), async (req, res) => {
  // Passport has made a new session. Keep it, and let the browser keep its cookie.
  if (req.body.remember === 'on') await req.session.regenerate({ keep: true, remember: true })
  res.send(`welcome ${req.user!.name}`)
})

app.use((req, res, next) => {
  if (req.user) next()
  else res.sendStatus(401)
})

app.get('/me', async (req, res) => {
  const { length } = await sessions.list(req.user!.id)
  res.send(`${req.user!.name}, logged in on ${length} devices`)
})

app.use('/admin', (req, res, next) => {
  if (req.user!.role === 'admin') next()
  else res.sendStatus(403)
})

app.get('/admin/reports', (req, res) => {
  res.send('the reports')
})

app.post('/logout', (req, res, next) => {
  req.logout((error) => (error ? next(error) : res.send('bye')))
})

app.post('/logout-everywhere', async (req, res) => {
  const count = await sessions.destroy(req.session, { others: true })
  await req.session.destroy() // this browser, and its cookie
  res.send(`logged out here, and ${count} elsewhere`)
})

export const server = app.listen(3000)
