const ours = { library: 'holdfast', label: 'Holdfast' }
const quick = true
const modes = (subject) => ['eager', 'lazy'].map((load) => ({ ...ours, load, ...subject }))

/** What is measured: a server, and the session library on it if there is one. `quick`: with `--quick` as well. */
export const SUBJECTS = [
  { framework: 'express', quick },
  { framework: 'express', library: 'least', store: 'node-redis', quick },
  { framework: 'express', library: 'least', store: 'ioredis', quick },
  { framework: 'express', library: 'express-session', store: 'node-redis', quick },
  ...modes({ framework: 'express', store: 'node-redis', quick }),
  ...modes({ framework: 'express', store: 'ioredis', quick }),
  { framework: 'express', library: 'express-session', store: 'ioredis' },
  { framework: 'express', library: 'express-session', store: 'memory' },
  ...modes({ framework: 'express', store: 'memory', quick }),
  { framework: 'http', quick },
  ...modes({ framework: 'http', store: 'node-redis', quick }),
  ...modes({ framework: 'http', store: 'ioredis' }),
  { framework: 'koa', quick },
  { framework: 'koa', library: 'koa-session', store: 'node-redis', quick },
  { framework: 'koa', library: 'koa-session', store: 'ioredis' },
  { framework: 'fastify' },
  { framework: 'fastify', library: '@fastify/session', store: 'node-redis' }
]

/** Another build of Holdfast, to see whether the current one is faster. */
export const earlier = (dist) => [
  ...modes({ framework: 'express', store: 'node-redis', dist, label: 'Holdfast before', quick }),
  ...modes({ framework: 'express', store: 'ioredis', dist, label: 'Holdfast before', quick })
]

const STORES = {
  least: { 'node-redis': 'node-redis', ioredis: 'ioredis' },
  holdfast: { memory: 'MemoryStore', 'node-redis': 'node-redis', ioredis: 'ioredis' },
  'express-session': {
    memory: 'MemoryStore',
    'node-redis': 'connect-redis on node-redis',
    ioredis: 'plain store on ioredis'
  },
  'koa-session': { 'node-redis': 'plain store on node-redis', ioredis: 'plain store on ioredis' },
  '@fastify/session': { 'node-redis': 'plain store on node-redis' }
}

export const SERVERS = { http: 'node:http', express: 'Express', koa: 'Koa', fastify: 'Fastify' }

export function nameOf({ library, label = library, load, store }) {
  if (!library) return 'bare'
  return `${label}${load ? ` ${load}` : ''}, ${STORES[library][store]}`
}

/** The first subject that has all of these properties. */
export function subjectWith(wanted, subjects = SUBJECTS) {
  return subjects.find((subject) => Object.entries(wanted).every(([key, value]) => subject[key] === value))
}

/** The server without sessions, whose cost is taken off. */
export function bareOf({ framework }, subjects = SUBJECTS) {
  return subjects.find((subject) => subject.framework === framework && !subject.library)
}
