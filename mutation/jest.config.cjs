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
  testTimeout: 60_000
}
