import { RedisStore } from 'connect-redis'
import express, { type Handler, type Request } from 'express'
import theirs from 'express-session'
import { createClient } from 'redis'
import session from '../../../lib'
import ours from '../../../lib/express-session'
import { RedisStore as OwnStore } from '../../../lib/redis'

/**
 * An application in a process of its own, whose sessions are kept on the Redis at `REDIS_URL` by the library that `LIBRARY`
 * names, through connect-redis where that is not said otherwise. It prints its port, and ends with its input.
 */
const { REDIS_URL = '', SECRET = '', LIBRARY = '' } = process.env

const client = createClient({ url: REDIS_URL })
const store = new RedisStore({ client })
const options = { secret: SECRET, name: 'sid', store, resave: false, saveUninitialized: false }
const LIBRARIES: Record<string, () => Handler> = {
  'express-session': () => theirs(options),
  'holdfast/express-session': () => ours(options) as Handler,
  'holdfast on its RedisStore': () =>
    session({ secret: SECRET, name: 'sid', store: new OwnStore(client) }) as Handler,
  holdfast: () => session({ secret: SECRET, name: 'sid', store }) as Handler
}

type Bag = Record<string, unknown> & Record<'destroy' | 'regenerate', (done: () => void) => void>
const bag = (req: Request): Bag => req.session as unknown as Bag

const app = express()
app.use(LIBRARIES[LIBRARY]!())
app.post('/write/:key', (req, res) => {
  bag(req)[req.params.key] = true
  res.end()
})
app.post('/read', (req, res) => {
  const { cookie: _cookie, ...data } = bag(req)
  res.json(data)
})
app.post('/:method', (req, res) => {
  bag(req)[req.params.method as 'destroy'](() => res.end())
})

void client.connect().then(() => {
  const server = app.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port))
})

process.stdin.on('end', () => process.exit()).resume()
