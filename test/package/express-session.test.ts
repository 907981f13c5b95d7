import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildLibrary } from './build'
import { asked, Compiler, matrix, VERSIONS } from './compiler'
import { modulePath, Project } from './project'

const source = (name: string): string => readFileSync(join(__dirname, '../types', name), 'utf8')
const APPLICATION = source('express-session.ts')
const DECLARATIONS = source('express-session-declarations.ts')
const STORES = source('express-session-stores.ts')
/** For those that are copied, as npm would put them there. */
const beneath = [
  ...['express', 'redis', '@types/node', '@types/express-session'],
  ...['body-parser', 'range-parser', 'send', 'serve-static'].map((name) => `@types/${name}`),
  ...['pg', '@types/pg', 'mongodb']
]
/** Linked, they would find the express-session of the repository, and the compiler no names for their types. */
const copied = [
  ...['connect-redis', 'connect-pg-simple', '@types/connect-pg-simple', 'connect-mongo'],
  ...['express', 'express-serve-static-core', 'qs'].map((name) => `@types/${name}`)
]

const compilers = VERSIONS.map((version) => new Compiler(version))
/** What an application of express-session has installed, and Holdfast beside it. */
const before = new Project()
/** The same one with the alias, and `@types/express-session`, which the types of a store install. */
const aliased = new Project()
/** With the library below the alias, where npm puts it if there is another version. */
const below = new Project()
const bare = new Project()

beforeAll(() => {
  buildLibrary()
  before.link([
    'express',
    '@types/express',
    '@types/node',
    'redis',
    'connect-redis',
    'express-session',
    '@types/express-session'
  ])
  aliased.link(beneath)
  below.link(beneath, 'node_modules/express-session/node_modules/holdfast')
  for (const project of [aliased, below]) {
    project.copy(join(__dirname, '../../packages/express-session'), 'node_modules/express-session')
    for (const name of copied) project.copy(modulePath(name), join('node_modules', name))
  }
  bare.link(['@types/node'])
})
afterAll(() => {
  for (const project of [before, aliased, below, bare]) project.remove()
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

describe.each(compilers)('TypeScript $version', (compiler) => {
  compiler.test(
    'the application compiles with @types/express-session',
    before,
    filesOf('mts', APPLICATION, DECLARATIONS),
    { module: 'node16', declaration: false }
  )
})

describe.each(asked(compilers))('TypeScript $version', (compiler) => {
  compiler.test(
    'the declarations of the library, and with the alias those of stores, are right',
    aliased,
    filesOf('mts', STORES),
    { module: 'nodenext', skipLibCheck: false }
  )

  compiler.test(
    'it compiles with the library below the alias, where npm puts it if there is another version',
    below,
    filesOf('mts', APPLICATION, DECLARATIONS, STORES),
    { module: 'nodenext' }
  )

  compiler.test(
    'types where Express is not installed',
    bare,
    { 'main.mts': BARE },
    { module: 'nodenext', skipLibCheck: false }
  )
})

describe.each(matrix(compilers))('$title', ({ compiler, extension, options }) => {
  compiler.test(
    'with the alias it compiles as it is, with stores of other packages',
    aliased,
    filesOf(extension, APPLICATION, DECLARATIONS, STORES),
    options
  )

  const changed = [APPLICATION, DECLARATIONS].map((text) =>
    text.replace(/'express-session'/g, "'holdfast/express-session'")
  )
  compiler.test(
    'it compiles with the one line changed, and a line in tsconfig',
    before,
    filesOf(extension, ...changed),
    {
      ...options,
      paths: { 'express-session': ['../../node_modules/holdfast/dist/express-session.d.ts'] }
    }
  )
})
