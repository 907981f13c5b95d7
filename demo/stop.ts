import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Milliseconds that running requests may take to finish, and the store to close. */
const GRACE = 4_000

/**
 * Ends the process well on SIGTERM and SIGINT, with status 0: no new connections, what runs is answered, idle
 * connections (browsers keep them open) are closed, then `close`. Another signal changes nothing: a signal to the whole
 * process group arrives twice, by itself and passed on by npm.
 */
export function stopOnSignal(server: Server, close: () => Promise<void>): void {
  const running = new Map<Socket, Set<ServerResponse>>()
  let stopping = false

  server.on('connection', (socket) => {
    running.set(socket, new Set())
    socket.once('close', () => running.delete(socket))
  })
  server.on('request', ({ socket }, res) => {
    const responses = running.get(socket)
    responses?.add(res)
    res.once('close', () => {
      responses?.delete(res)
      if (stopping && responses?.size === 0) socket.end()
    })
  })

  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return
    stopping = true
    console.log(`${signal}: finishing what runs, then the end`)
    setTimeout(() => process.exit(0), GRACE).unref()
    server.close(() => void close().finally(() => process.exit(0)))
    for (const [socket, responses] of running) {
      if (responses.size === 0) socket.end()
      // A stream of events has no end of its own.
      for (const res of responses) {
        if (String(res.getHeader('Content-Type')).startsWith('text/event-stream')) res.end()
      }
    }
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
}
