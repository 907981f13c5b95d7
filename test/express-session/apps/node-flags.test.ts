import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { compile } from '../../support/compile'
import { both } from '../support/both'

const entry = {
  'express-session': 'express-session',
  'holdfast/express-session': join(compile(['lib']), 'lib/express-session.js')
}

/** Runs a program with one of the two as `session`. */
function run(name: string, program: string, ...flags: string[]) {
  const code = `const session = require(${JSON.stringify(entry[name as keyof typeof entry])})\n${program}`
  const env = { ...process.env, NO_DEPRECATION: '' }
  return spawnSync(process.execPath, [...flags, '-e', code], {
    cwd: join(__dirname, '../../..'),
    env,
    encoding: 'utf8'
  })
}

const SECRET = "'a secret that is long enough for every check'"

test.each(both)('%s mentions old defaults, and goes on with --throw-deprecation', (name) => {
  const { status, stdout, stderr } = run(
    name,
    `session({ secret: ${SECRET} }); setTimeout(() => console.log('went on'), 10)`,
    '--throw-deprecation'
  )
  expect([status, stdout]).toEqual([0, 'went on\n'])
  expect(stderr).toContain('express-session deprecated undefined resave option')
})

test.each(both)("%s starts in silence with sameSite: 'Lax'", (name) => {
  const { status, stderr } = run(
    name,
    `session({ secret: ${SECRET}, resave: false, saveUninitialized: false, cookie: { sameSite: 'Lax', priority: 'High' } })`
  )
  expect([status, stderr]).toEqual([0, ''])
})
