import { readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { MemoryStore } from '../../lib/index'
import { storeTests } from '../../lib/store-tests'
import { manifest, modulePath, type Outcome, pack, Project, run, type Tarball } from './project'

/** `npm test` names one of each version that the package is for. */
const nodes = (process.env.TEST_NODES ?? process.execPath).split(delimiter)

let tarball: Tarball
let alias: Tarball
const project = new Project()

beforeAll(async () => {
  tarball = await pack()
  alias = await pack('packages/express-session')
  // Under the name of express-session, which connect-redis asks for.
  const named = `express-session@file:${alias.path}`
  await project.install([tarball.path, named], ['express', 'connect-redis', 'redis'])
})
afterAll(() => {
  tarball?.remove()
  alias?.remove()
  project.remove()
})

test('the tarball holds what users need, and nothing else', () => {
  const expected = /^(dist\/.*\.(js|mjs|d\.ts|d\.mts)|docs\/.*\.(md|svg))$/
  const others = tarball.files.filter((file) => !expected.test(file))
  const built = readdirSync(modulePath('../dist'), { recursive: true, encoding: 'utf8' })
  const missing = built.filter((file) => /\.\w+$/.test(file) && !tarball.files.includes(`dist/${file}`))
  expect(missing).toEqual([])
  expect(others.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'README.zh-CN.md', 'package.json'])
})

test("with the alias, require and import give the same, by its name and by the library's own", async () => {
  project.write('alias.mjs', ALIAS)
  expect(await project.node('alias.mjs')).toEqual({ status: 0, output: 'the same\n' })
})

const ALIAS = `
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

test('it brings three packages along', () => {
  const { dependencies } = manifest(join(project.folder, 'node_modules/holdfast'))
  expect(Object.keys(dependencies)).toEqual(['cookie', 'cookie-signature', 'uuid'])
  expect(readdirSync(join(project.folder, 'node_modules'))).not.toContain('ioredis')
})

test('publint finds nothing', async () => {
  const { output } = await run(
    process.execPath,
    [modulePath('publint/src/cli.js'), tarball.path],
    project.folder
  )
  expect(output).toContain('All good!')
})

test('are-the-types-wrong finds nothing', async () => {
  const attw = modulePath('@arethetypeswrong/cli/dist/index.js')
  const args = [attw, '--no-color', '--format', 'table', tarball.path]
  const { status, output } = await run(process.execPath, args, project.folder)
  expect(output).toContain('No problems found')
  expect(status).toBe(0)
})

test.each(nodes)(
  'require gives the function itself, with every named export on it, and import the same ones: %s',
  async (node) => {
    project.write('same.mjs', SAME)
    expect(await project.node('same.mjs', [], node)).toEqual({ status: 0, output: 'the same\n' })
  }
)

const SAME = `
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import * as imported from 'holdfast'
import * as importedRedis from 'holdfast/redis'
import * as importedTesting from 'holdfast/store-tests'

const require = createRequire(import.meta.url)
const required = require('holdfast')
assert.equal(typeof required, 'function')
assert.equal(required.default, required)
assert.deepEqual(Object.keys(required).sort(), Object.keys(imported).sort())
assert.ok('MemoryStore' in imported && 'SessionError' in imported)
for (const [name, value] of Object.entries(imported)) assert.equal(required[name], value, name)

