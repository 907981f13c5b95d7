import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import withPostgres from 'connect-pg-simple'
import { RedisStore as ConnectRedis } from 'connect-redis'
import session from 'express-session'
import { Pool } from 'pg'
import { createClient } from 'redis'
import withFiles from 'session-file-store'
import { MemoryStore } from '../../../lib'
import ours from '../../../lib/express-session'
import { RedisStore } from '../../../lib/redis'
import type { AnyStore } from '../../express-session/support/implementations'
import { startPostgres } from '../../express-session/support/postgres'
import { startRedis } from '../../support/redis-server'

export interface Backend {
  /** Another object of the same kind, over the same server. */
  store(): AnyStore
  close(): Promise<unknown>
}

/** Stores written for express-session. */
export const SHARED: Record<string, () => Promise<Backend>> = {
  MemoryStore: async () => ({
    store: () => new session.MemoryStore(),
    close: async () => undefined
  }),
  'connect-redis': () => onRedis((client) => new ConnectRedis({ client })),
  'connect-pg-simple': async () => {
    const postgres = await startPostgres()
    const pool = new Pool(postgres.connection)
    const PostgresStore = withPostgres(session)
    const options = { pool, pruneSessionInterval: false }
    await pool.query(
      'CREATE TABLE session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp NOT NULL)'
    )
    return {
      store: () => new PostgresStore(options),
      close: () => pool.end().then(() => postgres.stop())
    }
  },
  'session-file-store': async () => {
    const path = await mkdtemp(join(tmpdir(), 'holdfast-sessions-'))
    const FileStore = withFiles(session)
    // A file that is not there is read again, several times; once is enough here.
    const retry = { retries: 1, minTimeout: 1, maxTimeout: 1 }
    return {
      store: () => new FileStore({ path, ...retry, reapInterval: -1, logFn: () => undefined }),
      close: () => rm(path, { recursive: true })
    }
  }
}

/** Stores of this library. */
export const OWN: Record<string, () => Promise<Backend>> = {
  "Holdfast's MemoryStore": async () => ({ store: () => new MemoryStore(), close: async () => undefined }),
  "the drop-in's MemoryStore": async () => ({
    store: () => new ours.MemoryStore(),
    close: async () => undefined
  }),
  "Holdfast's RedisStore": () => onRedis((client) => new RedisStore(client))
}

type Client = Awaited<ReturnType<typeof connect>>

function connect(url: string) {
  return createClient({ url }).connect()
}

async function onRedis(store: (client: Client) => AnyStore): Promise<Backend> {
  const redis = await startRedis()
  const client = await connect(redis.url)
  return {
    store: () => store(client),
    close: () => {
      client.destroy()
      return redis.stop()
    }
  }
}
