import { SessionError } from '../errors'
import type { Store } from '../stores/store'
import type { Budget } from './budget'
import type { StoredSession } from './stored-session'
import type { UserIndex } from './user-index'

/**
 * How long a closed id keeps late writers away and leads to its successor, in milliseconds: longer than a request takes
 * that had the session before it moved.
 */
export const CLOSED = 300_000

export type { StoredSession } from './stored-session'

/** The state that a commit wants to store. */
export interface Draft {
  readonly handle: string
  /** The data as `encodeData` gives it. */
  readonly text: string
  readonly cookie: unknown
  readonly sent: number | undefined
  /** Its user. */
  readonly user?: string | undefined
  /** When it became that user's, if it was before this commit. */
  readonly since?: number | undefined
  /** Milliseconds. */
  readonly ttl: number
}

/** How long commits that wait for each other wait for a function of the application. */
export interface Patience {
  /** Milliseconds. Less after each function that took longer. */
  ms: number
}

/** Makes what is to be stored of the newest stored state. Undefined: nothing is. */
export type Drafting<S> = (
  latest: S | null,
  patience?: Patience
) => Draft | undefined | Promise<Draft | undefined>

/** The result of a commit. */
export interface Committed<S extends StoredSession = StoredSession> {
  /** The id that belongs in the cookie from now on. */
  readonly id: string
  /** The stored state now; null if there was nothing to commit and nothing is stored. */
  readonly stored: S | null
  /** Another request's changes are in it. */
  readonly merged: boolean
}

/** Where a session lives after all its moves. */
export type Living<S extends StoredSession> = Pick<Committed<S>, 'id' | 'stored'>

/** Which session an id is meant to lead to when it is ended; what is left out may be anything. */
export interface Meant {
  readonly user?: string
  /** Of the session under this id; what was carried from it to another id may have a handle of its own. */
  readonly handle?: string
}

/**
 * Sessions in, sessions out, over some kind of store: all that the session of a request knows of storage. Every method
 * rejects with a SessionError, and asks the store only through its budget.
 */
export interface Repository<S extends StoredSession = StoredSession> {
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

  /**
   * The text of the data that holds both what `mine` and what `latest` changed since `known`.
   *
   * @param keys - of `known` and `latest` only these count; left out: all
   */
  merge(known: S, mine: string, latest: S, keys?: readonly string[]): string

  /**
   * Commits what `draft` makes of the newest stored state: of `known`, and again for each state that others stored
   * meanwhile.
   *
   * @param known - what the caller's changes started from; null for a session that was never stored
   * @throws SessionError `ERR_SESSION_GONE` if a known session is not there any more
   */
  commit(id: string, known: S | null, draft: Drafting<S>, budget: Budget): Promise<Committed<S>>

  /**
   * Closes `id`, if it is still in the state `known`: the session lives on under `successor`, and an end of this id is
   * an end of that one.
   *
   * @param rev - names this move, so that another attempt at it is recognised
   * @returns undefined when done, else what others stored meanwhile
   * @throws SessionError `ERR_SESSION_GONE`
   */
  close(id: string, known: S, successor: string, rev: string, budget: Budget): Promise<S | undefined>

  /** Renews what is kept under `id`, even if it is only a closed record. Answers whether anything is. */
  touch(id: string, ttl: number, budget: Budget): Promise<boolean>

  /**
   * Ends the session stored under `id`, or what was carried from it to other ids. Answers whether one was there.
   *
   * @param known - what is stored there, as far as the caller knows: saves a question
   * @param meant - ends it only if it is this one
   */
  destroy(id: string, budget: Budget, known?: S | null, meant?: Meant): Promise<boolean>

  /**
   * Where the session stored under `id` lives now, or null; without `stored`, what is there is nothing of ours. Both
   * come of one answer: asked for its session later, the id may have changed again. Left out: an id never changes hands.
   */
  readonly follow?: ((id: string, budget: Budget) => Promise<Living<S> | null>) | undefined

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
  return (error as Partial<SessionError> | null)?.code === 'ERR_SESSION_GONE'
}
