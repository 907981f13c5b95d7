import { join } from 'node:path'
import ts from 'typescript'

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

test.each(ENTRIES)('%s exports the same names to import and to require', (entry) => {
  const names = exportsOf(`${entry}.mts`)
  expect(names).toEqual(exportsOf(`${entry}.ts`))
  expect(names).not.toEqual([])
})
