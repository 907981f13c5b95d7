import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { Compiler, matrix, VERSIONS } from './compiler'
import { pack, Project, type Tarball } from './project'

const source = (name: string): string => readFileSync(join(__dirname, '../types', name), 'utf8')
const packages = ['express', '@types/express', '@types/node', 'ioredis', 'zod', 'valibot']

const compilers = VERSIONS.map((version) => new Compiler(version))
let tarball: Tarball
const project = new Project()
/** One in which @types/express-session is installed as well, for connect-redis. */
const beside = new Project()
const bare = new Project()

beforeAll(async () => {
  tarball = await pack()
  await project.link(tarball.path, packages)
  const stores = ['connect-redis', 'redis', '@types/express-session', '@types/express-serve-static-core']
  await beside.link(tarball.path, [...packages, ...stores])
  await bare.link(tarball.path, ['@types/node'])
})
afterAll(() => {
  tarball?.remove()
  for (const one of [project, beside, bare]) one.remove()
})

const USE = `${source('imports.ts')}\n${source('use.ts')}`

test.each(matrix(compilers))(
  'applications compile, and the declarations of what they export: $title',
  ({ compiler, extension, options }) => {
    const files = { [`use.${extension}`]: USE, [`data.${extension}`]: source('data.ts') }
    expect(compiler.check(project, files, options)).toBe('')
  }
)

/** `npm run test:long` asks both versions; the matrix has both in any case. */
const asked = process.env.TEST_LONG ? compilers : compilers.slice(0, 1)

describe.each(asked)('TypeScript $version', (compiler) => {
  test('an application compiles that uses require', () => {
    const text = `${source('requires.ts')}\n${source('use.ts')}`
    const options = { module: 'node16', exactOptionalPropertyTypes: true }
    expect(compiler.check(project, { 'main.cts': text }, options)).toBe('')
  })

  test('only an object can be assigned to req.session, also if no data are declared', () => {
    expect(compiler.check(project, { 'main.mts': UNDECLARED }, { module: 'nodenext' })).toBe('')
  })

  test('a wrong key in regenerate is named by the first line of the message', () => {
    const text = `${BESIDE}\nexport const login = (req: express.Request) =>\n  req.session.regenerate({ set: { view: 1 } })`
    const message = compiler.check(project, { 'main.mts': text }, { module: 'nodenext' })
    const [, first] = message.split(/^ +Overload .*$/m)
    expect(first).toContain("'view' does not exist")
  })

  test('an application compiles under verbatimModuleSyntax', () => {
    const options = { module: 'nodenext', verbatimModuleSyntax: true }
    expect(compiler.check(project, { 'main.mts': USE }, options)).toBe('')
  })

  test('types where neither Express nor ioredis is installed', () => {
    expect(compiler.check(bare, { 'main.mts': BARE }, { module: 'nodenext' })).toBe('')
  })

  test('a middleware is exported from a file .mts for a bundler, and its declaration emitted', () => {
    const options = { module: 'esnext', moduleResolution: 'bundler' }
    expect(compiler.check(bare, { 'main.mts': BARE }, options)).toBe('')
  })

  test('beside @types/express-session, req.session is the one of the main entry', () => {
    expect(compiler.check(beside, { 'main.mts': BESIDE }, { module: 'nodenext' })).toBe('')
  })

  test('and with a line in tsconfig also where a store imports express-session', () => {
    const text = `import { RedisStore } from 'connect-redis'\n${BESIDE}\nexport type Other = RedisStore`
    const paths = { 'express-session': ['../node_modules/holdfast/dist/express-session.d.ts'] }
    expect(compiler.check(beside, { 'main.mts': text }, { module: 'nodenext', paths })).toBe('')
  })
})

const BARE = `
import { createServer } from 'node:http'
import { createSecureServer } from 'node:http2'
import session from 'holdfast'
import { RedisStore } from 'holdfast/redis'

export const middleware = session({ secret: 'a secret of thirty-two bytes or more' })
createServer((req, res) => {
  middleware(req, res, (error?: unknown) => {
    res.end(String(error ?? RedisStore.name))
  })
})
createSecureServer((req, res) => {
  middleware(req, res, () => res.end())
})
`

const UNDECLARED = `
import express from 'express'
import 'holdfast'

express().get('/', (req) => {
  req.session = { views: 1 }
  req.session = null
  // @ts-expect-error -- no object
  req.session = 5
})
`

const BESIDE = `
import express from 'express'
import session from 'holdfast'

declare module 'holdfast' {
  interface SessionData { views?: number }
}
const app = express()
app.use(session({ secret: 'a secret of thirty-two bytes or more' }))
app.get('/', async (req, res) => {
  const views: number = await req.session.update((s) => (s.views = (s.views ?? 0) + 1))
  res.json({ views, handle: req.session.handle })
})
`

test('no declaration says any, but those for which @types/express-session says it', () => {
  const dist = join(project.folder, 'node_modules/holdfast/dist')
  const found = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.d\.m?ts$/.test(file))
    .flatMap((file) => anysIn(file, readFileSync(join(dist, file), 'utf8')))
  expect(found).toEqual(['express-session.d.ts: type Failure = any;'])
})

function anysIn(file: string, text: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(`${file}: ${node.parent.getText()}`)
    else ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  return found
}
