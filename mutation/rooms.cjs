/** The rooms of lib/ that are mutated, with the tests that look for mutants there: those that are about it, and quick. */
exports.TESTS = {
  cookie: ['cookie/**/*', 'session/cookie'],
  repository: ['repository/**/*'],
  session: ['session/**/*']
}
exports.ROOMS = Object.keys(exports.TESTS)
exports.ROOM = process.env.MUTATION_ROOM ?? 'cookie'
