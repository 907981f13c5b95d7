import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { manifest } from './project'

const lib = join(__dirname, '../../lib')
const ENTRIES = ['index', 'redis', 'store-tests', 'testing']
const files = ENTRIES.flatMap((entry) => [`${entry}.ts`, `${entry}.mts`].map((file) => join(lib, file)))
const program = ts.createProgram(files, {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.Node16,
  moduleResolution: ts.ModuleResolutionKind.Node16,
  esModuleInterop: true
})

function exportsOf(file: string): string[] {
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(join(lib, file))!)!
  return checker
    .getExportsOfModule(module)
    .map(({ name }) => name)
    .filter((name) => name !== 'default' && name !== 'prototype')
    .sort()
}

test('the package that is installed as express-session has the version of the express-session it stands for', () => {
  const root = join(__dirname, '../..')
  const { version } = manifest(join(root, 'packages/express-session'))
  const theirs = manifest(join(root, 'node_modules/express-session'))
  // The peer dependency of connect-redis and others: express-session >=1.
  expect(version.split('.').slice(0, 2)).toEqual(theirs.version.split('.').slice(0, 2))
  const guide = readFileSync(join(root, 'docs/migrating-from-express-session.md'), 'utf8')
  expect(guide).toContain(`today ${version.split('.').slice(0, 2).join('.')}`)
})

test.each(ENTRIES)('%s exports the same names to import and to require', (entry) => {
  const names = exportsOf(`${entry}.mts`)
  // The compiler writes this one into declarations of those who import; for require, it finds the namespace.
  const given = names.filter((name) => name !== 'DeclaredData')
  expect(given).toEqual(exportsOf(`${entry}.ts`))
  expect(names).not.toEqual([])
})
