import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { modulePath, pack, Project, type Tarball } from './project'

jest.setTimeout(600_000)

const source = (name: string): string => readFileSync(join(__dirname, '../types', name), 'utf8')
const STRICT = {
  strict: true,
  skipLibCheck: false,
  skipDefaultLibCheck: true,
  target: 'es2022',
  types: ['node'],
  noEmit: true
}
const NODE10 = { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' }

let tarball: Tarball
const project = new Project()
const bare = new Project()

beforeAll(async () => {
  tarball = await pack()
  await project.install(tarball.path, ['express', '@types/express', '@types/node', 'ioredis'])
  await bare.install(tarball.path, ['@types/node'])
})
afterAll(() => {
  tarball?.remove()
  project.remove()
  bare.remove()
})

async function check(where: Project, file: string, text: string, compilerOptions: object): Promise<string> {
  where.write(`check/${file}`, text)
  where.write('check/tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }))
  return (await where.node(modulePath('typescript/bin/tsc'), ['-p', '.'], 'check')).output
}

test.each([
  ['node16', 'main.mts', 'imports.ts', { module: 'node16' }],
  ['node16', 'main.cts', 'requires.ts', { module: 'node16', exactOptionalPropertyTypes: true }],
  ['nodenext', 'main.mts', 'imports.ts', { module: 'nodenext', verbatimModuleSyntax: true }],
  ['nodenext', 'main.cts', 'imports.ts', { module: 'nodenext', esModuleInterop: true }],
  ['bundler', 'main.ts', 'imports.ts', { module: 'esnext', moduleResolution: 'bundler' }],
  ['node10', 'main.ts', 'imports.ts', { ...NODE10, esModuleInterop: true }]
])('types under %s: %s with %s', async (_, file, imports, options) => {
  const text = `${source(imports)}\n${source('use.ts')}`
  expect(await check(project, file, text, { ...STRICT, ...options })).toBe('')
})

test('types where neither Express nor ioredis is installed', async () => {
  expect(await check(bare, 'main.mts', BARE, { ...STRICT, module: 'nodenext' })).toBe('')
})

const BARE = `
import { createServer } from 'node:http'
import session from 'holdfast'
import { RedisStore } from 'holdfast/redis'

const middleware = session({ secret: 'a secret of thirty-two bytes or more' })
createServer((req, res) => {
  middleware(req, res, (error?: unknown) => {
    res.end(String(error ?? RedisStore.name))
  })
})
`
