/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/scripts/jest-environment.cjs',
  testSequencer: '<rootDir>/scripts/jest-sequencer.cjs',
  roots: ['<rootDir>/test'],
  testMatch: process.env.TEST_LONG ? ['**/*.{test,long}.ts'] : ['**/*.test.ts'],
  transform: { '^.+\\.ts$': ['ts-jest', { diagnostics: false }] },
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageReporters: ['text', 'lcovonly'],
  coverageThreshold: { global: { lines: 95 } },
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  // More than cores: most tests wait for a server, a clock or a fault.
  maxWorkers: 4,
  // A hung test ends some day; a busy machine takes what it takes.
  testTimeout: 180_000,
  openHandlesTimeout: 5_000
}
