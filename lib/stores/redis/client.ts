import { setImmediate } from 'node:timers'
import { errorMonitor } from 'node:events'
import type { Cluster, Redis } from 'ioredis'
import { need, SessionError } from '../../errors'
import type { Connection } from './link'
import { slotOf } from './slot'

/**
 * The part of an ioredis client that tells it from others (`Redis` or `Redis.Cluster`, package `ioredis` 5 or later). The
 * whole type has a thousand methods, and TypeScript takes seconds to compare two of them.
 */
export interface IORedisClient {
  readonly status: string
  readonly isCluster: boolean
  disconnect(): unknown
}

/** The part of a node-redis client that the store needs (`createClient`, package `redis` 5 or later). */
export interface NodeRedisClient {
  readonly isOpen: boolean
  readonly isReady: boolean
  readonly options?: { readonly socket?: object } | undefined
  duplicate(overrides?: object): unknown
  sendCommand(
    args: string[],
    options?: { typeMapping?: { 36: typeof Buffer }; timeout?: number }
  ): Promise<unknown>
  on(event: string | symbol, listener: () => void): unknown
  off(event: string | symbol, listener: () => void): unknown
}

/** The part of a node-redis cluster that the store needs (`createCluster`, package `redis` 5 or later). */
export interface NodeRedisCluster {
  readonly isOpen: boolean
  readonly isReady: boolean
  readonly slots: readonly { readonly master: { readonly client?: NodeRedisClient } }[]
  sendCommand(
    firstKey: string,
    isReadonly: boolean,
    args: string[],
    options?: { typeMapping?: { 36: typeof Buffer }; timeout?: number }
  ): Promise<unknown>
}

/** A client of the application's own. */
export type RedisClient = IORedisClient | NodeRedisClient | NodeRedisCluster

/** The commands that the store sends, and what ioredis calls them when texts in the reply are to be Buffers. */
const METHODS = {
  GET: 'getBuffer',
  GETEX: 'getexBuffer',
  PEXPIRE: 'pexpireBuffer',
  PTTL: 'pttlBuffer',
  EVALSHA: 'evalshaBuffer',
  EVAL: 'evalBuffer'
} as const

export type Command = keyof typeof METHODS

/** One manner of speaking to every client. */
export interface Adapter {
  /** Sends a command; texts in the reply are Buffers. */
  send(command: Command, key: string, args: string[]): Promise<unknown>
  /** The connection that a command about the key takes, as one object of the client, always the same. */
  connectionOf(key: string): object
  connection(of: object): Connection
}

/** @throws SessionError `ERR_SESSION_OPTIONS` unless it is one of the clients that the store knows. */
export function adapt(client: RedisClient): Adapter {
  const shape = (client ?? {}) as unknown as Record<string, unknown>
  if (typeof shape.status === 'string' && typeof shape.isCluster === 'boolean') {
    return ioredis(client as unknown as Redis | Cluster)
  }
  // Pools and sentinels of node-redis take commands in another form; they have no `isReady`, or an `acquire`.
  if (typeof shape.isReady === 'boolean' && typeof shape.sendCommand === 'function' && !shape.acquire) {
    return 'slots' in shape
      ? nodeRedisCluster(client as NodeRedisCluster)
      : nodeRedis(client as NodeRedisClient)
  }
  need(
    !shape.client,
    'RedisStore takes the client first and the options second: new RedisStore(client, { prefix })'
  )
  throw new SessionError(
    'ERR_SESSION_OPTIONS',
    'RedisStore needs a client: new RedisStore(new Redis(url)) with ioredis (Redis or Redis.Cluster), or a client ' +
      "that createClient or createCluster of the package 'redis' made; RedisStore.connect(url) makes one by itself"
  )
}

function ioredis(client: Redis | Cluster): Adapter {
  return {
    // Not `callBuffer`: with auto-pipelining that loses the name of the command.
    send: (command, _key, args) =>
      (client as unknown as Record<string, (...args: string[]) => Promise<unknown>>)[METHODS[command]]!(
        ...args
      ),
    connectionOf: (key) => (client.isCluster ? nodeOf(client as Cluster, key) : client),
    connection: (of) => ioredisConnection(of as Redis | Cluster)
  }
}

