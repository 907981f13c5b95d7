import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import Redis from 'ioredis'
import type { RedisCluster } from '../../support/redis-cluster'
import { eventually } from './eventually'

/** A proxy that takes its time. It is a process of its own, so that the load does not slow it down further. */
const PROGRAM = `
const { connect, createServer } = require('node:net')
const [target, delay] = process.argv.slice(1).map(Number)
process.stdin.resume().on('end', () => process.exit())
createServer((client) => {
  const server = connect(target, '127.0.0.1')
  for (const [from, to] of [[client, server], [server, client]]) {
    from.setNoDelay(true)
    from.on('data', (chunk) => setTimeout(() => to.write(chunk), delay))
    from.on('error', () => to.destroy()).on('close', () => to.destroy())
  }
}).listen(0, '127.0.0.1', function () { console.log(this.address().port) })
`

/** What lies between the primaries of a cluster and their replicas. */
export class SlowLinks {
  /** For clients: how to reach the primaries directly, whose announced addresses are those of the links. */
  readonly natMap: Record<string, { host: string; port: number }> = {}
  readonly #links: ChildProcess[] = []

  /** @param delay - milliseconds, each way */
  static async put(cluster: RedisCluster, primaries: number, delay: number): Promise<SlowLinks> {
    const slow = new SlowLinks()
    for (const [i, { host, port, url }] of cluster.nodes.slice(0, primaries).entries()) {
      const link = spawn(process.execPath, ['-e', PROGRAM, `${port}`, `${delay}`], {
        stdio: ['pipe', 'pipe', 'inherit']
      })
      slow.#links.push(link)
      const [line] = (await once(link.stdout, 'data')) as [Buffer]
      const linkPort = Number(line.toString())
      slow.natMap[`${host}:${linkPort}`] = { host, port }
      const primary = new Redis(url)
      await primary.config('SET', 'cluster-announce-port', linkPort)
      primary.disconnect()
      await replicatesFrom(cluster.nodes[i + primaries]!.url, linkPort)
    }
    return slow
  }

  /** The network of a primary is no more, and what was in it is lost. */
  cut(primary: number): void {
    this.#links[primary]!.kill('SIGKILL')
  }

  /** Nothing comes through any more, and nobody is told. */
  freeze(primary: number): void {
    this.#links[primary]!.kill('SIGSTOP')
  }

  async remove(): Promise<void> {
    for (const link of this.#links) {
      if (link.exitCode === null && link.signalCode === null) {
        const closed = once(link, 'close')
        link.kill('SIGKILL')
        await closed
      }
      ;(link.stdin as Socket).destroy()
    }
  }
}

async function replicatesFrom(url: string, port: number): Promise<void> {
  const replica = new Redis(url)
  try {
    await eventually(async () => {
      const info = await replica.info('replication')
      return info.includes(`master_port:${port}`) && info.includes('master_link_status:up')
    })
  } finally {
    replica.disconnect()
  }
}
