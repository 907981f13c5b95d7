import express from 'express'
import session from 'holdfast'

declare module 'holdfast' {
  interface SessionData {
    userinfo?: string
    browser?: string | undefined
  }
}

const sessions = session({
  secret: process.env.SECRET!,
  user: (s) => s.userinfo // whose session this is; undefined: nobody's
})

const app = express()
app.use(express.json(), sessions)

app.post('/login', async (req, res) => {
  const userinfo: string = req.body.user
  await req.session.regenerate({ set: { userinfo, browser: req.get('user-agent') } })
  res.send(`welcome ${userinfo}`)
})

app.use((req, res, next) => {
  if (req.session.userinfo) next()
  else res.status(401).send('who are you?')
})

app.get('/devices', async (req, res) => {
  const all = await sessions.list(req.session.userinfo!)
  res.json(
    all.map(({ handle, data }) => ({ handle, browser: data.browser, isHere: handle === req.session.handle }))
  )
})

app.post('/devices/end', async (req, res) => {
  const { userinfo, handle } = req.session
  const chosen: unknown = req.body?.handle
  if (typeof chosen !== 'string') return void res.status(400).send('which one?')
  if (chosen === handle) {
    // This one: its cookie goes with it.
    await req.session.destroy()
    return void res.send('logged out')
  }
  const count = await sessions.destroy(userinfo!, { handle: chosen })
  res.send(`${count} ended`)
})

app.post('/logout-everywhere', async (req, res) => {
  await sessions.destroy(req.session, { others: true })
  await req.session.destroy() // this browser, and its cookie
  res.send('logged out everywhere')
})

app.post('/password', async (req, res) => {
  // … store the new password, then:
  const count = await sessions.destroy(req.session, { others: true })
  res.send(`${count} others logged out`)
})

app.listen(3000)
