const { join } = require('node:path')
const { projects } = require('../jest.config.js')
const { ROOM, TESTS } = require('./rooms.cjs')

/** @type {import('jest').Config} */
module.exports = {
  ...projects.find(({ displayName }) => displayName === 'rooms'),
  rootDir: join(__dirname, '..'),
  testMatch: TESTS[ROOM].map((place) => `<rootDir>/test/${place}.test.ts`),
  testEnvironment: join(__dirname, 'jest-environment.cjs'),
  runner: join(__dirname, 'jest-runner.cjs'),
  moduleNameMapper: { '^fast-check$': join(__dirname, 'fast-check.cjs') },
  watchman: false,
  // Many mutants wait for ever, and many tests of a session take a second where the machine is busy.
  testTimeout: 10_000
}
