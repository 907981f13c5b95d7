const ours = { library: 'holdfast', label: 'Holdfast' }
const expressSession = { framework: 'express', library: 'express-session' }

/** What is measured: a server, and the session library on it if there is one. `quick`: with `--quick` as well. */
export const SUBJECTS = [
  { framework: 'http', quick: true },
  { framework: 'http', ...ours, store: 'ioredis', load: 'eager', quick: true },
  { framework: 'http', ...ours, store: 'ioredis', load: 'lazy', quick: true },
  { framework: 'express', quick: true },
  { framework: 'express', library: 'dictionaries', quick: true },
  { framework: 'express', ...ours, store: 'memory', load: 'eager' },
  { framework: 'express', ...ours, store: 'memory', load: 'lazy' },
  { framework: 'express', ...ours, store: 'ioredis', load: 'eager', quick: true },
  { framework: 'express', ...ours, store: 'ioredis', load: 'lazy', quick: true },
  { framework: 'express', ...ours, store: 'ioredis', load: 'lazy', pipelining: true },
  { ...expressSession, store: 'memory' },
  { ...expressSession, store: 'connect-redis', quick: true },
  { ...expressSession, store: 'ioredis' },
  { framework: 'koa', quick: true },
  { framework: 'koa', library: 'koa-session', store: 'ioredis', quick: true },
  { framework: 'fastify' },
  { framework: 'fastify', library: '@fastify/session', store: 'ioredis' }
]

const STORES = {
  holdfast: { memory: 'MemoryStore', ioredis: 'RedisStore on ioredis' },
  'express-session': {
    memory: 'MemoryStore',
    'connect-redis': 'connect-redis on node-redis',
    ioredis: 'plain store on ioredis'
  },
  'koa-session': { ioredis: 'plain store on ioredis' },
  '@fastify/session': { ioredis: 'plain store on ioredis' }
}

export const SERVERS = { http: 'node:http', express: 'Express', koa: 'Koa', fastify: 'Fastify' }

export function nameOf({ library, label = library, load, store, pipelining }) {
  if (!library) return 'bare'
  // What of the gain is this (docs/decisions/0015-dictionaries.md), and what the rest costs.
  if (library === 'dictionaries') return 'none, objects made dictionaries'
  const mode = load ? ` ${load},` : ','
  return `${label}${mode} ${STORES[library][store]}${pipelining ? ', autopipelining' : ''}`
}

/** The subjects that have all of these properties. */
export function subjectsWith(wanted) {
  return SUBJECTS.filter((subject) =>
    Object.entries({ pipelining: undefined, ...wanted }).every(([key, value]) => subject[key] === value)
  )
}

/** The server without sessions, whose cost is taken off. */
export function bareOf({ framework }) {
  return SUBJECTS.find((subject) => subject.framework === framework && !subject.library)
}
