import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { observe } from './observe.mjs'
import { bare } from './pages.mjs'

// The process of one server. Its parent learns the port, and asks for what the process has used so far. Only what a
// subject needs is imported: the counts have to run where the libraries of the others are not installed.
const SERVERS = {
  http: async () => (await import('./http.mjs')).httpServer,
  express: async () => (await import('./express.mjs')).expressServer,
  koa: async () => (await import('./koa.mjs')).koaServer,
  fastify: async () => (await import('./fastify.mjs')).fastifyServer
}
const LIBRARIES = {
  least: async () => (await import('./least.mjs')).least,
  holdfast: async () => (await import('./holdfast.mjs')).holdfast,
  'express-session': async () => (await import('./express-session.mjs')).expressSession,
  'koa-session': async () => (await import('./koa.mjs')).koaSession,
  '@fastify/session': async () => (await import('./fastify.mjs')).fastifySession
}

const [subject, url] = JSON.parse(process.argv[2])
const secret = randomBytes(32).toString('base64url')
const open = await LIBRARIES[subject.library]?.()
const library = open ? await open(subject, { secret, url }) : bare
const serve = await SERVERS[subject.framework]()
const server = await serve(library)
// Connections rest while others are measured.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1')
await once(server, 'listening')

process.on('message', (question) => process.send(observe[question]()))
process.on('disconnect', () => process.exit())
process.send(server.address().port)
