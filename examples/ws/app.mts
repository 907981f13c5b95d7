import { createServer, type IncomingMessage } from 'node:http'
import express from 'express'
import session from 'holdfast'
import { RedisStore } from 'holdfast/redis'
import { WebSocketServer } from 'ws'

declare module 'holdfast' {
  interface SessionData {
    user?: string
    said?: number
  }
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
const sockets = new WebSocketServer({ noServer: true })

server.on('upgrade', async (req, socket, head) => {
  socket.on('error', console.error)
  try {
    const own = isOwnPage(req) ? await sessions.open(req) : null
    if (!own?.user) return void socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
    sockets.handleUpgrade(req, socket, head, (ws) => {
      const stop = sessions.onDestroy(own, () => ws.close(4401, 'logged out'))
      ws.on('close', stop)
      ws.on('error', console.error)
      ws.on('message', async (data) => {
        try {
          const said = await own.update((s) => (s.said = (s.said ?? 0) + 1))
          ws.send(`${own.user} ${said}: ${String(data)}`)
        } catch {
          ws.close(1011, 'not said') // the session has ended, or the store failed
        }
      })
    })
  } catch {
    socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n')
  }
})

server.listen(3000)

/** Browsers let every page open a WebSocket to every server, and say which page it was. */
function isOwnPage({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}
