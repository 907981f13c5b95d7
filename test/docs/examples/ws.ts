import { createServer, type IncomingMessage, type Server } from 'node:http'
import express from 'express'
import session, { type Session, type SessionData, type Store } from '../../../lib/index'
import { WebSocketServer, type WebSocket } from 'ws'

declare module '../../../lib/index' {
  interface SessionData {
    userinfo?: string
    said?: number
  }
}

export function createChat(store: Store): Server {
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
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', async (req, socket, head) => {
    socket.on('error', console.error)
    try {
      const found = isOwnPage(req) ? await sessions.open(req) : null
      if (!found?.userinfo) return void socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
      sockets.handleUpgrade(req, socket, head, (ws) => talk(ws, found))
    } catch {
      socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n') // the store could not say
    }
  })

  function talk(ws: WebSocket, own: Session & Partial<SessionData>): void {
    const stop = sessions.onDestroy(own, () => ws.close(4401, 'the session has ended'))
    ws.on('close', stop)
    ws.on('error', console.error)
    ws.on('message', async (data) => {
      try {
        const said = await own.update((s) => (s.said = (s.said ?? 0) + 1))
        ws.send(`${own.userinfo} ${said}: ${(data as Buffer).toString()}`)
      } catch {
        ws.close(1011, 'not said') // the session has ended, or the store failed
      }
    })
  }
  return server
}

/** Browsers let every page open a WebSocket to every server, and tell which page it was. */
function isOwnPage({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}
