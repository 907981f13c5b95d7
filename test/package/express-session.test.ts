import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pack, Project, succeed, type Tarball } from './project'

const root = join(__dirname, '../..')
const source = readFileSync(join(__dirname, '../types/express-session.ts'), 'utf8')
const types = ['express', '@types/express', '@types/node', 'connect-redis', 'redis']
const STRICT = { strict: true, noImplicitOverride: true, skipLibCheck: false, skipDefaultLibCheck: true }
const OPTIONS = { ...STRICT, target: 'es2022', types: ['node'], noEmit: true, esModuleInterop: true }

let tarball: Tarball
let alias: string
/** What an application of express-session has installed, and Holdfast beside it. */
const before = new Project()
/** The same one with the alias. */
const aliased = new Project()
const bare = new Project()

beforeAll(async () => {
  tarball = await pack()
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-alias-'))
  alias = join(folder, 'holdfast-express-session-1.19.0.tgz')
  await succeed('npm', ['pack', '--pack-destination', folder], join(root, 'packages/express-session'))
  await before.link(tarball.path, [...types, 'express-session', '@types/express-session'])
  await aliased.install([tarball.path, `express-session@file:${alias}`], types)
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
const NODE16 = { ...OPTIONS, module: 'node16' }

test('the application compiles with @types/express-session', async () => {
  expect(await before.check('main.mts', IMPORTS + source, NODE16)).toBe('')
})

test.each([
  ['node16, an ES module', 'main.mts', IMPORTS, NODE16],
  ['node16, CommonJS', 'main.cts', REQUIRES, NODE16],
  ['bundler', 'main.ts', IMPORTS, { ...OPTIONS, module: 'esnext', moduleResolution: 'bundler' }]
])('it compiles with the alias as it is, under %s', async (_, file, imports, options) => {
  expect(await aliased.check(file, imports + source, options)).toBe('')
})

test.each([
  ['an ES module', 'main.mts', IMPORTS, 'd.mts'],
  ['CommonJS', 'main.cts', REQUIRES, 'd.ts']
])(
  'it compiles with the one line changed, and a line in tsconfig, as %s',
  async (_, file, imports, extension) => {
    const text = (imports + source).replace(/'express-session'/g, "'holdfast/express-session'")
    const paths = { 'express-session': [`../node_modules/holdfast/dist/express-session.${extension}`] }
    expect(await before.check(file, text, { ...NODE16, paths })).toBe('')
  }
)

test('types where Express is not installed', async () => {
  expect(await bare.check('main.mts', BARE, { ...OPTIONS, module: 'nodenext' })).toBe('')
})

const BARE = `
import { createServer } from 'node:http'
import session, { Cookie, MemoryStore, type SessionOptions } from 'holdfast/express-session'

const options: SessionOptions = { secret: 'one', store: new MemoryStore() }
const middleware = session(options)
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
