import type { Backend } from './backends'
import type { Plan } from './plan'
import { type Outcome, type Parts, play } from './run'

/** A schedule of a plan: which of the moves was taken, at each choice. Beyond its end it is the first. */
export type Path = readonly number[]

export function playPath(plan: Plan, path: Path, backend: Backend, parts?: Parts): Promise<Outcome> {
  let at = 0
  return play(plan, backend, (options) => (path[at++] ?? 0) % options, parts)
}

/** Runs every schedule of a plan, until `seen` answers false. */
export async function playAll(
  plan: Plan,
  backend: Backend,
  seen: (outcome: Outcome, path: Path) => boolean,
  parts?: Parts
): Promise<void> {
  let path: Path | undefined = []
  while (path) {
    const outcome: Outcome = await playPath(plan, path, backend, parts)
    if (!seen(outcome, path)) return
    path = nextPath(path, outcome.branches)
  }
}

/** The schedule after this one, of all that differ; undefined: there is none. */
export function nextPath(path: Path, branches: readonly number[]): Path | undefined {
  for (let last = branches.length - 1; last >= 0; last--) {
    const taken = path[last] ?? 0
    if (taken + 1 < branches[last]!) {
      return [...Array.from({ length: last }, (_, i) => path[i] ?? 0), taken + 1]
    }
  }
  return undefined
}

/** What a failed schedule has to say; the plan and the path replay it. */
export function explain(plan: Plan, path: Path, { problems, trace }: Outcome): string {
  return [...problems, '', `plan ${JSON.stringify(plan)}`, `path ${JSON.stringify(path)}`, '', ...trace].join(
    '\n'
  )
}
