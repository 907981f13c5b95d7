import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import withPostgres from 'connect-pg-simple'
import { RedisStore as ConnectRedis } from 'connect-redis'
import session from 'express-session'
import { Pool } from 'pg'
import { createClient, type RedisClientType } from 'redis'
import withFiles from 'session-file-store'
import { MemoryStore } from '../../../lib'
import ours from '../../../lib/express-session'
import { RedisStore } from '../../../lib/redis'
import type { AnyStore } from '../../express-session/support/implementations'
import { startPostgres } from '../../express-session/support/postgres'
import { startRedis } from '../../support/redis-server'
import { atEnd } from '../../support/serve'

export interface Backend {
  /** Another object of the same kind, over the same server. */
  store(): AnyStore
}

/** Stores written for express-session. */
export const SHARED: Record<string, () => Promise<Backend>> = {
  MemoryStore: async () => ({ store: () => new session.MemoryStore() }),
  'connect-redis': () => onRedis((client) => new ConnectRedis({ client })),
  'connect-pg-simple': async () => {
    const postgres = atEnd(await startPostgres(), (it) => it.stop())
    const pool = atEnd(new Pool(postgres.connection), (it) => it.end())
    const PostgresStore = withPostgres(session)
    const options = { pool, pruneSessionInterval: false }
    await pool.query(
      'CREATE TABLE session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp NOT NULL)'
    )
    return { store: () => new PostgresStore(options) }
  },
  'session-file-store': async () => {
    const made = await mkdtemp(join(tmpdir(), 'holdfast-sessions-'))
    const path = atEnd(made, (it) => rm(it, { recursive: true }))
    const FileStore = withFiles(session)
    // A file that is not there is read again, several times; once is enough here.
    const retry = { retries: 1, minTimeout: 1, maxTimeout: 1 }
    return { store: () => new FileStore({ path, ...retry, reapInterval: -1, logFn: () => undefined }) }
  }
}

/** Stores of this library. */
export const OWN: Record<string, () => Promise<Backend>> = {
  "Holdfast's MemoryStore": async () => ({ store: () => new MemoryStore() }),
  "the drop-in's MemoryStore": async () => ({ store: () => new ours.MemoryStore() }),
  "Holdfast's RedisStore": () => onRedis((client) => new RedisStore(client))
}

async function onRedis(store: (client: RedisClientType) => AnyStore): Promise<Backend> {
  const { url } = atEnd(await startRedis(), (it) => it.stop())
  const client: RedisClientType = createClient({ url })
  atEnd(await client.connect(), () => client.destroy())
  return { store: () => store(client) }
}
