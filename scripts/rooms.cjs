/**
 * The rooms of lib/, from the top down: a file imports from its own room or from a lower one. `lines` is the most code
 * that a room may hold (docs/decisions/0007-size-of-the-library.md).
 */
module.exports = [
  { name: 'cli', path: '^lib/cli/', lines: 450, about: 'the holdfast command' },
  {
    name: 'entries',
    path: '^lib/(index|redis|testing|store-tests|express-session)[.]m?ts$',
    lines: 335,
    about: 'the public API, and nothing else'
  },
  { name: 'testing', path: '^lib/testing/', lines: 850, about: 'checks a store against the contract' },
  {
    name: 'express-session',
    path: '^lib/express-session/',
    lines: 1310,
    about: 'the drop-in for express-session'
  },
  {
    name: 'middleware',
    path: '^lib/middleware[.]ts$',
    lines: 275,
    about: "the request's path, top down, on one page"
  },
  {
    name: 'debug',
    path: '^lib/debug[.]ts$',
    lines: 80,
    about: 'one line for each request, if HOLDFAST_DEBUG=1'
  },
  {
    name: 'manager',
    path: '^lib/manager/',
    lines: 495,
    about: "sessions without a response: a user's devices, sockets, workers"
  },
  {
    name: 'setup',
    path: '^lib/setup[.]ts$',
    lines: 105,
    about: 'shared by all requests of one store: repository, signer, transport'
  },
  {
    name: 'options',
    path: '^lib/option(s|-warnings)[.]ts$',
    lines: 415,
    about: 'each option once: type, default and check'
  },
  {
    name: 'session',
    path: '^lib/session/',
    lines: 1970,
    about: "one request's session: what handlers see and call, and what has to be stored"
  },
  {
    name: 'repository',
    path: '^lib/repository/',
    lines: 1930,
    about: 'turns sessions into records, and commits them conditionally and in time'
  },
  {
    name: 'cookie',
    path: '^lib/cookie/',
    lines: 540,
    about: 'reads, verifies, signs and writes the session cookie'
  },
  { name: 'stores', path: '^lib/stores/', lines: 1610, about: 'keep one text for each id' },
  {
    name: 'response',
    path: '^lib/response/',
    lines: 680,
    about: 'holds a response until a promise settles; knows no session'
  },
  {
    name: 'foundation',
    path: '^lib/(copies|errors|events|express-request|request|session-data|standard-schema)[.]ts$',
    lines: 245,
    about: 'errors, events, and the types of requests'
  }
]
