import { randomBytes } from 'node:crypto'
import type { RedisClient } from './client'
import { replyOf } from './command-error'
import { createSubscriber, type Subscriber } from './subscriber'
import type { Ended } from '../store'

/** How long an attempt to listen may take, and the pauses between attempts: the first, and the longest, in ms. */
const LONGEST_ATTEMPT = 5000
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 1000
/** How many messages are remembered that were heard in one of the two ways in which they come. */
const REMEMBERED = 1000

interface Listener {
  readonly heard: (ended: Ended) => void
  readonly resumed: () => void
}

/** The part of its store that a {@link RedisWatch} needs. */
export interface Surroundings {
  readonly client: RedisClient
  readonly channel: string
  /** Reads under which id a session lives on. */
  successorOf(id: string): Promise<string | null>
  /** Called when the user of the connection lacks a right. */
  lacks(right: string): void
}

/**
 * Listens for ends, over one connection for all watchers, as long as there are any. A message is `<id>:<number>`,
 * or `<id>:<number>:moved`. It names no id by which anybody is logged in: the successor is kept, not published.
 * The number tells a message of this store from those of others: its own listeners are called directly as well, since
 * messages may be lost or forbidden, and whichever comes second is dropped.
 */
export class RedisWatch {
  readonly #store: Surroundings
  readonly #listeners = new Set<Listener>()
  readonly #own = randomBytes(6).toString('base64url')
  readonly #once = new Set<string>()
  #sent = 0
  #subscriber: Subscriber | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0

  constructor(store: Surroundings) {
    this.#store = store
  }

  watch(heard: Listener['heard'], resumed: Listener['resumed']): () => void {
    const listener = { heard, resumed }
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#connect()
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.close()
    }
  }

  /** A message to be published, and to be given to {@link published} once it is. */
  messageOf({ id, successor }: Ended): string {
    return `${id}:${this.#own}${this.#sent++}${successor === undefined ? '' : ':moved'}`
  }

  /** Calls the listeners of this store. */
  published(message: string, ended: Ended): void {
    if (this.#listeners.size > 0 && this.#isFirst(message)) this.#tell(ended)
  }

  /** Ends it for all who watch. */
  close(): void {
    this.#listeners.clear()
    this.#once.clear()
    this.#failures = 0
    this.#disconnect()
  }

  #connect(): void {
    const lost = (subscriber?: Subscriber, error?: unknown) => {
      if (subscriber !== this.#subscriber) return
      if (replyOf(error) === 'NOPERM') this.#store.lacks('subscribe')
      this.#again()
    }
    try {
      const subscriber = (this.#subscriber = createSubscriber(this.#store.client))
      this.#timer = setTimeout(() => lost(subscriber), LONGEST_ATTEMPT).unref()
      const heard = (message: string) => this.#heard(message)
      subscriber
        .open(this.#store.channel, heard, () => lost(subscriber))
        .then(
          () => subscriber === this.#subscriber && this.#listens(),
          (error: unknown) => lost(subscriber, error)
        )
    } catch {
      lost()
    }
  }

  #listens(): void {
    clearTimeout(this.#timer)
    this.#failures = 0
    this.#resume()
  }

  #resume(): void {
    for (const { resumed } of [...this.#listeners]) resumed()
  }

  #again(): void {
    this.#disconnect()
    const pause = Math.min(FIRST_PAUSE * 2 ** this.#failures++, LONGEST_PAUSE) * (0.5 + Math.random() / 2)
    this.#timer = setTimeout(() => this.#connect(), pause).unref()
  }

  #disconnect(): void {
    clearTimeout(this.#timer)
    const subscriber = this.#subscriber
    this.#subscriber = undefined
    subscriber?.close()
  }

  #heard(message: string): void {
    const [id = '', number, moved] = message.split(':')
    if (number?.startsWith(this.#own) && !this.#isFirst(message)) return
    if (moved === undefined) return this.#tell({ id })
    this.#store.successorOf(id).then(
      (successor) => (successor === null ? this.#resume() : this.#tell({ id, successor })),
      // As with a message that was lost, they have to look for themselves.
      () => this.#resume()
    )
  }

  #isFirst(message: string): boolean {
    if (this.#once.delete(message)) return false
    this.#once.add(message)
    for (const oldest of this.#once) if (this.#once.size > REMEMBERED) this.#once.delete(oldest)
    return true
  }

  #tell(ended: Ended): void {
    for (const { heard } of [...this.#listeners]) heard(ended)
  }
}
