import { Browser } from '../../support/browser'
import type { Answer } from '../../support/send'
import { lagBetween } from './lag'
import { isLong } from '../../support/long'

/** What became of one request. */
export interface Outcome {
  readonly path: string
  /** 0: the connection broke. */
  readonly status: number
  /** Times of `performance.now()`. */
  readonly began: number
  readonly ended: number
}

/** One of the ways in which a request uses its session. */
const KINDS = ['mark', 'count', 'read', 'save', 'free'] as const
export type Kind = (typeof KINDS)[number]

/** A visitor who notes what was acknowledged, and what is unknown. */
export class Witness extends Browser {
  /** Keys whose write was answered with 200. */
  readonly acknowledged = new Set<string>()
  /** Calls of `/count` that were answered with 200, and those whose outcome is unknown. */
  counted = 0
  perhapsCounted = 0
  #keys = 0

  /** Asks, and keeps the cookie. */
  async ask(path: string): Promise<Outcome & { readonly answer: Answer | undefined }> {
    const began = performance.now()
    const answer = await this.send(path).catch(() => undefined)
    return { path, status: answer?.status ?? 0, began, ended: performance.now(), answer }
  }

  /** A request of this kind, noted. */
  async use(kind: Kind): Promise<Outcome> {
    const key = `key${++this.#keys}`
    const isWrite = kind === 'mark' || kind === 'save'
    const { answer, ...outcome } = await this.ask(isWrite ? `/${kind}/${key}` : `/${kind}`)
    if (isWrite && outcome.status === 200) this.acknowledged.add(key)
    if (kind === 'count') {
      if (outcome.status === 200) this.counted++
      else this.perhapsCounted++
    }
    return outcome
  }

  /** What is wrong with the session as it is stored, told for people. */
  complaints(text: string | null): string[] {
    if (text === null) return [`the session is gone, with ${this.acknowledged.size} acknowledged writes`]
    const data = JSON.parse(text) as Record<string, unknown>
    const count = Number(data.count ?? 0)
    const complaints = this.lost(data).map((key) => `${key} is lost`)
    if (count < this.counted) complaints.push(`counted ${count}, acknowledged ${this.counted}`)
    if (count > this.counted + this.perhapsCounted) {
      complaints.push(`counted ${count}, asked ${this.counted + this.perhapsCounted}`)
    }
    return complaints
  }

  /** Acknowledged keys that are not in the data. */
  lost(data: Record<string, unknown>): string[] {
    return [...this.acknowledged].filter((key) => !(key in data))
  }
}

/** Milliseconds between two requests, at least: the machine has other things to do, and in the end for long. */
const PACE = isLong ? 8 : 4

/** Requests by all visitors in turn, of all kinds in turn, evenly spread over so many milliseconds or longer. */
export async function load(
  visitors: readonly Witness[],
  requests: number,
  ms: number,
  kinds: readonly Kind[] = KINDS
): Promise<Outcome[]> {
  const began = performance.now()
  const outcomes: Promise<Outcome>[] = []
  for (let i = 0; i < requests; i++) {
    const wait = began + i * Math.max(ms / requests, PACE) - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const round = Math.floor(i / visitors.length)
    outcomes.push(visitors[i % visitors.length]!.use(kinds[(i + round) % kinds.length]!))
  }
  return Promise.all(outcomes)
}

/** Those that did not settle by the deadline and a half, less than two deadlines, whatever this process could have done. */
export function late(outcomes: readonly Outcome[], deadline = 1000): Outcome[] {
  return outcomes.filter(({ began, ended }) => ended - began > deadline * 1.5 + lagBetween(began, ended))
}

export const answeredWell = ({ status }: Outcome): boolean => status >= 200 && status < 300
export const needsStore = ({ path }: Outcome): boolean => path !== '/free'

/** How many outcomes had which status, for messages: `{ 200: 40, 503: 10 }`. */
export function byStatus(outcomes: readonly Outcome[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of outcomes) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
