import { types } from 'node:util'
import { SessionError } from '../errors'
import { CommandError } from '../stores/redis/command-error'
import { UsageError } from './outcome'
import { printable } from './print'

/** The message for an error: a sentence if it was to be expected, else the stack. */
export function explain(error: unknown): string {
  if (!types.isNativeError(error)) return printable(String(error))
  const { message, cause, code = '' } = error as Error & { code?: string }
  if (cause instanceof UsageError) return explain(cause)
  if (error instanceof SessionError) {
    const reason = code === 'ERR_SESSION_STORE' && cause instanceof Error ? ` (${cause.message})` : ''
    return printable(message + reason)
  }
  const isExpected =
    error instanceof UsageError || error instanceof CommandError || code.startsWith('ERR_PARSE_ARGS')
  return isExpected ? printable(message) : (error.stack ?? message)
}
