import { channel } from 'node:diagnostics_channel'

/**
 * What Holdfast tells through `node:diagnostics_channel`, by channel name. No message holds a session id, a
 * cookie value or a secret (OWASP ASVS 5.0, 16.2.5); `handle` is the public name of a session.
 */
export interface SessionEvents {
  /** A session was read from the store. */
  'holdfast:load': { handle: string }
  /** A session was written, and the store confirmed it. */
  'holdfast:commit': { handle: string; merged: boolean; attempts: number }
  /**
   * Changes were not written: the session was gone, or the client hung up before the response began. A handler that
   * ends its response all the same after that has its changes written then.
   */
  'holdfast:dropped': { handle: string; reason: 'gone' | 'client closed' }
  /** The store failed or did not answer in time. */
  'holdfast:error': { operation: 'load' | 'commit'; error: Error }
  /** What the store keeps is not a session; the visitor is anonymous. */
  'holdfast:corrupt': { reason: string }
  /** A session was past its lifetime. */
  'holdfast:expired': { handle: string }
  /** A request's session cookie was not taken. */
  'holdfast:rejected': { reason: 'bad signature' | 'unknown' | 'ambiguous' | 'invalid' }
}

const channels = new Map(
  (
    [
      'holdfast:load',
      'holdfast:commit',
      'holdfast:dropped',
      'holdfast:error',
      'holdfast:corrupt',
      'holdfast:expired',
      'holdfast:rejected'
    ] satisfies (keyof SessionEvents)[]
  ).map((name) => [name, channel(name)])
)

/** Publishes a message where somebody listens; `message` is only built then. */
export function publish<Name extends keyof SessionEvents>(
  name: Name,
  message: () => SessionEvents[Name]
): void {
  const target = channels.get(name)
  if (target?.hasSubscribers) target.publish(message())
}
