import express from 'express'
import session from 'holdfast'
import { RedisStore } from 'holdfast/redis'

declare module 'holdfast' {
  interface SessionData {
    user?: string
    count?: number
  }
}

const { SECRET, REDIS_URL } = process.env
const store = REDIS_URL ? RedisStore.connect(REDIS_URL) : undefined // undefined: in memory

const app = express()
app.use(express.json(), session({ secret: SECRET!, store }))

app.get('/', async (req, res) => {
  const count = await req.session.update((s) => (s.count = (s.count ?? 0) + 1))
  res.send(`Visit ${count} of ${req.session.user ?? 'a stranger'}`)
})

app.post('/login', async (req, res) => {
  // Check the password first.
  const s = await req.session.regenerate({ keep: ['count'] }) // a new id: no session fixation
  s.user = req.body.user
  res.send(`welcome ${s.user}`)
})

app.post('/logout', async (req, res) => {
  await req.session.destroy()
  res.send('bye')
})

app.listen(3000)
