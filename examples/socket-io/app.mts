import { createServer } from 'node:http'
import express from 'express'
import session, { type Session, type SessionData } from 'holdfast'
import { RedisStore } from 'holdfast/redis'
import { Server } from 'socket.io'

declare module 'holdfast' {
  interface SessionData {
    user?: string
    said?: number
  }
}

interface Events {
  say: (text: string, answer: (line: string) => void) => void
}
interface SocketData {
  session: Session & Partial<SessionData>
}

const { SECRET, REDIS_URL } = process.env
const store = REDIS_URL ? RedisStore.connect(REDIS_URL) : undefined
const sessions = session({ secret: SECRET!, store })

const app = express()
app.use(express.json(), sessions)
app.post('/login', async (req, res) => {
  const s = await req.session.regenerate()
  s.user = req.body.user
  res.send('hello')
})
app.post('/logout', async (req, res) => {
  await req.session.destroy()
  res.send('bye')
})

const server = createServer(app)
const io = new Server<Events, object, object, SocketData>(server)

io.use(async (socket, next) => {
  try {
    const own = await sessions.open(socket.request)
    if (!own?.user) return next(new Error('unauthorized'))
    socket.data.session = own
    next()
  } catch {
    next(new Error('unavailable')) // the store failed
  }
})

io.on('connection', (socket) => {
  const own = socket.data.session
  const stop = sessions.onDestroy(own, () => socket.disconnect(true))
  socket.on('disconnect', stop)
  socket.on('say', async (text, answer) => {
    try {
      const said = await own.update((s) => (s.said = (s.said ?? 0) + 1))
      answer(`${own.user} ${said}: ${text}`)
    } catch {
      socket.disconnect(true) // the session has ended, or the store failed
    }
  })
})

server.listen(3000)
