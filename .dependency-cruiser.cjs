const rooms = require('./scripts/rooms.cjs')

/** Rooms on one floor: neither imports from the other. */
const apart = [
  ['cookie', 'stores'],
  ['express-session', 'middleware'],
  ['express-session', 'manager']
]

/** What a room must not see, beyond the order of the floors. */
const walls = [
  {
    name: 'no-session-in-response',
    comment: 'A response is held until a promise settles, whatever that promise is for.',
    from: '^lib/response/',
    to: '^lib/',
    except: '^lib/response/'
  },
  {
    name: 'a-store-knows-the-contract-alone',
    comment: 'A store keeps texts: it knows nothing of sessions, cookies or HTTP.',
    from: '^lib/stores/',
    to: '^lib/',
    except: '^lib/(stores/|errors[.]ts$)'
  },
  {
    name: 'testing-knows-the-contract-alone',
    comment: 'The tests of a store check what the contract says, and nothing else.',
    from: '^lib/testing/',
    to: '^lib/',
    except: '^lib/(testing/|stores/store[.]ts$)'
  },
  {
    name: 'redis-and-memory-apart',
    from: '^lib/stores/redis/',
    to: '^lib/stores/(memory/|cookie-store|seal)'
  },
  {
    name: 'no-http-below-the-middleware',
    comment: 'A session is loaded and committed without HTTP, so that sockets and workers can do it.',
    from: '^lib/(session|repository|stores)/',
    to: '^(node:)?(http|http2|net|tls)$'
  }
]

const roomOf = (name) => rooms.find((room) => room.name === name).path
const upward = rooms.flatMap((lower, index) => rooms.slice(0, index).map((upper) => ({ lower, upper })))

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment:
        'A file and its imports are understood one after the other. Types count as well. The entry exports itself as `default`; ' +
        'a cycle of several files has others to be found from.',
      severity: 'error',
      from: { pathNot: '^lib/index[.]ts$' },
      to: { circular: true }
    },
    {
      name: 'every-file-has-a-room',
      comment: 'A new file at the top of lib/ needs a line in `rooms`.',
      severity: 'error',
      from: {},
      to: { path: '^lib/', pathNot: rooms.map(({ path }) => path) }
    },
    ...upward.map(({ lower, upper }) => ({
      name: `${lower.name}-not-up-to-${upper.name}`,
      severity: 'error',
      from: { path: lower.path },
      to: { path: upper.path }
    })),
    ...apart.map(([one, other]) => ({
      name: `${one}-and-${other}-apart`,
      severity: 'error',
      from: { path: roomOf(one) },
      to: { path: roomOf(other) }
    })),
    ...walls.map(({ name, comment, from, to, except }) => ({
      name,
      ...(comment && { comment }),
      severity: 'error',
      from: { path: from },
      to: { path: to, ...(except && { pathNot: except }) }
    })),
    {
      name: 'only-declared-packages',
      comment:
        'Whoever installs the package gets its dependencies and, if they want, its peers: nothing else.',
      severity: 'error',
      from: { path: '^lib/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer'],
        // Types alone, and where they are missing `any`.
        pathNot: '^node_modules/(@types/)?express/'
      }
    },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } }
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['require', 'node', 'types'] }
  }
}
