import type { Cluster, Redis } from 'ioredis'
import type { NodeRedisClient, NodeRedisCluster, RedisClient } from './client'

/** A connection of its own that listens to one channel, once. */
export interface Subscriber {
  /**
   * Resolves when it listens.
   *
   * @param lost - called when the connection is over
   */
  open(channel: string, heard: (message: string) => void, lost: () => void): Promise<void>
  /** Ends it, whatever it is doing. */
  close(): void
}

/**
 * A connection like those of the client, which does not come back by itself and does not keep the process alive. In a
 * cluster to any node, as each hears of what is published at any other (Redis Cluster specification, "Publish/Subscribe").
 *
 * @throws Error where a cluster knows of no node yet
 */
export function createSubscriber(client: RedisClient): Subscriber {
  if ('isCluster' in client) {
    const known = client as unknown as Redis | Cluster
    return ioredis(known.isCluster ? anyOf((known as Cluster).nodes()) : known)
  }
  return nodeRedis('slots' in client ? anyOf(nodesOf(client)) : client)
}

function ioredis(client: Redis | Cluster): Subscriber {
  const own = (client as Redis).duplicate({
    lazyConnect: true,
    autoResubscribe: false,
    enableOfflineQueue: true,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null
  })
  return {
    async open(channel, heard, lost) {
      own.on('error', () => undefined)
      own.on('end', lost)
      own.on('message', (_channel: string, message: string) => heard(message))
      await own.connect()
      own.stream.unref()
      await own.subscribe(channel)
    },
    close: () => own.disconnect()
  }
}

/** The part of a listening node-redis client that is used. */
interface NodeRedisSubscriber {
  on(event: string, listener: () => void): unknown
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  unref(): void
  destroy(): void
}

function nodeRedis(client: NodeRedisClient): Subscriber {
  const own = client.duplicate({
    socket: { ...client.options?.socket, reconnectStrategy: false, socketTimeout: undefined },
    // Its timer would keep the process alive.
    pingInterval: undefined,
    clientSideCache: undefined,
    disableOfflineQueue: false
  }) as NodeRedisSubscriber
  let isClosed = false
  const close = () => {
    isClosed = true
    try {
      own.destroy()
    } catch {
      // If it was closed before, version 5 says so.
    }
  }
  return {
    async open(channel, heard, lost) {
      own.on('error', lost)
      own.on('end', lost)
      await own.connect()
      // It goes on to connect if it is destroyed meanwhile.
      if (isClosed) return close()
      own.unref()
      await own.subscribe(channel, heard)
    },
    close
  }
}

function nodesOf({ slots }: NodeRedisCluster): NodeRedisClient[] {
  return [...new Set(slots.flatMap(({ master }) => master.client ?? []))]
}

function anyOf<T>(nodes: readonly T[]): T {
  const node = nodes[Math.floor(Math.random() * nodes.length)]
  if (node === undefined) throw new Error('the cluster has no nodes yet')
  return node
}
