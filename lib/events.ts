import { channel } from 'node:diagnostics_channel'

/**
 * The messages that Holdfast publishes through `node:diagnostics_channel`, by channel name. No message holds a
 * session id, a cookie value or a secret (OWASP ASVS 5.0, 16.2.5); `handle` is the public name of a session.
 */
export interface SessionEvents {
  /** The store returned a session. */
  'holdfast:load': { handle: string }
  /**
   * The store confirmed the write of a session. `keys` lists the top-level keys that this request changed; `merged`
   * says whether the session also holds another request's changes; `attempts` counts the conditional writes.
   */
  'holdfast:commit': { handle: string; keys: readonly string[]; merged: boolean; attempts: number }
  /**
   * Changes were not written: the session was gone, the client hung up before the response began, or the session was
   * new, or its cookie changed, and the cookie could no longer be sent. If the handler still ends its response after
   * the client has hung up, its changes are written then. A session of `holdfast/express-session` has no handle, so `handle` is empty there.
   */
  'holdfast:dropped': { handle: string; reason: 'gone' | 'client closed' | 'headers sent' | 'response ended' }
  /** A session of `holdfast/express-session` holds a value that JSON drops or changes; `key` is the session's key. */
  'holdfast:lossy': { key: string; type: string }
  /** The store failed, or did not answer in time. */
  'holdfast:error': { operation: 'load' | 'commit'; error: Error }
  /** The stored text is not a session; the visitor is anonymous. */
  'holdfast:corrupt': { reason: string }
  /** A session was past its lifetime. */
  'holdfast:expired': { handle: string }
  /** A request's session cookie was refused. With `'schema'`, `key` is the place that does not fit, such as `cart.0`. */
  'holdfast:rejected': {
    reason: 'bad signature' | 'unknown' | 'ambiguous' | 'invalid' | 'schema'
    key?: string
  }
}

const channels = new Map(
  (
    [
      'holdfast:load',
      'holdfast:commit',
      'holdfast:dropped',
      'holdfast:lossy',
      'holdfast:error',
      'holdfast:corrupt',
      'holdfast:expired',
      'holdfast:rejected'
    ] satisfies (keyof SessionEvents)[]
  ).map((name) => [name, channel(name)])
)

/** Whether there is a listener. */
export function hears(name: keyof SessionEvents): boolean {
  return channels.get(name)?.hasSubscribers === true
}

/** Publishes a message if there is a listener; `message` is built only then. */
export function publish<Name extends keyof SessionEvents>(
  name: Name,
  message: () => SessionEvents[Name]
): void {
  const target = channels.get(name)
  if (target?.hasSubscribers) target.publish(message())
}

const warned = new Set<string>()

/** Warns of what an application had better change: once in a process. */
export function warnOnce(code: string, message: string): void {
  if (warned.has(message)) return
  warned.add(message)
  process.emitWarning(message, { code })
}

/** As {@link warnOnce}, where its developers see it. */
export function warnInDevelopment(code: string, message: string): void {
  if (process.env.NODE_ENV !== 'production') warnOnce(code, message)
}
