import { setTimeout as sleep } from 'node:timers/promises'
import Redis from 'ioredis'
import type { NodeRedisCluster } from '../../lib/redis'
import { type RedisServer, startRedis } from './redis-server'

const SLOTS = 16_384
/** How long the nodes may take to agree, in milliseconds. */
const DEADLINE = 60_000

/** A cluster of node-redis, of which TypeScript takes half a minute to compare the whole type with another. */
export interface NodeCluster extends NodeRedisCluster {
  connect(): Promise<unknown>
  destroy(): void
}

export interface RedisCluster {
  /** The nodes: first the primaries, then their replicas in the same order. */
  readonly nodes: readonly RedisServer[]
  /** Ends all nodes and removes their directories. */
  stop(): Promise<void>
}

/** Starts a real Redis Cluster, each primary with a third (or so) of the slots, and waits until all nodes agree. */
export async function startCluster({
  primaries = 3,
  replicas = 0,
  args = [] as string[]
} = {}): Promise<RedisCluster> {
  const started = await Promise.allSettled(
    Array.from({ length: primaries * (1 + replicas) }, () => startRedis({ cluster: true, args }))
  )
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const clients = nodes.map(({ port, host }) => new Redis({ port, host }))
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason
    await join(nodes, clients, primaries)
    return { nodes, stop }
  } catch (error) {
    await stop()
    throw error
  } finally {
    for (const client of clients) client.disconnect()
  }
}

async function join(nodes: RedisServer[], clients: Redis[], primaries: number): Promise<void> {
  const first = clients[0]!
  for (const [i, client] of clients.entries()) {
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
    if (i < primaries) {
      const [from, to] = [i, i + 1].map((n) => Math.ceil((n * SLOTS) / primaries)) as [number, number]
      await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to - 1)
    }
    if (i > 0) await first.call('CLUSTER', 'MEET', nodes[i]!.host, nodes[i]!.port, nodes[i]!.busPort)
  }
  await agreed(clients, 'CLUSTER', `cluster_known_nodes:${nodes.length}`)
  for (const [i, client] of clients.entries()) {
    if (i < primaries) continue
    const primary = (await clients[i % primaries]!.call('CLUSTER', 'MYID')) as string
    await client.call('CLUSTER', 'REPLICATE', primary)
  }
  await agreed(clients.slice(primaries), 'INFO', 'master_link_status:up')
  await agreed(clients, 'CLUSTER', 'cluster_state:ok')
}

/** Waits until each node says so, in the answer to `CLUSTER INFO` or `INFO`. */
async function agreed(clients: Redis[], command: 'CLUSTER' | 'INFO', line: string): Promise<void> {
  const end = Date.now() + DEADLINE
  for (const client of clients) {
    for (;;) {
      const info = (await (command === 'INFO' ? client.info() : client.call('CLUSTER', 'INFO'))) as string
      if (info.split('\r\n').includes(line)) break
      if (Date.now() > end) throw new Error(`the cluster did not come up: no ${line} in ${info}`)
      await sleep(50)
    }
  }
}
