import { setTimeout } from 'node:timers'
import { FORM } from '../copies'
import { SessionError } from '../errors'
import { warnInDevelopment } from '../events'
import type { Budget } from './budget'
import { isDevelopment } from './values'

/** Declared by a store of the drop-in that writes on condition: it knows by `originOf` what a session object started from. */
export const CONDITIONAL = Symbol.for(`holdfast.${FORM}.conditional`)

/** The callback of a store written for express-session. */
export type Answer<T = void> = (error?: unknown, result?: T) => void

/** A store written for express-session: it keeps session objects, and takes callbacks. */
export interface ExpressStore {
  get(id: string, callback: Answer<object | null>): unknown
  set(id: string, session: object, callback?: Answer): unknown
  destroy(id: string, callback?: Answer): unknown
  /** Renews the life of a stored session. */
  touch?(id: string, session: object, callback?: Answer): unknown
}

type Method = 'get' | 'set' | 'destroy' | 'touch'
type Args = [id: string, session?: object]

/**
 * Calls a method of the store, and takes its first answer. The method is looked up now, as applications replace methods
 * on the store; one that throws, or that returns a promise which rejects, has failed.
 */
export function call<T = void>(store: ExpressStore, name: Method, ...args: Args): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let isAnswered = false
    const answered: Answer<T> = (error, result) => {
      isAnswered = true
      const hasFailed = Boolean(error)
      if (hasFailed) reject(asCause(error))
      else resolve(result)
    }
    const methods = store as unknown as Record<Method, (...args: unknown[]) => unknown>
    const returned = methods[name](...args, answered)
    if (!isThenable(returned)) return
    const look = () => isAnswered || warnInDevelopment('HOLDFAST_OPTIONS', silentMessage(name))
    returned.then(
      () => isDevelopment && !isAnswered && setTimeout(look, SILENT).unref(),
      (error: unknown) => reject(asCause(error))
    )
  })
}

/** So many milliseconds after its promise a store that takes callbacks has called back. */
const SILENT = 500

const silentMessage = (name: Method): string =>
  `${name} of the store returned a promise, and called nobody back: a store of Holdfast, whose methods return promises, says ` +
  'contract: 1; one that was written for express-session calls its callback'

/** As `call`, within the budget. */
export function ask<T = void>(
  store: ExpressStore,
  budget: Budget,
  name: Method,
  ...args: Args
): Promise<T | undefined> {
  return budget.run(() => call<T>(store, name, ...args))
}

/** The session object kept under `id`; undefined if there is none, which some stores report as the error `ENOENT`. */
export async function read(store: ExpressStore, id: string): Promise<object | undefined> {
  const kept = await call<unknown>(store, 'get', id).catch(absent)
  return typeof kept === 'object' && kept !== null && !Array.isArray(kept) ? kept : undefined
}

/** Removes what is kept under `id`. If nothing is there, that is as good. */
export async function remove(store: ExpressStore, id: string): Promise<void> {
  await call(store, 'destroy', id).catch(absent)
}

/** A file that is not there is an answer; the socket of a server that is not there (`connect ENOENT`) is a failure. */
function absent(error: unknown): undefined {
  const { code, syscall } = Object(error) as NodeJS.ErrnoException
  if (code !== 'ENOENT' || syscall === 'connect') throw error
}

/** The cause of a failure is the store's own error, even if that is one of Holdfast's. */
function asCause(error: unknown): Error {
  const isOurs = error instanceof SessionError && error.code === 'ERR_SESSION_STORE'
  return isOurs ? new SessionError(error.code, error.message, { cause: error }) : (error as Error)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
