import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** Commands that clients send for themselves, not for a session. */
const BOOKKEEPING = ['info', 'hello', 'client', 'select', 'config', 'script', 'ping', 'quit', 'flushall']
/** Says that Redis has seen all that came before. */
const MARK = 'all was sent'
/** The question for the counters, on the wire. It and the answer to the one before count as well. */
const INFO = '*2\r\n$4\r\ninfo\r\n$3\r\nall\r\n'

/** A `redis-server` of our own on a free port, with nothing on disk, that ends with this process. */
export class RedisProcess {
  #server
  #onExit
  #directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))

  static async start(binary) {
    const redis = new RedisProcess()
    const port = await freePort()
    redis.#onExit = () => redis.#clean()
    const args = ['--port', port, '--bind', '127.0.0.1', '--dir', redis.#directory, '--save', '']
    redis.#server = spawn(binary, args, { stdio: 'ignore' })
    process.on('exit', redis.#onExit)
    redis.url = `redis://127.0.0.1:${port}`
    redis.client = new Redis(redis.url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
    // It is not up yet: the client tries again.
    redis.client.on('error', () => undefined)
    await Promise.race([redis.client.ping(), once(redis.#server, 'exit')])
    if (redis.#server.exitCode !== null) throw new Error('redis-server ended at once')
    redis.version = (await redis.info()).redis_version
    return redis
  }

  /** What Redis tells of itself, by name. */
  async info() {
    return parse(await this.client.info('all'))
  }

  /** The bytes on the wire that `run` made Redis read and write, and how often it read from a socket. */
  async traffic(run) {
    const before = await this.#count()
    await run()
    const after = await this.#count()
    return {
      bytesIn: after.bytesIn - before.bytesIn - INFO.length,
      bytesOut: after.bytesOut - before.bytesOut - before.answer,
      reads: after.reads - before.reads - 1
    }
  }

  /** How many commands clients sent during `run`. Commands of scripts are not counted: they are no round trips. */
  async commandsDuring(run) {
    const monitor = await this.client.monitor()
    let commands = 0
    const ended = new Promise((resolve) =>
      monitor.on('monitor', (_time, [name, text], source) => {
        if (text === MARK) resolve()
        else if (source !== 'lua' && !BOOKKEEPING.includes(name.toLowerCase())) commands++
      })
    )
    try {
      await run()
      await this.client.echo(MARK)
      await ended
      return commands
    } finally {
      monitor.disconnect()
    }
  }

  async stop() {
    this.client.disconnect()
    const ended = once(this.#server, 'exit')
    this.#server.kill()
    await ended
    this.#clean()
    process.off('exit', this.#onExit)
  }

  async #count() {
    const text = await this.client.info('all')
    const info = parse(text)
    const bytes = Buffer.byteLength(text)
    return {
      // As RESP3 writes it.
      answer: `=${bytes + 4}\r\ntxt:`.length + bytes + '\r\n'.length,
      bytesIn: Number(info.total_net_input_bytes),
      bytesOut: Number(info.total_net_output_bytes),
      reads: Number(info.total_reads_processed)
    }
  }

  #clean() {
    this.#server.kill()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function parse(info) {
  const lines = info.split('\r\n').filter((line) => line.includes(':'))
  return Object.fromEntries(lines.map((line) => line.split(':')))
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}
