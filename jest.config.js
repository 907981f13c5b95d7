const ts = process.env.TEST_LONG ? '{test,long}.ts' : 'test.ts'

/** Tests across the rooms of lib/, which count no coverage: counting doubles the time of the races. */
const ACROSS = '(demo|docs|examples|faults|package|promises|races|security)'

const project = {
  testEnvironment: '<rootDir>/scripts/jest-environment.cjs',
  roots: ['<rootDir>/test'],
  transform: { '^.+\\.ts$': ['ts-jest', { diagnostics: false }] },
  cacheDirectory: '<rootDir>/node_modules/.cache/jest'
}

/** Percent of each room of lib/; `global` are the files beside the rooms. */
const covered = { lines: 95, branches: 90 }
const rooms = ['cli', 'cookie', 'express-session', 'repository', 'response', 'session', 'stores', 'testing']

/** @type {import('jest').Config} */
module.exports = {
  projects: [
    {
      ...project,
      displayName: 'across',
      testMatch: [`<rootDir>/test/${ACROSS}/**/*.${ts}`],
      coveragePathIgnorePatterns: ['/lib/']
    },
    {
      ...project,
      displayName: 'rooms',
      testMatch: [`<rootDir>/test/*.${ts}`, `<rootDir>/test/!${ACROSS}/**/*.${ts}`]
    }
  ],
  testSequencer: '<rootDir>/scripts/jest-sequencer.cjs',
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageReporters: ['text', 'lcovonly'],
  coverageThreshold: {
    global: covered,
    ...Object.fromEntries(rooms.map((room) => [`./lib/${room}/`, covered])),
    // Other branches are for sessions that move while they are listed: test/races/users.test.ts.
    './lib/manager/': { lines: 95, branches: 85 },
    // Other branches are for stores or machines that are slow; a run on a quick one passes none of them.
    './lib/testing/': { lines: 95, branches: 80 }
  },
  // More than cores: most tests wait for a server, a clock or a fault.
  maxWorkers: 4,
  // A hung test ends some day; a busy machine takes what it takes.
  testTimeout: 180_000,
  openHandlesTimeout: 5_000
}
