import type { SessionOptions, Store } from '../../../lib'
import type { Answer } from '../../support/send'
import { Site, type Handler, type Visitor } from '../../support/site'
import { begin, held } from '../../races/support/visit'
import { Halt } from '../../support/halt'
import { isLong } from '../../support/long'

/** How often something is tried that a schedule cannot force; `npm run test:long` tries it ten times as often. */
export const rounds = (count: number) => count * (isLong ? 10 : 1)

/** Two requests of one visitor that ran at the same time, and the browsers that the answers left. */
export interface Both {
  readonly first: Answer
  readonly second: Answer
  /** What each cookie that the visitor ever had leads to. */
  readonly held: Record<string, unknown>[]
  readonly visitor: Visitor
  readonly other: Visitor
}

/**
 * Runs two requests of one visitor, which two processes answer: the first stops in front of one command to the store,
 * the second comes and goes, and the first goes on. Once for each command of the first.
 */
export async function atEachStop(
  store: Store,
  data: Record<string, unknown>,
  [first, second]: readonly [Handler, Handler],
  check: (both: Both) => unknown,
  options: Partial<SessionOptions> = {}
): Promise<void> {
  for (let stop = 0; ; stop++) {
    const { site, visitor } = await begin(store, data, options)
    const elsewhere = await Site.open({ timeout: 20_000, ...options, store: site.store })
    const [before, other] = [visitor.clone(), elsewhere.visitor(visitor.cookie)]
    const halt = new Halt()
    let commands = 0
    site.store.always(async (ask) => {
      if (commands++ === stop) await halt.here()
      return ask()
    })
    const answer = visitor.visit(first)
    const isThrough = await Promise.race([halt.reached.then(() => false), answer.then(() => true)])
    site.store.always(undefined)
    const answered = await other.visit(second)
    halt.go()
    const both = { first: await answer, second: answered, visitor, other }
    await check({
      ...both,
      held: [await held(before), await held(visitor.clone()), await held(other.clone())]
    })
    await Promise.all([site.stop(), elsewhere.stop()])
    if (isThrough) return
  }
}
