// The server of the data, on port 3000. The page comes from another port: page.mts.
import express from 'express'
import session from 'holdfast'

declare module 'holdfast' {
  interface SessionData {
    user?: string
  }
}

const PAGE = process.env.PAGE ?? 'http://localhost:5173'

const app = express()

// The browser sends the cookie to another origin only if this server names the origin and allows credentials.
app.use((req, res, next) => {
  res.vary('Origin')
  if (req.headers.origin === PAGE) {
    res.set({
      'Access-Control-Allow-Origin': PAGE,
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Headers': 'Content-Type'
    })
  }
  if (req.method === 'OPTIONS') res.sendStatus(204)
  else next()
})

// Another port of the same host is the same site, so the cookie may stay SameSite=Lax.
app.use(express.json(), session({ secret: process.env.SECRET! }))

app.get('/me', (req, res) => {
  res.json({ user: req.session.user ?? null })
})

app.post('/login', async (req, res) => {
  const s = await req.session.regenerate()
  s.user = req.body.user
  res.json({ user: s.user })
})

app.post('/logout', async (req, res) => {
  await req.session.destroy()
  res.json({ user: null })
})

app.listen(3000)
