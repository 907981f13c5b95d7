import type { SessionOptions, Store } from '../../../lib'
import type { Answer } from '../../support/send'
import { type Bag, type Handler, returning, until, type Visitor } from '../../support/site'
import { Halt } from '../../support/halt'

/** For a slow and busy machine. */
const TIMEOUT = 20_000

/** A site, and a visitor whose session holds the data. */
export const begin = (store: Store, data: Record<string, unknown>, options: Partial<SessionOptions> = {}) =>
  returning({ timeout: TIMEOUT, ...options, store }, data)

/** What a session holds, as the next request finds it. */
export function held(visitor: Visitor): Promise<Record<string, unknown>> {
  return visitor.ask((session) => {
    const { cookie: _cookie, ...data } = session
    return data
  })
}

/**
 * One request that has read its session, or done more, and waits; another one that comes and goes meanwhile; then the
 * first goes on. Both have the cookies of the visitor, who keeps what the first is sent.
 */
export async function meanwhile(
  visitor: Visitor,
  slow: (session: Bag, wait: () => Promise<void>) => unknown,
  between: () => unknown
): Promise<Answer> {
  const halt = new Halt()
  const handler: Handler = (session) => slow(session, () => halt.here())
  const answer = visitor.visit(handler)
  try {
    await Promise.race([halt.reached, answer])
    await between()
  } finally {
    halt.go()
  }
  return answer
}

export type Change = (session: Bag) => unknown

/** One request makes a change and waits, and another one makes its own meanwhile. Answers with the first one's answer. */
export function changes(visitor: Visitor, slow: Change, fast: Change): Promise<Answer> {
  const handler = async (session: Bag, wait: () => Promise<void>) => {
    await slow(session)
    await wait()
  }
  return meanwhile(visitor, handler, () => visitor.clone().ask(fast))
}

/** Ends the life of what the store keeps. */
export async function expire(store: Store, id: string): Promise<void> {
  await store.touch(id, 1)
  await until(async () => (await store.get(id)) === null)
}
