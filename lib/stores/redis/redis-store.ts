import { isUtf8 } from 'node:buffer'
/** @ts-ignore: without ioredis, an optional peer, these are `any` for those who read the declarations. */
import type { Redis, RedisOptions } from 'ioredis'
import { need, needKnown } from '../../errors'
import { adapt, type Adapter, type Command, type RedisClient } from './client'
import { isSelect, openRedis } from './connect'
import { commandError, reasonOf } from './command-error'
import { Link } from './link'
import { DESTROY, NOTIFY, SET, type Script } from './script'
import { RedisUsers } from './redis-users'
import { RedisWatch } from './redis-watch'
import {
  NO_CALLBACK,
  wholeMilliseconds,
  type DestroyResult,
  type Ended,
  type SessionIndex,
  type SetResult,
  type Store
} from '../store'

export type { IORedisClient, NodeRedisClient, NodeRedisCluster, RedisClient } from './client'

/** Options of {@link RedisStore}. */
export interface RedisStoreOptions {
  /** The prefix of each key, in front of the session id. Default `SESSION:`. */
  prefix?: string | undefined
}

/** The answer of `get` and of a conflict for a key that holds something else than a text. No session looks like it. */
const NOT_A_TEXT = 'not a text'

/** The answer of `PTTL` for a key without an end. */
const FOR_EVER = -1

/** How long it is kept under which id a session lives on, for those who hear that it moved, in milliseconds. */
const MOVED_TTL = 60_000

/** A command, and how its reply is read. */
interface Call<T> {
  readonly command: Command
  readonly key: string
  readonly args: string[]
  readonly answer: (reply: unknown) => T
  /** Whether it may be sent again after its answer was lost. */
  readonly isRead?: boolean
  /** The answer if the key holds something else than a text. Left out: that is an error. */
  readonly ofAnotherType?: T
  /** The script, if it is one by name. */
  readonly script?: Script
}

/**
 * Keeps sessions in Redis 6.2 or later, or Valkey. Each session is one key, `SESSION:<id>`, with the text as its
 * value and the session's life as its expiry:
 *
 * ```
 * redis-cli get SESSION:<id>
 * redis-cli pttl SESSION:<id>
 * ```
 *
 * Other keys have a second colon, which no id has. With the option `user`, each user has a sorted set (`redis-cli
 * zrange SESSION:user:<user> 0 -1 withscores`). For a minute after a session has moved to another id, a key holds the
 * new id (`redis-cli get SESSION:moved:<id>`). Ends are published on a channel (`redis-cli subscribe SESSION:ended`).
 *
 * Each call is one command on one key: `GETEX` reads and renews, and a script writes conditionally. Nothing is sent
 * while the client is not ready.
 *
 * If you pass your own client, make it fail fast, as {@link RedisStore.connect} does. Otherwise it may send a write
 * again when the connection is back, after the request was answered with 503:
 *
 * - ioredis `Redis`: `{ enableOfflineQueue: false, maxRetriesPerRequest: 0, socketTimeout: 3000 }`; with Sentinel
 *   also `reconnectOnError: (error) => error.message.startsWith('READONLY')`.
 * - ioredis `Cluster`: `{ enableOfflineQueue: false, retryDelayOnFailover: 0, retryDelayOnClusterDown: 0,
 *   redisOptions: { maxRetriesPerRequest: 0, socketTimeout: 3000 } }`. Leave `scaleReads` at `'master'`, as a replica
 *   may lack the latest write, and do not set `clusterNodeRetryStrategy`.
 * - node-redis: `{ disableOfflineQueue: true, pingInterval: 1000, socket: { socketTimeout: 3000, reconnectStrategy:
 *   (retries) => Math.min(50 * 2 ** retries, 1000) } }`; for a cluster, pass these as its `defaults`, and
 *   `topologyRefreshOnReconnectionAttemptStrategy: 1000` beside them. The store ignores its `keyPrefix`.
 *
 * @example
 * ```ts
 * app.use(session({ secret, store: new RedisStore(new Redis(process.env.REDIS_URL)) }))
 * ```
 */
export class RedisStore<Client extends RedisClient = RedisClient> implements Store {
  readonly contract = 1
  readonly #client: Client
  readonly #index: SessionIndex
  readonly #prefix: string
  readonly #channel: string
  readonly #watch: RedisWatch
  readonly #adapter: Adapter
  readonly #links = new WeakMap<object, Link>()
  readonly #lacking = new Set<string>()
  #close: (() => Promise<void>) | undefined
  #trouble: string | undefined

