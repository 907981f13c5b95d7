// An application's file with stores that other packages made for express-session. The test puts the imports of Express and
// express-session in front of it.
import MongoStore from 'connect-mongo'
import connectPgSimple from 'connect-pg-simple'
import { RedisStore as ConnectRedis } from 'connect-redis'
import { Pool } from 'pg'
import { createClient as connect } from 'redis'

declare module 'express-session' {
  interface SessionData {
    user: { name: string }
  }
}

const PgStore = connectPgSimple(session)
export const pg = new PgStore({ pool: new Pool(), createTableIfMissing: true, ttl: 60 })
export const mongo = MongoStore.create({ mongoUrl: 'mongodb://127.0.0.1/test', touchAfter: 60 })
export const redis = new ConnectRedis({
  client: connect(),
  prefix: 'sess:',
  ttl: ({ user }) => user.name.length
})

const application = express()
export const middleware = session({ secret: 'one', store: mongo })
for (const store of [pg, mongo, redis]) application.use(session({ secret: 'one', store }))
application.use(session({ secret: 'one', store: Math.random() < 0.5 ? pg : mongo }))

application.get('/stored', (req, res) => {
  mongo.get(req.sessionID, (_error, data) => {
    const name: string | undefined = data?.user.name
    res.json({ name, path: data?.cookie.path })
  })
  pg.touch(req.sessionID, { ...req.session, user: { name: 'ann' } })
  void redis.get(req.sessionID)
})

export class LoggedStore extends PgStore {
  override set(sid: string, data: session.SessionData, callback?: (err?: any) => void): void {
    console.log(data.user.name, data.cookie.originalMaxAge)
    super.set(sid, data, callback)
  }
}
