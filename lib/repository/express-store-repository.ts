import type { Budget } from './budget'
import { ask, read, remove, type CallbackStore } from './express-store'
import { SessionError } from '../errors'
import { publish } from '../events'
import { LiveSnapshot, toRecord } from './live-snapshot'
import { mergeData, type Data, type Merge } from './merge'
import { checkLimits, encodeData, type Limits } from './record'
import { gone, type Committed, type Draft, type Repository } from './repository'
import { RESERVED } from './reserved'
import { Turns } from './turns'

/** A draft that brings the object which the store is handed, for an entry whose sessions are such objects. */
export interface LiveDraft extends Draft {
  readonly live: object
}

/**
 * Sessions as live objects over a store written for express-session. Such a store has no conditional write, so a commit
 * reads, merges, and writes at once: between requests of one process nothing is lost, as they take turns; what
 * another process writes within that one round trip is.
 */
export class CallbackRepository implements Repository<LiveSnapshot> {
  readonly stateless = false
  readonly #turns: Turns<unknown>
  readonly #reserved: ReadonlySet<string>

  /** @param timeout - milliseconds that a commit waits for its turn among those of one session */
  constructor(
    private readonly store: CallbackStore,
    timeout: number,
    private readonly mergeRule: Merge = mergeData,
    private readonly limits: Partial<Limits> = {}
  ) {
    this.#reserved = limits.reserved ?? RESERVED
    // Any other error may be about the one session object that the store was handed.
    this.#turns = new Turns(timeout, isTimeout)
  }

  async load(id: string, budget: Budget, ttl?: number): Promise<LiveSnapshot | null> {
    const live = await read(this.store, id, budget)
    if (!live) return null
    const snapshot = new LiveSnapshot(live as Data, this.#reserved)
    if (ttl !== undefined) await this.renew(id, snapshot.living(ttl), budget)
    return snapshot
  }

  changed(known: LiveSnapshot | null, text: string): boolean {
    return text !== (known?.text ?? '{}')
  }

  merge(known: LiveSnapshot, mine: string, latest: LiveSnapshot): string {
    if (known.text === latest.text) return mine
    const parsed = [known.text, mine, latest.text].map((text) => JSON.parse(text) as Data)
    return encodeData(this.mergeRule(parsed[0]!, parsed[1]!, parsed[2]!))
  }

  commit(
    id: string,
    known: LiveSnapshot | null,
    draft: (latest: LiveSnapshot | null) => Draft | undefined | Promise<Draft | undefined>,
    budget: Budget
  ): Promise<Committed<LiveSnapshot>> {
    return this.#turns.run(id, async () => {
      for (;;) {
        const latest = await this.#latest(id, known, budget)
        const merged = latest?.text !== known?.text
        const drafted = draft(latest)
        const next = await drafted
        if (!next) return { id, snapshot: latest, merged }
        // A function given to `update` took its time: only what is still there may be written over.
        const isStale =
          drafted instanceof Promise && (await this.#latest(id, known, budget))?.text !== latest?.text
        if (isStale) continue
        const snapshot = await this.#set(id, next, latest, budget)
        // The sessions of express-session have no handle to tell of.
        if (next.handle) publish('holdfast:commit', () => ({ handle: next.handle, merged, attempts: 1 }))
        return { id, snapshot, merged }
      }
    })
  }

  /** Without a conditional write the old id ends at once: whoever comes late finds nothing there. */
  async retire(
    id: string,
    known: LiveSnapshot,
    _rev: string,
    budget: Budget
  ): Promise<LiveSnapshot | undefined> {
    return this.#turns.run<LiveSnapshot | undefined>(id, async () => {
      const latest = await this.#latest(id, known, budget)
      if (latest && latest.text !== known.text) return latest
      await ask(this.store, 'destroy', [id], budget)
      return undefined
    })
  }

  async touch(id: string, ttl: number, budget: Budget): Promise<boolean> {
    return (await this.load(id, budget, ttl)) !== null
  }

  /** Renews the life of a session object. In turn: some stores read and write all of it for that. */
  async renew(id: string, live: object, budget: Budget): Promise<void> {
    if (!this.store.touch) return
    // Whoever waits for its turn to write need not fail with this.
    const failure = await this.#turns.run(id, () =>
      ask(this.store, 'touch', [id, live], budget).then(
        () => undefined,
        (error: unknown) => ({ error })
      )
    )
    if (failure) throw failure.error
  }

  destroy(id: string, budget: Budget): Promise<boolean> {
    return this.#turns.run<boolean>(id, async () => {
      const isThere = (await this.load(id, budget)) !== null
      await remove(this.store, id, budget)
      return isThere
    })
  }

  /** What a write starts from. A session that was never stored is not looked for. */
  async #latest(id: string, known: LiveSnapshot | null, budget: Budget): Promise<LiveSnapshot | null> {
    if (known === null) return null
    const latest = await this.load(id, budget)
    if (!latest) throw gone()
    return latest
  }

  async #set(
    id: string,
    next: Draft | LiveDraft,
    latest: LiveSnapshot | null,
    budget: Budget
  ): Promise<LiveSnapshot> {
    checkLimits(next.text, { maxBytes: Infinity, maxDepth: Infinity, ...this.limits })
    const live = 'live' in next ? next.live : toRecord(next, latest)
    const answer = ask(this.store, 'set', [id, live], budget)
    // Taken now: a store may change the object when it is handed it, and nobody else can have.
    const snapshot = new LiveSnapshot(live as Data, this.#reserved)
    await answer
    return snapshot
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof SessionError && error.code === 'ERR_SESSION_TIMEOUT'
}
