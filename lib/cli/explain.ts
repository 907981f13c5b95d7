import { SessionError } from '../errors'
import { CommandError } from '../stores/redis/command-error'
import { UsageError } from './outcome'
import { printable } from './print'

/** What to tell people of an error: what is expected to happen in a sentence, all else with its stack. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error))
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
