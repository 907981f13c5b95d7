import type { RedisClient } from './client'
import { createSubscriber, type Subscriber } from './subscriber'
import type { Ended } from '../store'

/** How long an attempt to listen may take, and the pauses between attempts: the first, and the longest, in ms. */
const PATIENCE = 5000
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 1000

interface Listener {
  readonly heard: (ended: Ended) => void
  readonly resumed: () => void
}

/** What is published where something was destroyed. Ids have no spaces. */
export function messageOf({ id, successor }: Ended): string {
  return successor === undefined ? id : `${id} ${successor}`
}

/** Listens to what is destroyed, over one connection for all who watch, as long as somebody does. */
export class RedisWatch {
  readonly #listeners = new Set<Listener>()
  #subscriber: Subscriber | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0

  constructor(
    private readonly client: RedisClient,
    private readonly channel: string
  ) {}

  watch(heard: Listener['heard'], resumed: Listener['resumed']): () => void {
    const listener = { heard, resumed }
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#connect()
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.close()
    }
  }

  /** Ends it for all who watch. */
  close(): void {
    this.#listeners.clear()
    this.#failures = 0
    this.#disconnect()
  }

  #connect(): void {
    const lost = (subscriber?: Subscriber) => {
      if (subscriber === this.#subscriber) this.#again()
    }
    try {
      const subscriber = (this.#subscriber = createSubscriber(this.client))
      this.#timer = setTimeout(() => lost(subscriber), PATIENCE).unref()
      const heard = (message: string) => this.#heard(message)
      subscriber
        .open(this.channel, heard, () => lost(subscriber))
        .then(
          () => subscriber === this.#subscriber && this.#listens(),
          () => lost(subscriber)
        )
    } catch {
      lost()
    }
  }

  #listens(): void {
    clearTimeout(this.#timer)
    this.#failures = 0
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
    const [id = '', successor] = message.split(' ')
    for (const { heard } of [...this.#listeners]) heard(successor === undefined ? { id } : { id, successor })
  }
}
