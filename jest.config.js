/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/scripts/jest-environment.cjs',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: { '^.+\\.ts$': ['ts-jest', { diagnostics: false }] },
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageReporters: ['text', 'lcovonly'],
  coverageThreshold: { global: { lines: 95 } },
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  maxWorkers: 2,
  testTimeout: 120_000,
  openHandlesTimeout: 5_000
}
