import { randomBytes } from 'node:crypto'
import { createMiddleware } from '../middleware'
import type { Sessions } from '../manager/sessions'
import { RedisStore } from '../stores/redis/redis-store'
import { withRedis } from './connect'
import { LIMITS, readRecord, unreadable } from './facts'
import { type Outcome, type Surroundings, UsageError, type Values } from './outcome'
import { printable, printDuration, printJson, printTable, printTime } from './print'

/** How long the work on one session may take, in milliseconds. */
const TIMEOUT = 5000

/** Lists the sessions of a user, newest first. */
export async function list(user: string, values: Values, { env }: Surroundings): Promise<Outcome> {
  const found = await withSessions(env, values, (sessions) => sessions.list(user))
  // When it was seen last follows from the application's idleTimeout, which is not known here.
  const json = found.map(({ handle, createdAt, expiresAt, data }) => {
    return { handle, created: createdAt, expires: expiresAt, data }
  })
  const rows = json.map(({ handle, created, expires, data }) => {
    const life = printDuration(expires.getTime() - Date.now())
    return [handle, printTime(created), life, printJson(data)]
  })
  const table = printTable([['handle', 'created', 'lives', 'data'], ...rows])
  const text = rows.length > 0 ? table : `${printable(user)} has no sessions`
  return { text, json, found: rows.length > 0 }
}

/** Ends the sessions of a user: all of them, or the one with the handle that `values` has. */
export async function destroy(user: string, values: Values, { env }: Surroundings): Promise<Outcome> {
  const { handle } = values
  const ended = await withSessions(env, values, (sessions) =>
    sessions.destroy(user, handle === undefined ? undefined : { handle })
  )
  const sessions = ended === 1 ? '1 session' : `${ended || 'no'} sessions`
  return { text: `${sessions} of ${printable(user)} ended`, json: { ended }, found: ended > 0 }
}

/** Runs `use` with the sessions as an application with the option `user` has them. */
function withSessions<T>(
  { REDIS_URL }: Surroundings['env'],
  { prefix = 'SESSION:' }: Values,
  use: (sessions: Sessions) => Promise<T>
): Promise<T> {
  if (!REDIS_URL) {
    throw new UsageError('set REDIS_URL to where the sessions are, such as redis://127.0.0.1:6379')
  }
  return withRedis(REDIS_URL, (client) => {
    const store = new StrictStore(client, { prefix })
    const unused = { secret: randomBytes(32), user: () => undefined }
    return use(createMiddleware({ ...unused, limits: LIMITS, store, lifetime: Infinity, timeout: TIMEOUT }))
  })
}

/** Takes nothing that cannot be read here for no session: as that it would be removed from the index. */
class StrictStore extends RedisStore {
  override async get(id: string, ttl?: number): Promise<string | null> {
    const text = await super.get(id, ttl)
    if (text !== null && readRecord(text).handle === undefined) throw unreadable('not written by Holdfast')
    return text
  }
}
