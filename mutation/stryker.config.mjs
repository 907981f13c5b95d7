import { ROOM } from './rooms.cjs'

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner', './mutation/messages.mjs'],
  mutate: [`lib/${ROOM}/**/*.ts`],
  ignorers: ['messages'],
  ignorePatterns: ['bench', 'coverage', 'demo', 'dist', 'docs', 'examples', 'packages'],
  // Jest finds no tests that import a file through others of lib/.
  jest: { configFile: 'mutation/jest.config.cjs', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  incremental: true,
  incrementalFile: `node_modules/.cache/mutation/${ROOM}.json`,
  tempDirName: '.tmp/mutation',
  concurrency: 2,
  // A machine that is busy with other things must not make a mutant look found.
  timeoutMS: 20_000,
  timeoutFactor: 3,
  dryRunTimeoutMinutes: 20,
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false },
  jsonReporter: { fileName: `node_modules/.cache/mutation/${ROOM}-report.json` },
  disableTypeChecks: 'lib/**/*.ts',
  allowConsoleColors: false
}
