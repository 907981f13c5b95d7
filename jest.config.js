const ts = process.env.TEST_LONG ? '{test,long}.ts' : 'test.ts'

/** Tests across the rooms of lib/, which count no coverage: counting doubles the time of the races. */
const ACROSS = '(demo|docs|examples|faults|package|promises|races|security)'

const project = {
  testEnvironment: '<rootDir>/scripts/jest-environment.cjs',
  roots: ['<rootDir>/test'],
  transform: { '^.+\\.ts$': ['ts-jest', { diagnostics: false }] },
  cacheDirectory: '<rootDir>/node_modules/.cache/jest'
}

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
  coverageThreshold: { global: { lines: 95 } },
  // More than cores: most tests wait for a server, a clock or a fault.
  maxWorkers: 4,
  // A hung test ends some day; a busy machine takes what it takes.
  testTimeout: 180_000,
  openHandlesTimeout: 5_000
}
