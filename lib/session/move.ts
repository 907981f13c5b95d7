import type { Budget } from '../repository/budget'
import type { CurrentSession } from './tracked-session'
import { discard, isGone, type Committed, type Draft } from '../repository/repository'
import type { SessionContext } from './scope'
import type { Snapshot } from '../repository/snapshot'

/**
 * `keep: true`: the same session under a new id. The old id is closed by a conditional write, so that a change
 * which another request stored there meanwhile comes along, and so that a logout meanwhile wins.
 */
export async function finishMove(
  current: CurrentSession,
  stored: Committed,
  context: SessionContext,
  budget: Budget,
  draft: (latest: Snapshot | null) => Draft
): Promise<Committed> {
  const { repository } = context
  let committed = stored
  for (;;) {
    const { id, base, known, rev } = current.movedFrom!
    let theirs: Snapshot | undefined
    try {
      theirs = await repository.retire(id, known, rev, budget)
    } catch (error) {
      // Gone means a logout: then the new id has to go too. After any other failure the old id may be closed
      // already, and taking the new one away would leave neither.
      if (isGone(error)) await repository.destroy(current.id, budget)
      throw error
    }
    if (!theirs) {
      current.movedFrom = undefined
      discard(repository, id, context.settings.timeout, current.id)
      return { ...committed, merged: known !== base }
    }
    // Noted before anything else is tried: another attempt, under another new id, has to bring it along too.
    current.movedFrom = { id, base, known: theirs, rev }
    committed = await repository.commit(current.id, committed.snapshot, draft, budget)
  }
}
