import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const BINARY = process.env.POSTGRES_BIN ?? 'postgres'

/** The server's first argument is its directory. It ends with the input of this script, so also when a test run dies. */
const SCRIPT = '"$@" & read -r line; kill -QUIT $!; wait $!; rm -rf "$0"'

export interface PostgresServer {
  /** How clients connect: by a socket in the server's own directory, so that there is no port to find. */
  readonly connection: { host: string; user: string; database: string }
  /** Ends it and removes its directory. */
  stop(): Promise<void>
}

/** Starts a real PostgreSQL with an empty database, in a directory of its own, and waits until it answers. */
export async function startPostgres(): Promise<PostgresServer> {
  const directory = await mkdtemp(join(tmpdir(), 'pg-'))
  const user = await otherUser(directory)
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true })
  try {
    const initdb = join(dirname(BINARY), 'initdb')
    const how = ['--no-sync', '--auth=trust', '--username=holdfast', '--encoding=UTF8', '--locale=C']
    await finished(spawn(initdb, ['-D', directory, ...how], user))
    const server = start(directory, user)
    await ready(server)
    return {
      connection: { host: directory, user: 'holdfast', database: 'postgres' },
      stop: async () => {
        const closed = once(server, 'close')
        server.stdin!.end()
        await closed
        await remove()
      }
    }
  } catch (error) {
    await remove()
    throw error
  }
}

function start(directory: string, user: SpawnOptions): ChildProcess {
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${directory}`,
    'fsync=off',
    'shared_buffers=8MB'
  ]
  const args = ['-D', directory, ...settings.flatMap((setting) => ['-c', setting])]
  return spawn('sh', ['-c', SCRIPT, directory, BINARY, ...args], { ...user, detached: true })
}

/** PostgreSQL refuses to run as root: there it runs as its own user, to whom the directory is given. */
async function otherUser(directory: string): Promise<SpawnOptions> {
  if (process.getuid?.() !== 0) return { cwd: directory }
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres']))) as [
    number,
    number
  ]
  await chown(directory, uid, gid)
  return { cwd: directory, uid, gid }
}

async function ready(server: ChildProcess): Promise<void> {
  let output = ''
  for await (const chunk of server.stderr!.iterator({ destroyOnReturn: false })) {
    output += String(chunk)
    if (output.includes('ready to accept connections')) break
    if (output.includes('FATAL')) throw new Error(`postgres did not start: ${output}`)
  }
  server.stderr!.resume()
}

async function finished(child: ChildProcess): Promise<void> {
  let output = ''
  child.stdout!.resume()
  child.stderr!.on('data', (chunk) => (output += String(chunk)))
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new Error(`initdb failed: ${output}`)
}
