import type { Budget } from './budget'
import { SessionError } from '../errors'

/** What a store written for express-session calls back with. */
export type Answer<T = void> = (error?: unknown, result?: T) => void

/** A store written for express-session: it keeps session objects, and calls back. */
export interface CallbackStore {
  get(id: string, callback: Answer<object | null>): unknown
  set(id: string, session: object, callback?: Answer): unknown
  destroy(id: string, callback?: Answer): unknown
  /** Renews the life of a session that is kept. */
  touch?(id: string, session: object, callback?: Answer): unknown
}

/**
 * Calls a method of the store, and waits for its first answer within the budget. The method is looked up now, as
 * applications replace methods on the store; one that throws, or that returns a promise which rejects, has failed.
 */
export function ask<T = void>(
  store: CallbackStore,
  name: keyof CallbackStore,
  args: [id: string, session?: object],
  budget: Budget
): Promise<T | undefined> {
  return budget.run(
    () =>
      new Promise((resolve, reject) => {
        const answered: Answer<T> = (error, result) => {
          const hasFailed = Boolean(error)
          if (hasFailed) reject(asCause(error))
          else resolve(result)
        }
        const returned = (store as unknown as Methods)[name](...args, answered)
        if (isThenable(returned)) returned.then(undefined, (error: unknown) => reject(asCause(error)))
      })
  )
}

/** What is kept under `id`; undefined where it is nothing, which some stores tell by the error `ENOENT`. */
export async function read(store: CallbackStore, id: string, budget: Budget): Promise<object | undefined> {
  try {
    const kept = await ask<unknown>(store, 'get', [id], budget)
    return typeof kept === 'object' && kept !== null && !Array.isArray(kept) ? kept : undefined
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** Removes what is kept under `id`. Nothing there: that is as good. */
export async function remove(store: CallbackStore, id: string, budget: Budget): Promise<void> {
  try {
    await ask(store, 'destroy', [id], budget)
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}

/** A file that is not there is an answer; the socket of a server that is not there (`connect ENOENT`) is a failure. */
function isAbsent(error: unknown): boolean {
  const { code, syscall } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
  return code === 'ENOENT' && syscall !== 'connect'
}

/** The cause of a failure is what the store said, also where that is an error of Holdfast's. */
function asCause(error: unknown): Error {
  const isOurs = error instanceof SessionError && error.code === 'ERR_SESSION_STORE'
  return isOurs ? new SessionError(error.code, error.message, { cause: error }) : (error as Error)
}

type Methods = Record<keyof CallbackStore, (...args: unknown[]) => unknown>

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
