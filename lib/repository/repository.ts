import { Budget } from './budget'
import { SessionError } from '../errors'
import type { Snapshot } from './snapshot'
import type { Store } from '../stores/store'
import type { UserIndex } from './user-index'

/** What a commit wants to be stored. */
export interface Draft {
  readonly handle: string
  /** The data as `encodeData` gives it. */
  readonly text: string
  readonly cookie: unknown
  readonly sent: number | undefined
  /** Whose it is. */
  readonly user?: string | undefined
  /** Milliseconds. */
  readonly ttl: number
}

/** What a commit did. */
export interface Committed<S extends Snapshot = Snapshot> {
  /** The id that belongs in the cookie from now on. */
  readonly id: string
  /** What is stored now; null where there was nothing to commit and nothing is stored. */
  readonly snapshot: S | null
  /** Another request's changes are in it. */
  readonly merged: boolean
}

/**
 * Sessions in, sessions out, over some kind of store: all that the state machine of a request knows of storage.
 * Every method rejects with a SessionError, and asks the store only through its budget.
 */
export interface Repository<S extends Snapshot = Snapshot> {
  /** Whether the id holds the session itself, so that its life begins anew only with a new id. */
  readonly stateless: boolean

  /**
   * The session kept under `id`, or null.
   *
   * @param ttl - renews the life to this many milliseconds; left out: the life stays as it is
   */
  load(id: string, budget: Budget, ttl?: number): Promise<S | null>

  /** Whether `text`, the data as `encodeData` gives it, differs from what `known` holds. */
  changed(known: S | null, text: string): boolean

  /** The text of the data that holds both what `mine` and what `latest` changed since `known`. */
  merge(known: S, mine: string, latest: S): string

  /**
   * Commits what `draft` makes of the newest stored state: of `known`, and again for each state that others stored
   * meanwhile. A draft of undefined commits nothing.
   *
   * @param known - what the caller's changes started from; null for a session that was never stored
   * @throws SessionError `ERR_SESSION_GONE` where a known session is not there any more
   */
  commit(
    id: string,
    known: S | null,
    draft: (latest: S | null) => Draft | undefined | Promise<Draft | undefined>,
    budget: Budget
  ): Promise<Committed<S>>

  /**
   * Makes `id` a dead end for late writers, if it is still in the state `known`, which then lives elsewhere.
   *
   * @param rev - names this move, so that another attempt at it is recognised
   * @returns undefined when done, else what others stored meanwhile
   * @throws SessionError `ERR_SESSION_GONE`
   */
  retire(id: string, known: S, rev: string, budget: Budget): Promise<S | undefined>

  touch(id: string, ttl: number, budget: Budget): Promise<boolean>

  /** @param successor - the id under which the session lives on */
  destroy(id: string, budget: Budget, successor?: string): Promise<boolean>

  /** How long what is kept under `id` will live, in milliseconds; null: nothing is there. Left out: nobody can say. */
  readonly life?: ((id: string, budget: Budget) => Promise<number | null>) | undefined

  /** Which sessions are whose. Left out: that is not noted. */
  readonly users?: UserIndex | undefined

  /** See `Store.watch`. Left out: nobody can tell. */
  readonly watch?: Store['watch']
}

/** Whether other requests would run into the same failure. */
export function isStoreFailure(error: unknown): error is SessionError {
  return (
    error instanceof SessionError &&
    (error.code === 'ERR_SESSION_STORE' || error.code === 'ERR_SESSION_TIMEOUT')
  )
}

export function gone(): SessionError {
  return new SessionError(
    'ERR_SESSION_GONE',
    'the session was destroyed, regenerated or expired while this request ran: nothing was written'
  )
}

export function isGone(error: unknown): boolean {
  return error instanceof SessionError && error.code === 'ERR_SESSION_GONE'
}

/** Removes what nobody can use any more. The response does not wait for it, nor depend on it. */
export function discard(repository: Repository, id: string, timeout: number, successor?: string): void {
  repository.destroy(id, new Budget(timeout), successor).catch(() => undefined)
}
