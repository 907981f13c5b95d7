import { isUtf8 } from 'node:buffer'
/** @ts-ignore: without ioredis, an optional peer, these are `any` for those who read the declarations. */
import type { Redis, RedisOptions } from 'ioredis'
import { SessionError } from '../../errors'
import { adapt, type Adapter, type RedisClient } from './client'
import { openRedis } from './connect'
import { commandError, CommandError } from './command-error'
import { Link } from './link'
import { DESTROY, SET, type Script } from './script'
import { RedisUsers } from './redis-users'
import { messageOf, RedisWatch } from './redis-watch'
import type { Ended, SessionIndex, SetResult, Store } from '../store'
import { wholeMilliseconds } from '../ttl'

export type { NodeRedisClient, NodeRedisCluster, RedisClient } from './client'

/** Options of {@link RedisStore}. */
export interface RedisStoreOptions {
  /** What the name of each key begins with; the session id follows. Default `SESSION:`. */
  prefix?: string | undefined
}

/** What `get` and a conflict answer for a key that holds something else than a text. No session looks like it. */
const NOT_A_TEXT = 'not a text'

/** What `PTTL` answers for a key without an end. */
const FOR_EVER = -1

/**
 * Keeps sessions in Redis 6.2 or later, or Valkey, one key for each. Reading and renewing is one command (`GETEX`), and
 * so is the conditional write (a script). Nothing is sent while the client is not ready.
 *
 * A client that an application brings should fail fast, as the one of {@link RedisStore.connect} does; otherwise it may
 * send a write again when the connection is back, after the request was answered with 503:
 *
 * - ioredis `Redis`: `{ enableOfflineQueue: false, maxRetriesPerRequest: 0, socketTimeout: 3000 }`; with Sentinel also
 *   `reconnectOnError: (error) => error.message.startsWith('READONLY')`.
 * - ioredis `Cluster`: `{ enableOfflineQueue: false, retryDelayOnFailover: 0, retryDelayOnClusterDown: 0, redisOptions: {
 *   maxRetriesPerRequest: 0, socketTimeout: 3000 } }`. Leave `scaleReads` at `'master'` (a replica does not have the
 *   latest write yet), and `clusterNodeRetryStrategy` out.
 * - node-redis: `{ disableOfflineQueue: true, pingInterval: 1000, socket: { socketTimeout: 3000, reconnectStrategy:
 *   (retries) => Math.min(50 * 2 ** retries, 1000) } }`; for a cluster these are its `defaults`, with
 *   `topologyRefreshOnReconnectionAttemptStrategy: 1000` beside them. Its `keyPrefix` is not used.
 *
 * @example
 * ```ts
 * app.use(session({ secret, store: new RedisStore(new Redis(process.env.REDIS_URL)) }))
 * ```
 */
export class RedisStore<Client extends RedisClient = RedisClient> implements Store {
  readonly contract = 1
  /** The client in use. */
  readonly client: Client
  /** In a sorted set for each user, next to the sessions: `SESSION:user:<user>`. */
  readonly index: SessionIndex
  readonly #prefix: string
  readonly #channel: string
  readonly #watch: RedisWatch
  readonly #adapter: Adapter
  readonly #links = new WeakMap<object, Link>()
  #close: (() => Promise<void>) | undefined
  #trouble = ''

  /**
   * @param client - A `Redis` or `Cluster` of ioredis, or what `createClient` or `createCluster` of node-redis made.
   * @throws SessionError `ERR_SESSION_OPTIONS` where it is something else.
   */
  constructor(client: Client, { prefix = 'SESSION:' }: RedisStoreOptions = {}) {
    if (typeof prefix !== 'string') {
      throw new SessionError('ERR_SESSION_OPTIONS', 'RedisStore: prefix must be a string')
    }
    this.#adapter = adapt(client)
    this.client = client
    this.#prefix = prefix
    this.index = new RedisUsers(
      prefix,
      (script, key, args) => this.#runScript(script, key, args),
      (key) => this.#adapter.connectionOf(key)
    )
    this.#channel = `${prefix}ended`
    this.#watch = new RedisWatch(client, this.#channel)
  }