/** The node that a cluster would send a command to, which has a queue and a state of its own. */
function nodeOf(cluster: Cluster, key: string): Redis | Cluster {
  if (cluster.status !== 'ready') return cluster
  const address = cluster.slots[slotOf((cluster.options.keyPrefix ?? '') + key)]?.[0]
  const node = cluster.nodes('master').find(({ options }) => `${options.host}:${options.port}` === address)
  // While a lost primary is tried again and again, nobody tells the client that another one took its place.
  if (node?.status === 'reconnecting') cluster.refreshSlotsCache()
  return node ?? cluster
}

function ioredisConnection(client: Redis | Cluster): Connection {
  return {
    // A socket whose end was seen keeps the state 'ready' for a moment, and commands go to the queue.
    ready: () => client.status === 'ready' && (client as Partial<Redis>).stream?.writable !== false,
    gather: () => gather((client as Partial<Redis>).stream),
    state: () => client.status + overTls(client.options as Redis['options']),
    settled: () => {
      if (client.status === 'wait') client.connect().catch(() => undefined)
      if (client.status === 'end') return Promise.resolve()
      return new Promise((resolve) => {
        let trying = client.status === 'connecting' || client.status === 'connect'
        const listeners: Record<string, () => void> = {
          connecting: () => (trying = true),
          ready: () => finish(),
          end: () => finish(),
          close: () => trying && finish()
        }
        const finish = (): void => {
          for (const [event, listener] of Object.entries(listeners)) client.off(event, listener)
          resolve()
        }
        for (const [event, listener] of Object.entries(listeners)) client.on(event, listener)
      })
    }
  }
}

/** ioredis makes a system call for each command; node-redis gathers them by itself. */
function gather(stream: Redis['stream'] | undefined): void {
  if (!stream || stream.writableCorked > 0) return
  stream.cork()
  setImmediate(() => stream.uncork())
}

/**
 * Texts as bytes: whether they are UTF-8 is for the store to see. 36 is `$`, the type of such a reply. The session has a
 * budget of its own, so that the client's timer and signal for each command would be paid for nothing.
 */
const OPTIONS = { typeMapping: { 36: Buffer }, timeout: 0 }

function nodeRedis(client: NodeRedisClient): Adapter {
  return {
    send: (command, _key, args) => client.sendCommand([command, ...args], OPTIONS),
    connectionOf: () => client,
    connection: (of) => nodeRedisConnection(of as NodeRedisClient)
  }
}

function nodeRedisCluster(cluster: NodeRedisCluster): Adapter {
  return {
    send: (command, key, args) => cluster.sendCommand(key, false, [command, ...args], OPTIONS),
    connectionOf: (key) => (cluster.isReady ? cluster.slots[slotOf(key)]?.master.client : null) ?? cluster,
    connection: (of) =>
      // A cluster that fails to connect tells only the caller of `connect`, so there is nothing to wait for.
      of === cluster
        ? { ...state(cluster), settled: () => Promise.resolve() }
        : nodeRedisConnection(of as NodeRedisClient)
  }
}

function nodeRedisConnection(client: NodeRedisClient): Connection {
  return {
    ...state(client),
    settled: () => {
      if (!client.isOpen) return Promise.resolve()
      return new Promise((resolve) => {
        const events = ['ready', 'end', errorMonitor]
        const finish = (): void => {
          for (const event of events) client.off(event, finish)
          resolve()
        }
        for (const event of events) client.on(event, finish)
      })
    }
  }
}

const state = (client: NodeRedisClient | NodeRedisCluster): Omit<Connection, 'settled'> => ({
  ready: () => client.isReady,
  gather: () => undefined,
  state: () =>
    client.isOpen
      ? `connecting${overTls((client as Partial<NodeRedisClient>).options?.socket)}`
      : 'closed: `await client.connect()` comes first'
})

/** A server without TLS keeps a client waiting that begins with it, and says nothing. */
const overTls = (options: { readonly tls?: unknown } = {}): string => (options.tls ? ' over TLS' : '')
