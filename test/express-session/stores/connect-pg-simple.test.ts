import withSession from 'connect-pg-simple'
import session from 'express-session'
import { Pool } from 'pg'
import { atEnd } from '../../support/serve'
import { type PostgresServer, startPostgres } from '../support/postgres'
import { suite } from './suite'

let postgres: PostgresServer

beforeAll(async () => {
  postgres = atEnd(await startPostgres(), (it) => it.stop())
})

suite('connect-pg-simple', () => {
  const pool = new Pool(postgres.connection)
  const store = new (withSession(session))({ pool, createTableIfMissing: true, pruneSessionInterval: false })
  return {
    store,
    pass: async (id, ms, age) => {
      const asked = 'SELECT sess::text FROM session WHERE sid = $1'
      const { rows } = await pool.query<{ sess: string }>(asked, [id])
      const earlier =
        'UPDATE session SET sess = $2, expire = expire - make_interval(secs => $3) WHERE sid = $1'
      await pool.query(earlier, [id, age(rows[0]!.sess), ms / 1000])
    },
    close: async () => {
      await store.close()
      await pool.end()
    }
  }
})