const requiredRedis = require('holdfast/redis')
assert.equal(requiredRedis.RedisStore, importedRedis.RedisStore)
assert.equal(typeof importedRedis.RedisStore, 'function')
assert.equal(require('holdfast/store-tests').storeTests, importedTesting.storeTests)
assert.equal(typeof importedTesting.storeTests, 'function')
console.log('the same')
`

describe.each([
  ['a CommonJS app', 'app.cjs', "const session = require('holdfast')\nconst express = require('express')"],
  ['an ES module app', 'app.mjs', "import session from 'holdfast'\nimport express from 'express'"]
])('%s', (_, file, imports) => {
  test.each(nodes)('counts the visits of a visitor: %s', async (node) => {
    project.write(file, imports + APP)
    expect(await project.node(file, [], node)).toEqual({ status: 0, output: '第1次\n第2次\n第1次\n' })
  })
})

const APP = `
const app = express()
app.use(session({ secret: 'a secret of thirty-two bytes or more', load: 'lazy' }))
app.get('/count', async (req, res) => {
  const n = await req.session.update((s) => (s.count = (s.count ?? 0) + 1))
  res.send('第' + n + '次')
})
const server = app.listen(0, '127.0.0.1', async () => {
  const url = 'http://127.0.0.1:' + server.address().port + '/count'
  const first = await fetch(url)
  const cookie = first.headers.getSetCookie()[0].split(';')[0]
  const second = await fetch(url, { headers: { cookie } })
  const stranger = await fetch(url)
  for (const answer of [first, second, stranger]) console.log(await answer.text())
  server.close()
  server.closeAllConnections()
})
`

describe('npx holdfast', () => {
  const holdfast = (...args: string[]): Promise<Outcome> =>
    run('env', ['REDIS_URL=redis://127.0.0.1:1', 'npx', '--no-install', 'holdfast', ...args], project.folder)

  test('makes a secret', async () => {
    const { status, output } = await holdfast('secret')
    expect(output).toMatch(/^[\w-]{43}$/m)
    expect(status).toBe(0)
  })

  test('says what is missing where it needs Redis', async () => {
    const { status, output } = await holdfast('list', 'ann')
    expect(output).toMatch(/^holdfast: .* needs ioredis: npm install ioredis$/m)
    expect(status).toBe(2)
  })
})

test('jest takes it in CommonJS tests', async () => {
  project.write('app.test.js', JEST)
  const { status, output } = await jestOn('app.test.js')
  expect(output).toContain('1 passed, 1 total')
  expect(status).toBe(0)
})

function jestOn(file: string): Promise<Outcome> {
  const cache = join(project.folder, '.jest')
  const args = [file, '--ci', '--rootDir', project.folder, '--cacheDirectory', cache]
  return project.node(modulePath('jest/bin/jest.js'), args)
}

const JEST = `
const session = require('holdfast')
const { RedisStore } = require('holdfast/redis')
test('loads', () => {
  expect(typeof session({ secret: 'a secret of thirty-two bytes or more' })).toBe('function')
  expect(session.SessionError).toBeInstanceOf(Function)
  expect(typeof RedisStore).toBe('function')
})
`

const SUITE = `
const { MemoryStore } = require('holdfast')
const { storeTests } = require('holdfast/store-tests')
const store = new MemoryStore()
for (const { name, run } of storeTests(() => store)) test(name, run)
`
/** Only the tests of what is broken: many others would wait for their deadlines. */
const BROKEN = `${SUITE.replace(') test(', ") if (name.startsWith('destroy')) test(")}
store.destroy = async () => true
`

const PLAIN = `
let all = Promise.resolve()
let passed = 0
const test = (name, run) => {
  all = all.then(run).then(
    () => console.log(++passed, 'passed'),
    (error) => {
      console.log(name, error)
      process.exitCode = 1
    }
  )
}
`

const COUNT = storeTests(() => new MemoryStore()).length

describe.each<
  [runner: string, file: string, head: string, start: (file: string) => Promise<Outcome>, told: string]
>([
  ['jest', 'store.test.js', '', jestOn, `${COUNT} passed, ${COUNT} total`],
  [
    'node:test',
    'store.cjs',
    "const test = require('node:test')",
    (file) => project.node('--test', [file]),
    `pass ${COUNT}\n`
  ],
  ['no runner', 'plain.cjs', PLAIN, (file) => project.node(file), `${COUNT} passed`]
])('holdfast/store-tests under %s', (_, file, head, start, told) => {
  test('passes a good store', async () => {
    project.write(file, `${head}\n${SUITE}`)
    const { status, output } = await start(file)
    expect(output).toContain(told)
    expect(status).toBe(0)
  })

  test('fails a broken one, and says why', async () => {
    project.write(file, `${head}\n${BROKEN}`)
    const { status, output } = await start(file)
    expect(output).toContain('destroy removes, and says whether something was there')
    expect(status).toBe(1)
  })
})
