import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Milliseconds that running requests may take to finish, and the store to close. */
const GRACE = 4_000

/**
 * Ends the process well on SIGTERM and SIGINT, with status 0: no new connections, what runs is answered, idle
 * connections (browsers keep them open) are closed, then `close`. Another signal changes nothing: a signal to the whole
 * process group arrives twice, by itself and passed on by npm.
 */
export function stopOnSignal(server: Server, close: () => Promise<void>): void {
  const running = new Map<Socket, number>()
  let stopping = false

  server.on('connection', (socket) => {
    running.set(socket, 0)
    socket.once('close', () => running.delete(socket))
  })
  server.on('request', ({ socket }, res) => {
    running.set(socket, (running.get(socket) ?? 0) + 1)
    res.once('close', () => {
      const left = (running.get(socket) ?? 1) - 1
      running.set(socket, left)
      if (stopping && left === 0) socket.end()
    })
  })

  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return
    stopping = true
    console.log(`${signal}: finishing what runs, then the end`)
    setTimeout(() => process.exit(0), GRACE).unref()
    server.close(() => void close().finally(() => process.exit(0)))
    for (const [socket, requests] of running) if (requests === 0) socket.end()
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
}
