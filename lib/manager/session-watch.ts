import { AsyncLocalStorage } from 'node:async_hooks'
import { inspect } from 'node:util'
import { Budget } from '../repository/budget'
import { nonsense } from '../repository/guarded-store'
import { lifetimeLeft } from '../session/lifetime'
import type { Lifetimes } from '../session/scope'
import type { Repository } from '../repository/repository'
import type { Ended } from '../stores/store'

/** The longest that nothing is asked about a session: messages get lost without anyone noticing. In milliseconds. */
const INTERVAL = 60_000
/** When to ask again at the earliest where the store did not answer. */
const RETRY = 1000

/** A repository that knows how its sessions end. */
export type Watchable = Repository & Required<Pick<Repository, 'life' | 'watch'>>

export function isWatchable(repository: Repository): repository is Watchable {
  return repository.life !== undefined && repository.watch !== undefined
}

interface Watch {
  id: string
  readonly handle: string
  readonly fn: () => unknown
  timer?: NodeJS.Timeout
}

/**
 * Watches sessions for their end. The store reports those that are destroyed; those that expire, or were missed, are found by
 * asking for each session when its life should be over, and after a minute at the latest.
 */
export class SessionWatch {
  readonly #watches = new Map<string, Set<Watch>>()
  #stop: (() => void) | undefined
  /** How often the store has begun to listen. */
  #resumptions = 0

  /** @param moved - called when a session that is watched has got another id */
  constructor(
    private readonly repository: Watchable,
    private readonly settings: Lifetimes & { readonly timeout: number },
    private readonly moved: (handle: string, from: string, to: string) => void
  ) {}

  add({ id, handle }: { readonly id: string; readonly handle: string }, fn: () => unknown): () => void {
    // What tells of the end runs in the context of somebody else.
    const watch: Watch = { id, handle, fn: AsyncLocalStorage.bind(fn) }
    this.#stop ??= this.#listen()
    this.#put(watch)
    void this.#look(watch)
    return () => this.#remove(watch)
  }

  #listen(): () => void {
    const stop: unknown = this.repository.watch(
      (ended) => this.#heard(ended),
      () => this.#resumed()
    )
    return typeof stop === 'function' ? (stop as () => void) : nonsense('watch')
  }

  #heard({ id, successor }: Ended): void {
    for (const watch of [...(this.#watches.get(id) ?? [])]) {
      if (successor === undefined) this.#end(watch)
      else void this.#look(watch, successor)
    }
  }

  #resumed(): void {
    this.#resumptions++
    for (const watches of this.#watches.values()) {
      for (const watch of watches) this.#lookLater(watch, this.#spread())
    }
  }

  /** So many milliseconds that of all sessions about a thousand a second are looked at. */
  #spread(): number {
    return Math.random() * this.#watches.size
  }

  /** @param from - an id of the session, where the search for the one that it has now begins */
  async #look(watch: Watch, from = watch.id): Promise<void> {
    clearTimeout(watch.timer)
    const { id, handle } = watch
    const { repository, settings } = this
    const resumptions = this.#resumptions
    let now: string | undefined
    let life: number | null = null
    try {
      const budget = new Budget(settings.timeout)
      const found = repository.follow ? await repository.follow(from, budget) : { id: from, stored: null }
      // Carried by some of its keys it is another session, with a handle of its own.
      if (found?.id === id || found?.stored?.handle === handle) now = found.id
      if (now === id) life = await repository.life(id, budget)
    } catch {
      return this.#lookLater(watch, RETRY + this.#spread(), id)
    }
    if (!this.#has(watch, id)) return
    if (now !== undefined && now !== id) return this.#move(handle, id, now)
    const left = Math.min(life ?? 0, lifetimeLeft(settings, handle))
    if (left <= 0) return this.#end(watch)
    // Else it may have ended after the store had answered, and before it listened.
    const isHeard = resumptions === this.#resumptions
    this.#lookLater(watch, isHeard ? Math.min(left, INTERVAL * (1 - Math.random() / 4)) : this.#spread())
  }

  /** All that watch the session go together: each object of it follows step by step, whoever stops to watch. */
  #move(handle: string, from: string, to: string): void {
    this.moved(handle, from, to)
    for (const watch of [...(this.#watches.get(from) ?? [])]) {
      if (watch.handle !== handle) continue
      this.#take(watch)
      watch.id = to
      this.#put(watch)
      // A message about the new id may have come while nobody here knew that id.
      void this.#look(watch)
    }
  }

  #lookLater(watch: Watch, ms: number, id = watch.id): void {
    clearTimeout(watch.timer)
    if (this.#has(watch, id)) watch.timer = setTimeout(() => void this.#look(watch), Math.ceil(ms)).unref()
  }

  #end(watch: Watch): void {
    if (!this.#has(watch, watch.id)) return
    this.#remove(watch)
    void call(watch.fn)
  }

  #remove(watch: Watch): void {
    this.#take(watch)
    if (this.#watches.size > 0) return
    this.#stop?.()
    this.#stop = undefined
  }

  #has(watch: Watch, id: string): boolean {
    return this.#watches.get(id)?.has(watch) === true
  }

  #put(watch: Watch): void {
    this.#watches.set(watch.id, (this.#watches.get(watch.id) ?? new Set()).add(watch))
  }

  #take(watch: Watch): void {
    clearTimeout(watch.timer)
    const others = this.#watches.get(watch.id)
    if (others?.delete(watch) && others.size === 0) this.#watches.delete(watch.id)
  }
}

async function call(fn: () => unknown): Promise<void> {
  try {
    await fn()
  } catch (error) {
    process.emitWarning(`what onDestroy was given failed: ${inspect(error)}`, { code: 'HOLDFAST_ON_DESTROY' })
  }
}
