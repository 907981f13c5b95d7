import { setImmediate } from 'node:timers'
import type { Answer } from '../repository/express-store'
import { decodeRecord } from '../repository/record'
import { MemoryStore as TextMemory } from '../stores/memory/memory-store'
import { ConditionalStore, toSession } from './conditional-store'

/** A session without an end lives as long as the process, or until there is no room for it. */
const FOR_EVER = 2 ** 52

/**
 * Keeps sessions in this process, as text. Expired ones go by themselves, and it never takes more than 256 MiB; with
 * `NODE_ENV=production` it warns. It has express-session's methods.
 */
export class MemoryStore extends ConditionalStore {
  readonly #texts: TextMemory

  constructor() {
    const texts = new TextMemory({ now: () => Date.now() })
    super(texts, { life: FOR_EVER })
    this.#texts = texts
  }

  /** Every session that is kept, by id. */
  all(callback?: Answer<Record<string, object>>): void {
    const sessions = Object.create(null) as Record<string, object>
    for (const [id, text] of this.#texts.entries()) sessions[id] = parse(text)
    if (callback) setImmediate(callback, null, sessions)
  }

  /** Drops all of them. */
  clear(callback?: Answer): void {
    void this.#texts.close().then(() => callback?.())
  }

  /** How many there are. */
  length(callback: Answer<number>): void {
    setImmediate(callback, null, [...this.#texts.entries()].length)
  }

  protected override renew(id: string, session: object): Promise<void> {
    return this.rewrite(id, session)
  }
}

function parse(text: string): object {
  const { cookie, data } = decodeRecord(text, { bytes: Infinity, depth: Infinity, reserved: new Set() })
  return toSession({ cookie, data: () => data })
}
