import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { asked, Compiler, matrix, VERSIONS } from './compiler'
import { buildLibrary } from './build'
import { Project } from './project'

const source = (name: string): string => readFileSync(join(__dirname, '../types', name), 'utf8')
const packages = ['express', '@types/express', '@types/node', 'ioredis', 'zod', 'valibot']

const compilers = VERSIONS.map((version) => new Compiler(version))
const project = new Project()
/** One in which @types/express-session is installed as well, for connect-redis. */
const beside = new Project()
const bare = new Project()

beforeAll(() => {
  buildLibrary()
  project.link(packages)
  const stores = ['connect-redis', 'redis', '@types/express-session', '@types/express-serve-static-core']
  beside.link([...packages, ...stores])
  bare.link(['@types/node'])
})
afterAll(() => {
  for (const one of [project, beside, bare]) one.remove()
})

const USE = `${source('imports.ts')}\n${source('use.ts')}`

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

const WRONG = 'export const login = (req: express.Request) =>\n  req.session.regenerate({ set: { view: 1 } })'

describe.each(matrix(compilers))('$title', ({ compiler, extension, options }) => {
  const files = { [`use.${extension}`]: USE, [`data.${extension}`]: source('data.ts') }
  compiler.test('applications compile, and the declarations of what they export', project, files, options)
})

describe.each(asked(compilers))('TypeScript $version', (compiler) => {
  compiler.test(
    'an application compiles that uses require',
    project,
    { 'main.cts': `${source('requires.ts')}\n${source('use.ts')}` },
    { module: 'node16', exactOptionalPropertyTypes: true }
  )

  compiler.test(
    'only an object can be assigned to req.session, also if no data are declared',
    project,
    { 'main.mts': UNDECLARED },
    { module: 'nodenext' }
  )

  compiler.test(
    'an application compiles under verbatimModuleSyntax',
    project,
    { 'main.mts': USE },
    { module: 'nodenext', verbatimModuleSyntax: true }
  )

  compiler.test(
    'types where neither Express nor ioredis is installed',
    bare,
    { 'main.mts': BARE },
    { module: 'nodenext', skipLibCheck: false }
  )

  compiler.test(
    'a middleware is exported from a file .mts for a bundler, and its declaration emitted',
    bare,
    { 'main.mts': BARE },
    { module: 'esnext', moduleResolution: 'bundler', skipLibCheck: false }
  )

  compiler.test(
    'beside @types/express-session, req.session is the one of the main entry',
    beside,
    { 'main.mts': BESIDE },
    { module: 'nodenext', skipLibCheck: false }
  )

  compiler.test(
    'and with a line in tsconfig also where a store imports express-session',
    beside,
    { 'main.mts': `import { RedisStore } from 'connect-redis'\n${BESIDE}\nexport type Other = RedisStore` },
    {
      module: 'nodenext',
      paths: { 'express-session': ['../../node_modules/holdfast/dist/express-session.d.ts'] }
    }
  )
})

// Version 7 names the last overload only, whatever it is.
describe.each(compilers.filter(({ version }) => version !== '7'))('TypeScript $version', (compiler) => {
  compiler.test(
    'a wrong key in regenerate is named by the first line of the message',
    project,
    { 'main.mts': `${BESIDE}\n${WRONG}` },
    { module: 'nodenext' },
    (messages) => {
      const [, first] = messages.split(/^ +Overload .*$/m)
      expect(first).toContain("'view' does not exist")
    }
  )
})

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
