import { NotReadyError } from './link'

/**
 * What went wrong with a command. It has no `cause`: the errors of the clients carry the command with all its
 * arguments, and so the session id and the session.
 */
export class CommandError extends Error {
  /** The code of an error that Redis answered with, such as `OOM`; undefined where no answer came. */
  readonly reply: string | undefined

  constructor(message: string, reply: string | undefined) {
    super(message)
    this.reply = reply
  }
}

/** The store's own error for one of a client's; `trouble` is why there is no connection, where that is known. */
export function commandError(error: unknown, key: string, trouble = ''): CommandError {
  if (error instanceof CommandError) return error
  if (error instanceof NotReadyError) {
    return new CommandError(`Redis: ${error.message}${trouble && `: ${trouble}`}`, undefined)
  }
  const message = String((error as { message?: unknown } | undefined)?.message ?? error)
  // The code is the first word of an error reply, in capitals (Redis serialization protocol, "Simple errors").
  const reply = /^[A-Z]{2,}\b/.exec(message)?.[0]
  return new CommandError(`Redis: ${explain(message, reply).replaceAll(key, '(key)')}`, reply)
}

function explain(message: string, reply: string | undefined): string {
  if (reply === 'MOVED' || reply === 'ASK') {
    return 'this is a node of a cluster, give the store a new Redis.Cluster(...), or what createCluster(...) made'
  }
  if (/^ERR unknown command .?getex/i.test(message)) {
    return 'the server does not know GETEX, RedisStore needs Redis 6.2 or later, or Valkey'
  }
  return message
}
