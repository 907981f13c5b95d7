import type { SessionError } from '../../lib'

/** The code of the error with which a promise rejects; `'done'` where it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'done'
  } catch (error) {
    return (error as SessionError).code ?? String(error)
  }
}
