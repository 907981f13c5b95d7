import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import type Redis from 'ioredis'

/**
 * Calls `seen` with each command that the server of this client gets, from wherever it comes, until the test calls the
 * function that this resolves to. It has a socket of its own: ioredis fails if the first command arrives in the packet
 * that begins its monitor.
 */
export async function monitor(
  { options: { host, port } }: Redis,
  seen: (args: string[], source: string) => void
): Promise<() => void> {
  const socket = connect({ host, port: port! })
  const lines = createInterface({ input: socket })
  socket.write('MONITOR\r\n')
  await once(lines, 'line')
  lines.on('line', (line: string) => {
    const [, source = ''] = /^\+\S+ \[\d+ ([^\]]*)\]/.exec(line) ?? []
    seen(
      Array.from(line.matchAll(/"((?:\\.|[^"\\])*)"/g), ([, text]) => text!),
      source
    )
  })
  return () => socket.destroy()
}
