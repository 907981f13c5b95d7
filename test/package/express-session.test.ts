import { mkdtempSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Compiler, matrix, VERSIONS } from './compiler'
import { pack, Project, succeed, type Tarball } from './project'

const root = join(__dirname, '../..')
const source = (name: string): string => readFileSync(join(__dirname, '../types', name), 'utf8')
const APPLICATION = source('express-session.ts')
const DECLARATIONS = source('express-session-declarations.ts')
const STORES = source('express-session-stores.ts')
const types = ['express', '@types/express', '@types/node', 'connect-redis', 'redis']
const stores = [
  'connect-pg-simple',
  'pg',
  '@types/connect-pg-simple@7.0.3',
  'connect-mongo@6.0.0',
  'mongodb@7.9.0'
]

const compilers = VERSIONS.map((version) => new Compiler(version))
let tarball: Tarball
let alias: string
/** What an application of express-session has installed, and Holdfast beside it. */
const before = new Project()
/** The same one with the alias, and `@types/express-session`, which the types of a store install. */
const aliased = new Project()
const bare = new Project()

beforeAll(async () => {
  tarball = await pack()
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-alias-'))
  alias = join(folder, 'holdfast-express-session-1.19.0.tgz')
  await succeed('npm', ['pack', '--pack-destination', folder], join(root, 'packages/express-session'))
  await before.link(tarball.path, [...types, 'express-session', '@types/express-session'])
  await aliased.install([tarball.path, `express-session@file:${alias}`], [...types, ...stores])
  await bare.link(tarball.path, ['@types/node'])
})
afterAll(() => {
  tarball?.remove()
  if (alias) rmSync(join(alias, '..'), { recursive: true })
  for (const project of [before, aliased, bare]) project.remove()
})

const IMPORTS = `
import express from 'express'
import session, { Cookie, Store, type CookieOptions, type SessionData, type SessionOptions } from 'express-session'
import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'

const named: SessionOptions = { secret: 'one', store: new RedisStore({ client: createClient() }) }
session(named)
export const attributes: CookieOptions = { path: '/' }
export abstract class Named extends Store {
  set(_sid: string, data: SessionData, done?: (err?: any) => void): void {
    if (data.cookie instanceof Cookie && data.cookie.path === data.user.name) done?.()
  }
  get(sid: string, done: (err: any, data?: SessionData | null) => void): void {
    this.load(sid, done)
  }
}
`
const REQUIRES = `
import express = require('express')
import session = require('express-session')
`

/** The application's files: each one in front of which the imports stand, in the words of its modules. */
function filesOf(extension: string, ...texts: string[]): Record<string, string> {
  const imports = extension === 'cts' ? REQUIRES : IMPORTS
  return Object.fromEntries(texts.map((text, i) => [`main${i}.${extension}`, imports + text]))
}

test.each(compilers)(
  'the application compiles with @types/express-session: TypeScript $version',
  (compiler) => {
    const files = filesOf('mts', APPLICATION, DECLARATIONS)
    expect(compiler.check(before, files, { module: 'node16', declaration: false })).toBe('')
  }
)

test.each(matrix(compilers))(
  'with the alias it compiles as it is, with stores of other packages: $title',
  ({ compiler, extension, options }) => {
    const files = filesOf(extension, APPLICATION, DECLARATIONS, STORES)
    expect(compiler.check(aliased, files, options)).toBe('')
  }
)

test.each(matrix(compilers))(
  'it compiles with the one line changed, and a line in tsconfig: $title',
  ({ compiler, extension, options }) => {
    const paths = { 'express-session': ['../node_modules/holdfast/dist/express-session.d.ts'] }
    const changed = [APPLICATION, DECLARATIONS].map((text) =>
      text.replace(/'express-session'/g, "'holdfast/express-session'")
    )
    expect(compiler.check(before, filesOf(extension, ...changed), { ...options, paths })).toBe('')
  }
)

test('types where Express is not installed', () => {
  expect(compilers[0]!.check(bare, { 'main.mts': BARE }, { module: 'nodenext' })).toBe('')
})

const BARE = `
import { createServer } from 'node:http'
import session, { Cookie, MemoryStore } from 'holdfast/express-session'
import type { SessionError, SessionEvents, SessionOptions } from 'holdfast/express-session'

const options: SessionOptions = { secret: 'one', store: new MemoryStore() }
const middleware = session(options)
export const codeOf = ({ error }: SessionEvents['holdfast:error']) => (error as SessionError).code
createServer((req, res) => {
  middleware(req, res, (error?: unknown) => {
    res.end(String(error ?? new Cookie().path))
  })
})
`

test('require and import give the same, by the alias and without', async () => {
  aliased.write('same.mjs', SAME)
  expect(await aliased.node('same.mjs')).toEqual({ status: 0, output: 'the same\n' })
})

const SAME = `
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import session, { Cookie, MemoryStore, Session, Store } from 'express-session'
import named from 'holdfast/express-session'
import * as all from 'holdfast/express-session'

const require = createRequire(import.meta.url)
assert.equal(typeof session, 'function')
assert.equal(session, require('express-session'))
assert.equal(session, named)
assert.equal(session, require('holdfast/express-session'))
const members = { Cookie, MemoryStore, Session, Store }
for (const [name, value] of Object.entries(members)) {
  assert.equal(session[name], value)
  assert.equal(all[name], value)
}
for (const [file, name] of [['cookie', 'Cookie'], ['memory', 'MemoryStore'], ['session', 'Session'], ['store', 'Store']]) {
  assert.equal(require('express-session/session/' + file), members[name])
}
console.log('the same')
`

describe('with the library below the alias, where npm puts it if there is another version', () => {
  beforeAll(() => {
    aliased.write('node_modules/express-session/node_modules/.keep', '')
    renameSync(
      join(aliased.folder, 'node_modules/holdfast'),
      join(aliased.folder, 'node_modules/express-session/node_modules/holdfast')
    )
  })

  // `npm run test:long` asks in all ways.
  const ways = matrix(compilers).slice(0, process.env.TEST_LONG ? Infinity : 2)
  test.each(ways)('it compiles: $title', ({ compiler, extension, options }) => {
    const files = filesOf(extension, APPLICATION, DECLARATIONS, STORES)
    expect(compiler.check(aliased, files, options)).toBe('')
  })
})
