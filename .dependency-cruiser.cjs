/**
 * The rooms of lib/, from the top down (design.md, "The rooms"): a file imports from its own room or from one further
 * down. What no other line names is in `core`, the session itself.
 */
const rooms = [
  { name: 'cli', path: '^lib/cli/' },
  { name: 'entries', path: '^lib/(index|redis|testing|express-session)[.]m?ts$' },
  { name: 'testing', path: '^lib/testing/' },
  { name: 'express-session', path: '^lib/express-session/' },
  { name: 'middleware', path: '^lib/middleware[.]ts$' },
  { name: 'core', path: '^lib/[^/]+[.]ts$' },
  { name: 'cookie', path: '^lib/cookie/' },
  { name: 'stores', path: '^lib/stores/' },
  { name: 'foundation', path: '^lib/(errors|events|session-data)[.]ts$' }
]

/** Rooms that stand side by side: neither looks into the other. */
const apart = [['cookie', 'stores']]

const from = (name) => {
  const index = rooms.findIndex((room) => room.name === name)
  // A file belongs to the room that names it most exactly: only `core` is a catch-all.
  const pathNot = name === 'core' ? rooms.filter((room) => room.name !== 'core').map((room) => room.path) : []
  return { path: rooms[index].path, pathNot }
}

const upward = rooms.flatMap((lower, index) =>
  rooms.slice(0, index).map((upper) => ({ name: `${lower.name}-not-up-to-${upper.name}`, lower, upper }))
)

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A file and what it imports are understood one after the other. Types count, too.',
      severity: 'error',
      from: {},
      to: { circular: true }
    },
    ...upward.map(({ name, lower, upper }) => ({
      name,
      comment: 'Imports point downwards only.',
      severity: 'error',
      from: from(lower.name),
      to: from(upper.name)
    })),
    ...apart.map(([one, other]) => ({
      name: `${one}-and-${other}-apart`,
      severity: 'error',
      from: from(one),
      to: from(other)
    })),
    {
      name: 'session-data-only-in-index',
      comment:
        'CommonJS users augment the interface that index.ts derives; below it, `this` stands for their data.',
      severity: 'error',
      from: { pathNot: '^lib/index[.]m?ts$' },
      to: { path: '^lib/session-data[.]ts$' }
    },
    {
      name: 'testing-knows-the-contract-only',
      comment: 'What a store has to keep is in its contract, and nowhere else.',
      severity: 'error',
      from: { path: '^lib/testing/' },
      to: { path: '^lib/', pathNot: '^lib/(testing/|stores/store[.]ts$)' }
    },
    {
      name: 'no-session-in-response-hold',
      severity: 'error',
      from: { path: '^lib/response-hold' },
      to: { path: '^lib/(.*session|repository|record|merge|commit|cookie/|stores/)', reachable: true }
    },
    {
      name: 'no-http-in-request-session',
      severity: 'error',
      from: { path: '^lib/(request-session|repository|record|merge|commit|stores/)' },
      to: { path: '^(node:)?(http|http2|net)$' }
    },
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
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true }
    }
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['require', 'node', 'types'] }
  }
}
