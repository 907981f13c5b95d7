import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** Commands that clients send for themselves, not for a session. */
const BOOKKEEPING = ['info', 'hello', 'client', 'select', 'config', 'script', 'ping', 'quit', 'flushall']
/** The question for the counters, on the wire. It and the answer to the one before count as well. */
const INFO = '*2\r\n$4\r\ninfo\r\n$3\r\nall\r\n'

/** A `redis-server` of our own on a free port, with nothing on disk, that ends with this process. */
export class RedisProcess {
  #server
  #directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))

  static async start(binary) {
    const redis = new RedisProcess()
    const port = await freePort()
    const args = ['--port', port, '--bind', '127.0.0.1', '--dir', redis.#directory, '--save', '']
    redis.#server = spawn(binary, args, { stdio: 'ignore' })
    process.on('exit', () => redis.#clean())
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

  /** What `run` made Redis do: its commands, the bytes on the wire, and how often Redis read from a socket. */
  async during(run) {
    const before = await this.#count()
    const result = await run()
    const after = await this.#count()
    return {
      result,
      commands: commandsBetween(before.calls, after.calls),
      bytesIn: after.bytesIn - before.bytesIn - INFO.length,
      bytesOut: after.bytesOut - before.bytesOut - before.answer,
      reads: after.reads - before.reads - 1
    }
  }

  async stop() {
    this.client.disconnect()
    const ended = once(this.#server, 'exit')
    this.#server.kill()
    await ended
    this.#clean()
  }

  async #count() {
    const text = await this.client.info('all')
    const info = parse(text)
    const calls = Object.entries(info)
      .filter(([key]) => key.startsWith('cmdstat_'))
      .map(([key, value]) => [key.slice('cmdstat_'.length), Number(/calls=(\d+)/.exec(value)[1])])
      .filter(([name]) => !BOOKKEEPING.includes(name.split('|')[0]))
    const bytes = Buffer.byteLength(text)
    return {
      // As RESP3 writes it.
      answer: `=${bytes + 4}\r\ntxt:`.length + bytes + '\r\n'.length,
      bytesIn: Number(info.total_net_input_bytes),
      bytesOut: Number(info.total_net_output_bytes),
      reads: Number(info.total_reads_processed),
      calls: Object.fromEntries(calls)
    }
  }

  #clean() {
    this.#server.kill()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** Commands that clients sent. What a script ran is counted by Redis too: one GET each time, and every SET there is. */
function commandsBetween(before, after) {
  const calls = (name) => (after[name] ?? 0) - (before[name] ?? 0)
  const scripts = calls('evalsha') + calls('eval')
  const all = Object.keys(after).reduce((sum, name) => sum + calls(name), 0)
  return scripts > 0 ? all - scripts - calls('set') : all
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
