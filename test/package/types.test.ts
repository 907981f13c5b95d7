import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pack, Project, type Tarball } from './project'

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
  await project.link(tarball.path, ['express', '@types/express', '@types/node', 'ioredis', 'zod', 'valibot'])
  await bare.link(tarball.path, ['@types/node'])
})
afterAll(() => {
  tarball?.remove()
  project.remove()
  bare.remove()
})

test.each([
  ['node16', 'main.mts', 'imports.ts', { module: 'node16' }],
  ['node16', 'main.cts', 'requires.ts', { module: 'node16', exactOptionalPropertyTypes: true }],
  ['nodenext', 'main.mts', 'imports.ts', { module: 'nodenext', verbatimModuleSyntax: true }],
  ['nodenext', 'main.cts', 'imports.ts', { module: 'nodenext', esModuleInterop: true }],
  ['bundler', 'main.ts', 'imports.ts', { module: 'esnext', moduleResolution: 'bundler' }],
  ['node10', 'main.ts', 'imports.ts', { ...NODE10, esModuleInterop: true }]
])('types under %s: %s with %s', async (_, file, imports, options) => {
  const text = `${source(imports)}\n${source('use.ts')}`
  expect(await project.check(file, text, { ...STRICT, ...options })).toBe('')
})

const COMPILERS = ['typescript', 'typescript59']

describe.each(COMPILERS)(
  'data that a schema or a type declares, and declarations of them, with %s',
  (compiler) => {
    test.each([
      ['node16', 'main.mts', { module: 'node16' }],
      ['nodenext', 'main.mts', { module: 'nodenext', exactOptionalPropertyTypes: true }],
      ['nodenext', 'main.cts', { module: 'nodenext', esModuleInterop: true, declaration: false }],
      // As for CommonJS under nodenext: what users export needs a type of their own (TS2883).
      ['bundler', 'main.ts', { module: 'esnext', moduleResolution: 'bundler', declaration: false }],
      ['node10', 'main.ts', { ...NODE10, esModuleInterop: true }]
    ])('%s: %s', async (_, file, options) => {
      const { ignoreDeprecations: _silent, ...older } = { ignoreDeprecations: '', ...options }
      const given = compiler === 'typescript' ? options : older
      const emitting = {
        ...STRICT,
        skipLibCheck: true,
        noEmit: false,
        declaration: true,
        outDir: 'out',
        ...given
      }
      expect(await project.check(file, source('data.ts'), emitting, compiler)).toBe('')
    })
  }
)

test('types where neither Express nor ioredis is installed', async () => {
  expect(await bare.check('main.mts', BARE, { ...STRICT, module: 'nodenext' })).toBe('')
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
