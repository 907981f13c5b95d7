import session from 'express-session'
import ours from '../../../lib/express-session'
import type { SessionModule } from '../../express-session/support/implementations'
import { type Anomaly, anomalies, FAULTS, type Kind, KINDS } from './anomalies'
import type { Backend } from './backends'
import type { Schedule } from './schedule'
import type { Stage, Visit } from './stage'

/** How many anomalies of each kind there were, and how many schedules. */
export type Counts = Record<Kind, number> & { schedules: number }

export interface Comparison {
  readonly theirs: Counts
  readonly ours: Counts
  /** What went wrong with the drop-in, to find out why. */
  readonly examples: string[]
  /** Schedules in which only one of the two let a copy outlive a logout. */
  discordant: number
}

interface Rules {
  /** Milliseconds that the drop-in waits for a store. */
  timeout?: number
  crowded?: boolean
}

/** How many schedules are played at once; each of them waits most of the time. */
const AT_ONCE = 16

/** Plays the same schedules on express-session and on the drop-in, over stores of the same kind. */
export async function compare(
  stage: Stage,
  backend: Backend,
  plans: readonly Schedule[],
  rules: Rules = {}
): Promise<Comparison> {
  const result: Comparison = { theirs: none(), ours: none(), examples: [], discordant: 0 }
  await each(plans, async (schedule) => {
    const [their, our] = await Promise.all([
      judge(stage, session, backend, schedule, rules),
      judge(stage, ours, backend, schedule, rules)
    ])
    add(result.theirs, their.found)
    add(result.ours, our.found)
    if (hasCopy(their.found) !== hasCopy(our.found)) result.discordant++
    explain(result.examples, schedule, our)
  })
  return result
}

/** Plays schedules on the drop-in alone. */
export async function playOurs(
  stage: Stage,
  backend: Backend,
  plans: readonly Schedule[]
): Promise<Pick<Comparison, 'ours' | 'examples'>> {
  const result = { ours: none(), examples: [] }
  await each(plans, async (schedule) => {
    const judged = await judge(stage, ours, backend, schedule)
    add(result.ours, judged.found)
    explain(result.examples, schedule, judged)
  })
  return result
}

/** The kinds of which the drop-in has more. */
export function worse({ theirs, ours, discordant }: Comparison): Partial<Record<Kind, string>> {
  // Applications copy by hand, and neither library knows it: which request comes first is chance, on both sides alike.
  const isChance = ours['copy outlives logout'] <= theirs['copy outlives logout'] + 4 * Math.sqrt(discordant)
  return which((kind) => {
    if (kind === 'honest refusal' || (kind === 'copy outlives logout' && isChance)) return undefined
    return ours[kind] > theirs[kind] ? `${theirs[kind]} became ${ours[kind]}` : undefined
  })
}

/** The kinds of which there are any, of those that are a library's fault. */
export function anyWrong(counts: Counts): Partial<Record<Kind, number>> {
  return which((kind) => (FAULTS.has(kind) && counts[kind] > 0 ? counts[kind] : undefined))
}

function which<T>(answer: (kind: Kind) => T | undefined): Partial<Record<Kind, T>> {
  const entries = KINDS.map((kind) => [kind, answer(kind)] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

export function none(): Counts {
  return { schedules: 0, ...(Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>) }
}

export function add(counts: Counts, found: readonly Anomaly[]): void {
  counts.schedules++
  for (const { kind } of found) counts[kind]++
}

interface Judged {
  readonly found: readonly Anomaly[]
  readonly visits: readonly Visit[]
}

async function judge(
  stage: Stage,
  session: SessionModule,
  backend: Backend,
  schedule: Schedule,
  rules: Rules = {}
): Promise<Judged> {
  const visits = await stage.play({ session, store: backend.store() }, schedule, rules)
  return { found: anomalies(visits, rules), visits }
}

function hasCopy(found: readonly Anomaly[]): boolean {
  return found.some(({ kind }) => kind === 'copy outlives logout')
}

function explain(examples: string[], schedule: Schedule, { found, visits }: Judged): void {
  const first = found.find(({ kind }) => FAULTS.has(kind))
  if (!first || examples.length === 3) return
  const lines = visits.map(({ action: _action, ...visit }) => JSON.stringify(visit))
  examples.push([`${first.kind}: ${first.what}`, JSON.stringify(schedule), ...lines].join('\n'))
}

async function each<T>(list: readonly T[], run: (one: T) => Promise<void>): Promise<void> {
  const left = list.values()
  const worker = async (): Promise<void> => {
    for (const one of left) await run(one)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