  /**
   * A store with an ioredis client of its own, which connects in the background and again whenever it has to.
   *
   * @param target - A URL (`redis://`, `rediss://`), or options of ioredis, Sentinel's included. They go before
   *   {@link CONNECT_DEFAULTS}.
   * @throws SessionError `ERR_SESSION_OPTIONS` where ioredis is not installed.
   */
  static connect(target: string | RedisOptions, options?: RedisStoreOptions): RedisStore<Redis> {
    const client = openRedis(target)
    const store = new RedisStore(client, options)
    client.on('error', (error: Error) => (store.#trouble = error.message))
    client.on('ready', () => (store.#trouble = ''))
    store.#close = () => closeRedis(client)
    return store
  }

  async get(id: string, ttl?: number): Promise<string | null> {
    const key = this.#prefix + id
    const life = ttl === undefined ? undefined : wholeMilliseconds(ttl)
    try {
      return textOf(
        life === undefined
          ? await this.#run('get', key, [key], true)
          : await this.#run('getex', key, [key, 'PX', life], true)
      )
    } catch (error) {
      if (error instanceof CommandError && error.reply === 'WRONGTYPE') return NOT_A_TEXT
      throw error
    }
  }

  async set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult> {
    const key = this.#prefix + id
    const args = [text, wholeMilliseconds(ttl), ...(expected === null ? [] : [expected])]
    try {
      const reply = await this.#runScript(SET, key, args)
      return Number(reply) === 1 && !Buffer.isBuffer(reply) ? { id } : { conflict: textOf(reply) }
    } catch (error) {
      if (error instanceof CommandError && error.reply === 'WRONGTYPE') return { conflict: NOT_A_TEXT }
      throw error
    }
  }

  /** The client, or in a cluster that of the node which keeps the session. */
  nodeOf(id: string): object {
    return this.#adapter.connectionOf(this.#prefix + id)
  }

  async touch(id: string, ttl: number): Promise<boolean> {
    const key = this.#prefix + id
    return Number(await this.#run('pexpire', key, [key, wholeMilliseconds(ttl)])) === 1
  }

  async destroy(id: string, successor?: string): Promise<boolean> {
    const message = messageOf(successor === undefined ? { id } : { id, successor })
    return Number(await this.#runScript(DESTROY, this.#prefix + id, [this.#channel, message])) === 1
  }

  async life(id: string): Promise<number | null> {
    const key = this.#prefix + id
    const life = Number(await this.#run('pttl', key, [key], true))
    return life >= 0 ? life : life === FOR_EVER ? Infinity : null
  }

  /**
   * Listens over a connection of its own, like those of the client (in a cluster to one of the nodes), from the first who
   * watches to the last. It does not keep the process alive, and connects again whenever it has to.
   */
  watch(listener: (ended: Ended) => void, resumed: () => void): () => void {
    return this.#watch.watch(listener, resumed)
  }

  /**
   * Stops watching, for good, and closes the client that {@link RedisStore.connect} made; one that the application brought is left
   * alone.
   */
  async close(): Promise<void> {
    this.#watch.close()
    await this.#close?.()
  }

  async #runScript({ sha, text }: Script, key: string, args: (string | number)[]): Promise<unknown> {
    try {
      return await this.#run('evalsha', key, [sha, 1, key, ...args])
    } catch (error) {
      if (!(error instanceof CommandError && error.reply === 'NOSCRIPT')) throw error
      return this.#run('eval', key, [text, 1, key, ...args])
    }
  }

  /**
   * Sends a command, and once more after the connection is back where that is safe: a read that got no answer, and
   * whatever a demoted primary refused.
   */
  async #run(command: string, key: string, args: (string | number)[], read = false): Promise<unknown> {
    try {
      const opening = this.#link(key).open()
      if (opening) await opening
      try {
        return await this.#adapter.send(command, key, args)
      } catch (cause) {
        const { reply } = commandError(cause, key)
        if (reply === undefined ? !read : reply !== 'READONLY') throw cause
        await this.#link(key).reopen()
        return await this.#adapter.send(command, key, args)
      }
    } catch (cause) {
      throw commandError(cause, key, this.#trouble)
    }
  }

  #link(key: string): Link {
    const connection = this.#adapter.connectionOf(key)
    let link = this.#links.get(connection)
    if (!link) this.#links.set(connection, (link = new Link(this.#adapter.connection(connection))))
    return link
  }
}

function textOf(reply: unknown): string | null {
  if (reply === null) return null
  return Buffer.isBuffer(reply) && isUtf8(reply) ? reply.toString() : NOT_A_TEXT
}

/** Lets what was sent before be answered. */
async function closeRedis(client: Redis): Promise<void> {
  if (client.status !== 'ready') return client.disconnect()
  const ended = new Promise((resolve) => client.once('end', resolve))
  await client.quit().catch(() => client.disconnect())
  await ended
}
