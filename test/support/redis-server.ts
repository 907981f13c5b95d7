import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const HOST = '127.0.0.1'
const BINARY = process.env.REDIS_SERVER_BIN ?? 'redis-server'
/** How long a server may take to come up on a slow and busy machine, in milliseconds. */
const DEADLINE = 30_000

export interface RedisOptions {
  /** More arguments, such as `'--requirepass', 'x'`. They win over the defaults (no persistence). */
  args?: string[]
  /** The port to listen on. Default: a free one. */
  port?: number
  /** Runs as a node of a cluster, see {@link startCluster}. */
  cluster?: boolean
  /** Runs as a Sentinel with these lines of configuration; `args` are not used then. */
  sentinel?: readonly string[]
}

/** A real `redis-server` in a directory of its own. It dies with this process, however this process dies. */
export class RedisServer {
  readonly host = HOST
  readonly directory: string
  port = 0
  /** The port of the cluster bus; 0 outside of clusters. */
  busPort = 0
  /** What it printed since it was started last. */
  output = ''
  readonly #options: RedisOptions
  #child: ChildProcess | undefined
  #guard: ChildProcess | undefined

  /** Use {@link startRedis}. */
  constructor(directory: string, options: RedisOptions) {
    this.directory = directory
    this.#options = options
  }

  get url(): string {
    return `redis://${HOST}:${this.port}`
  }

  get running(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (!pid) throw new Error('redis-server is not running')
    return pid
  }

  /** Starts it, on the port that it had before; a server that is new takes a free one. */
  async start(more: string[] = []): Promise<this> {
    const fixed = this.port || this.#options.port
    for (let attempt = 1; ; attempt++) {
      this.port = fixed ?? (await freePort())
      if (this.#options.cluster) this.busPort = fixed ? this.busPort : await freePort()
      this.#spawn([...this.#arguments(), ...(this.#options.args ?? []), ...more])
      try {
        await this.#untilReady()
        return this
      } catch (error) {
        await this.kill()
        if (attempt === 10 || !/in use/i.test(this.output)) throw error
        if (fixed) await sleep(100)
      }
    }
  }

  /** Ends it at once, as a crash does. Its directory stays, and so does its port. */
  async kill(): Promise<void> {
    const { running } = this
    const child = this.#child
    if (!child) return
    this.#child = undefined
    if (running) {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
    this.#guard?.stdin?.end('done\n')
  }

  /** A crash, and a start on the same port and directory. */
  async restart(more: string[] = []): Promise<void> {
    await this.kill()
    await this.start(more)
  }

  /** Takes the processor away: connections stay open, nothing is answered. On Linux it has stopped on return. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP')
    const state = `/proc/${this.pid}/stat`
    while (existsSync(state) && !/\) [Tt] /.test(readFileSync(state, 'latin1')));
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  /** Ends it and removes its directory. */
  async stop(): Promise<void> {
    await this.kill()
    await rm(this.directory, { recursive: true, force: true })
  }

  #arguments(): string[] {
    const { sentinel } = this.#options
    if (sentinel) {
      const file = join(this.directory, 'sentinel.conf')
      writeFileSync(
        file,
        [`bind ${HOST}`, `port ${this.port}`, `dir ${this.directory}`, ...sentinel].join('\n')
      )
      return [file, '--sentinel']
    }
    const bus = [
      '--cluster-port',
      `${this.busPort}`,
      '--cluster-announce-ip',
      HOST,
      '--cluster-node-timeout',
      '2000'
    ]
    return [
      ...['--bind', HOST, '--port', `${this.port}`, '--dir', this.directory, '--daemonize', 'no'],
      ...['--save', '', '--appendonly', 'no', '--loglevel', 'notice'],
      ...(this.#options.cluster ? ['--cluster-enabled', 'yes', ...bus] : [])
    ]
  }

  #spawn(args: string[]): void {
    this.output = ''
    const child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.on('error', (error) => (this.output += error.message))
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
      unref(stream)
    }
    child.unref()
    this.#child = child
    if (child.pid) this.#guard = guard(child.pid, this.directory)
  }

  async #untilReady(): Promise<void> {
    const end = Date.now() + DEADLINE
    while (Date.now() < end) {
      if (!this.#child?.pid || !this.running) break
      // The line proves that the port is its own, the answer that it can be reached.
      if (/Server initialized|Ready to accept|Sentinel ID is/.test(this.output) && (await answers(this.port)))
        return
      await sleep(10)
    }
    throw new Error(`${BINARY} did not start on port ${this.port}: ${this.output.slice(-2000)}`)
  }
}

/** Starts a `redis-server` on a free port of 127.0.0.1 and waits until it answers. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const server = new RedisServer(await mkdtemp(join(tmpdir(), 'holdfast-redis-')), options)
  try {
    return await server.start()
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** A port that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST)
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

/**
 * A process that waits for the end of this one, seen by the end of its input, and then ends the server and removes the
 * directory. It is in a group of its own, so that it outlives what ends this one and all its children.
 */
function guard(pid: number, directory: string): ChildProcess {
  const script = 'read line || { kill -9 "$0"; sleep 1; rm -rf "$1"; }'
  const process = spawn('sh', ['-c', script, String(pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true
  })
  process.stdin.on('error', () => undefined)
  unref(process.stdin)
  process.unref()
  return process
}

/** Lets this process end although the pipe is open; the types of Node do not know that it is a socket. */
function unref(pipe: unknown): void {
  ;(pipe as { unref(): void }).unref()
}

/** Whether a Redis answers on the port; an error such as LOADING or NOAUTH is an answer. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, HOST)
  try {
    return await new Promise<boolean>((resolve) => {
      socket.on('error', () => resolve(false))
      socket.on('close', () => resolve(false))
      socket.on('data', () => resolve(true))
      socket.setTimeout(1000, () => resolve(false))
      socket.write('PING\r\n')
    })
  } finally {
    socket.destroy()
  }
}
