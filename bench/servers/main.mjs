import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { expressServer } from './express.mjs'
import { expressSession } from './express-session.mjs'
import { fastifyServer, fastifySession } from './fastify.mjs'
import { dictionaries, holdfast } from './holdfast.mjs'
import { httpServer } from './http.mjs'
import { koaServer, koaSession } from './koa.mjs'
import { bare } from './pages.mjs'

// The process of one server. Its parent learns the port, and asks for the processor time that was used so far.
const SERVERS = { http: httpServer, express: expressServer, koa: koaServer, fastify: fastifyServer }
const LIBRARIES = {
  dictionaries,
  holdfast,
  'express-session': expressSession,
  'koa-session': koaSession,
  '@fastify/session': fastifySession
}

const [subject, url] = JSON.parse(process.argv[2])
const secret = randomBytes(32).toString('base64url')
const library = subject.library ? await LIBRARIES[subject.library](subject, { secret, url }) : bare
const server = await SERVERS[subject.framework](library)
// Connections rest while others are measured.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1')
await once(server, 'listening')

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send(user + system)
})
process.on('disconnect', () => process.exit())
process.send(server.address().port)
