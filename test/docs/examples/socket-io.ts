import { createServer, type Server as HttpServer } from 'node:http'
import express from 'express'
import session, { type Session, type SessionData, type Store } from '../../../lib/index'
import { Server } from 'socket.io'

declare module '../../../lib/index' {
  interface SessionData {
    userinfo?: string
    said?: number
  }
}

interface Events {
  say: (text: string, answer: (line: string) => void) => void
}
interface SocketData {
  session: Session & Partial<SessionData>
}

export function createChat(store: Store): HttpServer {
  const sessions = session({ secret: process.env.SECRET!, store })
  const app = express()
  app.use(express.json(), sessions)
  app.post('/login', async (req, res) => {
    const fresh = await req.session.regenerate()
    fresh.userinfo = req.body.usr
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
      const found = await sessions.open(socket.request)
      if (!found?.userinfo) return next(new Error('unauthorized'))
      socket.data.session = found
      next()
    } catch {
      next(new Error('unavailable')) // the store could not say
    }
  })
  io.on('connection', (socket) => {
    const own = socket.data.session
    const stop = sessions.onDestroy(own, () => socket.disconnect(true))
    socket.on('disconnect', stop)
    socket.on('say', async (text, answer) => {
      try {
        const said = await own.update((s) => (s.said = (s.said ?? 0) + 1))
        answer(`${own.userinfo} ${said}: ${text}`)
      } catch {
        socket.disconnect(true) // the session has ended, or the store failed
      }
    })
  })
  return server
}
