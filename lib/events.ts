import { channel } from 'node:diagnostics_channel'

/**
 * What Holdfast tells through `node:diagnostics_channel`, by channel name. No message holds a session id, a
 * cookie value or a secret (OWASP ASVS 5.0, 16.2.5); `handle` is the public name of a session.
 */
export interface SessionEvents {
  /** A session was read from the store. */
  'holdfast:load': { handle: string }
  /**
   * A session was written, and the store confirmed it. `keys` are the names of the top-level keys that this request
   * changed; `merged` says whether another request's changes are in the session as well; `attempts` is the number of
   * conditional writes.
   */
  'holdfast:commit': { handle: string; keys: readonly string[]; merged: boolean; attempts: number }
  /**
   * Changes were not written: the session was gone, or the client hung up before the response began (a handler that ends
   * its response all the same after that has its changes written then), or the session was new and its cookie could not be
   * sent any more. A session of `holdfast/express-session` has no handle: it is empty there.
   */
  'holdfast:dropped': { handle: string; reason: 'gone' | 'client closed' | 'headers sent' | 'response ended' }
  /** A value in a session of `holdfast/express-session` that JSON drops or changes, under a key of the session. */
  'holdfast:lossy': { key: string; type: string }
  /** The store failed or did not answer in time. */
  'holdfast:error': { operation: 'load' | 'commit'; error: Error }
  /** The stored text is not a session; the visitor is anonymous. */
  'holdfast:corrupt': { reason: string }
  /** A session was past its lifetime. */
  'holdfast:expired': { handle: string }
  /** A request's session cookie was not taken. */
  'holdfast:rejected': { reason: 'bad signature' | 'unknown' | 'ambiguous' | 'invalid' | 'schema' }
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
