import { NotReadyError } from './link'

/** The meaning of the codes of error replies for a store, in our own words. */
const MEANINGS: Record<string, string> = {
  ASK: 'this is a node of a cluster, give the store a new Redis.Cluster(...), or what createCluster(...) made',
  BUSY: 'a script of somebody else blocks the server',
  CLUSTERDOWN: 'the cluster is down, or nobody serves the slot of this key',
  LOADING: 'the server is loading its data',
  MASTERDOWN: 'the replica has lost its primary',
  MISCONF: 'the server cannot save to its disk, and so refuses writes',
  NOAUTH: 'the server wants a password',
  NOPERM: 'the user of the connection lacks the right to this command, key or channel',
  NOREPLICAS: 'too few replicas are connected for a write (min-replicas-to-write)',
  OOM: 'the server has no memory left for a write (maxmemory)',
  READONLY: 'this is a replica, writes go to its primary',
  TRYAGAIN: 'the slot of this key is being moved',
  WRONGPASS: 'user name or password are wrong',
  WRONGTYPE: 'the key holds something else than the store keeps there'
}
MEANINGS.MOVED = MEANINGS.ASK!

/**
 * What went wrong with a command, by the code of the answer and in words of our own. It has no `cause`, and nothing of
 * the server's text: both hold the command with its arguments, and so the session id and the session.
 */
export class CommandError extends Error {
  /** The code of an error that Redis answered with, such as `OOM`; undefined if no answer came. */
  readonly reply: string | undefined
  /** Nothing was sent. */
  readonly unsent: boolean

  constructor(message: string, reply: string | undefined, unsent = false) {
    super(`Redis: ${message}`)
    this.reply = reply
    this.unsent = unsent
  }
}

/**
 * The store's own error for one of a client's.
 *
 * @param command - the name of the command
 * @param trouble - why there is no connection, if that is known
 */
export function commandError(error: unknown, command: string, trouble?: string): CommandError {
  if (error instanceof CommandError) return error
  if (error instanceof NotReadyError) {
    return new CommandError(error.message + (trouble ? `: ${trouble}` : ''), undefined, true)
  }
  const reply = replyOf(error)
  if (reply === undefined) return new CommandError(`${command} got no answer: ${reasonOf(error)}`, undefined)
  if (reply === 'ERR' && /unknown command/i.test((error as Error).message)) {
    return new CommandError(
      `the server does not know ${command} (unknown command), RedisStore needs Redis 6.2 or later, or Valkey`,
      reply
    )
  }
  return new CommandError(reasonOf(error), reply)
}

/** Why a connection or a command failed, without a word of the other side's. */
export function reasonOf(error: unknown): string {
  const reply = replyOf(error)
  if (reply !== undefined) {
    return reply in MEANINGS ? `${reply} (${MEANINGS[reply]!})` : `Redis answered with the error ${reply}`
  }
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code)) return code
  return typeof name === 'string' && /^\w+Error$/.test(name) ? name : 'the connection was closed'
}

/** The first word of an error reply, in capitals (Redis serialization protocol, "Simple errors"). */
export function replyOf(error: unknown): string | undefined {
  return /^[A-Z]{2,}\b/.exec(String((error as { message?: unknown } | undefined)?.message))?.[0]
}