  /**
   * @param client - A `Redis` or `Cluster` of ioredis, or what `createClient` or `createCluster` of node-redis made.
   * @throws SessionError `ERR_SESSION_OPTIONS` if it is something else.
   */
  constructor(client: Client, options: RedisStoreOptions = {}) {
    const prefix = prefixIn(options)
    this.#adapter = adapt(client)
    this.#client = client
    this.#prefix = prefix
    this.#index = new RedisUsers(
      prefix,
      (script, key, args, answer) => this.#run({ ...evalsha(script, key, args), answer }),
      (key) => this.#adapter.connectionOf(key)
    )
    this.#channel = `${prefix}ended`
    this.#watch = new RedisWatch({
      client,
      channel: this.#channel,
      successorOf: (id) => this.get(`moved:${id}`),
      lacks: (right) => this.#lacks(right)
    })
  }

  /**
   * Makes a store with its own ioredis client, which connects in the background and reconnects when it has to.
   *
   * @param target - A URL (`redis://`, `rediss://`), or options of ioredis, including those of Sentinel. They
   *   override {@link CONNECT_DEFAULTS}.
   * @throws SessionError `ERR_SESSION_OPTIONS` if ioredis is not installed, or the target is neither of these
   */
  static connect(target: string | RedisOptions, options: RedisStoreOptions = {}): RedisStore<Redis> {
    prefixIn(options)
    const client = openRedis(target)
    const store = new RedisStore(client, options)
    // What follows a refused database is only the end of that connection.
    let refused: string | undefined
    client.on('error', (error: Error) => {
      if (isSelect(error)) refused = `the database cannot be selected, ${reasonOf(error)}`
      store.#trouble = refused ?? reasonOf(error)
    })
    client.on('ready', () => (store.#trouble = refused = undefined))
    store.#close = () => closeRedis(client)
    return store
  }

  // Properties of the prototype, so that nothing which prints the store prints the password in the client's options.

  /** The Redis client that the store uses. */
  get client(): Client {
    return this.#client
  }

  get index(): SessionIndex {
    return this.#index
  }

  get(id: string, ttl?: number): Promise<string | null> {
    const key = this.#prefix + id
    const read = { key, answer: textOf, isRead: true, ofAnotherType: NOT_A_TEXT }
    if (ttl === undefined) return this.#run({ command: 'GET', args: [key], ...read })
    return this.#living(ttl, (life) => this.#run({ command: 'GETEX', args: [key, 'PX', life], ...read }))
  }

  set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult> {
    const answer = (reply: unknown): SetResult =>
      reply === null || Buffer.isBuffer(reply) ? { conflict: textOf(reply) } : { id }
    const ofAnotherType = { conflict: NOT_A_TEXT }
    return this.#living(ttl, (life) => {
      const args = expected === null ? [text, life] : [text, life, expected]
      return this.#run({ ...evalsha(SET, this.#prefix + id, args), answer, ofAnotherType })
    })
  }

  /** Returns the client or, in a cluster, the client of the node that keeps the session. */
  nodeOf(id: string): object {
    return this.#adapter.connectionOf(this.#prefix + id)
  }

  touch(id: string, ttl: number): Promise<boolean> {
    const key = this.#prefix + id
    return this.#living(ttl, (life) =>
      this.#run({ command: 'PEXPIRE', key, args: [key, life], answer: isOne })
    )
  }

  destroy(id: string, expected?: string): Promise<DestroyResult> {
    need(typeof expected !== 'function', NO_CALLBACK)
    const message = this.#watch.messageOf({ id })
    const args = [this.#channel, message, ...(expected === undefined ? [] : [expected])]
    const answer = (reply: unknown): DestroyResult => {
      if (Buffer.isBuffer(reply)) return { conflict: textOf(reply) }
      return this.#isPublished(reply, message, { id })
    }
    const ofAnotherType = { conflict: NOT_A_TEXT }
    return this.#run({ ...evalsha(DESTROY, this.#prefix + id, args), answer, ofAnotherType })
  }

  notify({ id, successor }: Required<Ended>): Promise<void> {
    const message = this.#watch.messageOf({ id, successor })
    const args = [this.#channel, message, successor, String(MOVED_TTL)]
    const answer = (reply: unknown) => void this.#isPublished(reply, message, { id, successor })
    return this.#run({ ...evalsha(NOTIFY, `${this.#prefix}moved:${id}`, args), answer })
  }

  life(id: string): Promise<number | null> {
    const key = this.#prefix + id
    return this.#run({ command: 'PTTL', key, args: [key], answer: lifeOf, isRead: true })
  }

  /**
   * Listens on a connection of its own (in a cluster, to one of the nodes) while there are listeners. That connection
   * has the client's settings, does not keep the process alive, and reconnects when it has to.
   */
  watch(listener: (ended: Ended) => void, resumed: () => void): () => void {
    return this.#watch.watch(listener, resumed)
  }

  /**
   * Stops watching for good, and closes the client if {@link RedisStore.connect} made it. Your own client stays open.
   */
  async close(): Promise<void> {
    this.#watch.close()
    await this.#close?.()
  }

  /** Calls with a life in whole milliseconds; one that is none rejects. */
  #living<T>(ttl: number, call: (life: string) => Promise<T>): Promise<T> {
    try {
      return call(String(wholeMilliseconds(ttl)))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The usual way is one promise on the client's own; all else has time. */
  #run<T>(call: Call<T>): Promise<T> {
    const link = this.#linkOf(call.key)
    return link.isOpen ? this.#send(call, link) : this.#open(call, link)
  }

  #send<T>(call: Call<T>, link: Link): Promise<T> {
    link.gather()
    return this.#adapter
      .send(call.command, call.key, call.args)
      .then(call.answer, (cause: unknown) => this.#again(call, link, cause))
  }

  async #open<T>(call: Call<T>, link: Link): Promise<T> {
    try {
      await link.open()
    } catch (cause) {
      throw commandError(cause, call.command, this.#trouble)
    }
    return this.#send(call, link)
  }

  /**
   * Sends a command once more where that is safe: a script that the server had forgotten, and, when the connection is
   * back, a read that got no answer, and whatever a demoted primary refused.
   */
  async #again<T>(call: Call<T>, link: Link, cause: unknown): Promise<T> {
    const { command, key, args, answer, isRead, script } = call
    try {
      const { reply } = commandError(cause, command)
      if (reply === 'WRONGTYPE' && call.ofAnotherType !== undefined) return call.ofAnotherType
      if (reply === 'NOSCRIPT' && script) {
        const { script: _, ...plain } = call
        return await this.#run({ ...plain, command: 'EVAL', args: [script.text, ...args.slice(1)] })
      }
      if (reply === undefined ? !isRead : reply !== 'READONLY') throw cause
      await link.reopen()
      return answer(await this.#adapter.send(command, key, args))
    } catch (error) {
      throw commandError(error, command, this.#trouble)
    }
  }

  #linkOf(key: string): Link {
    const connection = this.#adapter.connectionOf(key)
    let link = this.#links.get(connection)
    if (!link) this.#links.set(connection, (link = new Link(this.#adapter.connection(connection))))
    return link
  }

  /** Whether the script of a message did anything; then the listeners of this store hear of it in any case. */
  #isPublished(reply: unknown, message: string, ended: Ended): boolean {
    const done = Number(reply)
    if (done === 2) this.#lacks('publish')
    if (done > 0) this.#watch.published(message, ended)
    return done > 0
  }

  #lacks(right: string): void {
    if (this.#lacking.has(right)) return
    this.#lacking.add(right)
    process.emitWarning(
      `RedisStore: the Redis user lacks the right to ${right === 'publish' ? 'publish on' : 'subscribe to'} the channel ${this.#channel} (ACL SETUSER … ` +
        `+${right} &${this.#channel}): ends of sessions in other processes are found only within a minute`,
      { code: 'HOLDFAST_REDIS_RIGHTS' }
    )
  }
}

