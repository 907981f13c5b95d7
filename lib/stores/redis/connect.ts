/** @ts-ignore: without ioredis, an optional peer, these are `any` for those who read the declarations. */
import type { Redis, RedisOptions } from 'ioredis'
import { need, SessionError } from '../../errors'

/** With the type of the replies named, TypeScript need not compare two clients method by method, which takes seconds. */
type Options = RedisOptions & { replyMapping?: 'legacy' }

/**
 * The defaults of {@link RedisStore.connect}. A command that cannot be sent now, or whose connection broke, fails at
 * once, so nothing is applied after its request was answered with 503. A network that swallows everything is noticed
 * within three seconds, and the next attempt to connect is never more than half a second away.
 */
export const CONNECT_DEFAULTS: Options = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  socketTimeout: 3000,
  connectTimeout: 3000,
  disconnectTimeout: 500,
  maxLoadingRetryTime: 500,
  retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 4), 500) * (0.5 + Math.random() / 2),
  reconnectOnError: (error) => error.message.startsWith('READONLY')
}

/** @throws SessionError `ERR_SESSION_OPTIONS` if there is nothing to connect to, or no ioredis. */
export function openRedis(target: string | RedisOptions | undefined): Redis {
  const hint = target === undefined ? '; it is undefined: is the environment variable set?' : ''
  need(
    typeof target === 'string' ? /^rediss?:\/\/./i.test(target) : typeof target === 'object' && target,
    `RedisStore.connect needs a URL that begins with redis:// or rediss://, such as redis://localhost:6379, or options of ioredis${hint}`
  )
  need(
    typeof target !== 'string' || /^\w+:\/\/[^/]*(?:\/\d*)?(?:\?|$)/.test(target),
    'RedisStore.connect takes a URL whose path is the number of a database, such as redis://localhost:6379/1'
  )
  // To ioredis they are options without a host, which is localhost.
  need(
    typeof target !== 'object' ||
      !(Array.isArray(target) || 'href' in target || 'url' in target || 'sendCommand' in target),
    'RedisStore.connect takes a URL as a string, or options of ioredis such as { host, port }; a client goes to new RedisStore(client)'
  )
  const { Redis } = loadIoredis()
  const client =
    typeof target === 'string'
      ? new Redis(target, CONNECT_DEFAULTS)
      : new Redis({ ...CONNECT_DEFAULTS, ...target } as Options)
  // The client would go on in database 0, which may be another application's.
  return client.on('error', (error) => isSelect(error) && client.disconnect(true))
}

/** Whether it is the server's refusal of a database. */
export const isSelect = (error: unknown): boolean =>
  (error as { command?: { name?: unknown } }).command?.name === 'select'

/** @throws SessionError `ERR_SESSION_OPTIONS` if it is not installed */
export function loadIoredis(): typeof import('ioredis') {
  try {
    // Only here, because an application with another client need not have it.
    // oxlint-disable-next-line typescript/no-require-imports
    return require('ioredis') as typeof import('ioredis')
  } catch (cause) {
    throw new SessionError('ERR_SESSION_OPTIONS', 'RedisStore.connect needs ioredis: npm install ioredis', {
      cause
    })
  }
}