/** Options of connect-redis. */
const ELSEWHERE = {
  client: 'it comes first: new RedisStore(client, { prefix })',
  ttl: 'it is idleTimeout of session(), in milliseconds; with holdfast/express-session it is cookie.maxAge',
  serializer: 'it is codec of session()'
}

function prefixIn(options: RedisStoreOptions): string {
  needKnown('RedisStore', options, ['prefix'], ELSEWHERE)
  const { prefix = 'SESSION:' } = options
  need(typeof prefix === 'string', 'RedisStore: prefix must be a string')
  return prefix
}

function evalsha(
  script: Script,
  key: string,
  args: string[]
): Pick<Call<never>, 'command' | 'key' | 'args' | 'script'> {
  return { command: 'EVALSHA', key, args: [script.sha, '1', key, ...args], script }
}

const isOne = (reply: unknown): boolean => Number(reply) === 1

function lifeOf(reply: unknown): number | null {
  const life = Number(reply)
  return life >= 0 ? life : life === FOR_EVER ? Infinity : null
}

/** Bytes that are not UTF-8 become U+FFFD: only a text with one has to be looked at a second time. */
function textOf(reply: Buffer): string
function textOf(reply: unknown): string | null
function textOf(reply: unknown): string | null {
  if (reply === null) return null
  if (!Buffer.isBuffer(reply)) return NOT_A_TEXT
  const text = reply.toString()
  return text.includes('\ufffd') && !isUtf8(reply) ? NOT_A_TEXT : text
}

/** Lets commands that were sent before be answered. */
async function closeRedis(client: Redis): Promise<void> {
  if (client.status !== 'ready') return client.disconnect()
  const ended = new Promise((resolve) => client.once('end', resolve))
  await client.quit().catch(() => client.disconnect())
  await ended
}
