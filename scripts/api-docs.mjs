import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { formatted } from './format.mjs'
import { giveUp, root } from './run.mjs'

const ENTRIES = {
  holdfast: 'lib/index.mts',
  'holdfast/redis': 'lib/redis.mts',
  'holdfast/testing': 'lib/testing.mts',
  'holdfast/store-tests': 'lib/store-tests.mts'
}
const FILE = join(root, 'docs/api.md')

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
const files = Object.values(ENTRIES).map((file) => join(root, file))
const program = ts.createProgram(files, { ...options, types: ['node'], stripInternal: true })
const checker = program.getTypeChecker()
const SHOW = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope

const text = await formatted(
  FILE,
  [
    '# Every public name',
    'Made from the docstrings by `npm run api-docs`. `holdfast/express-session` has the names of express-session.',
    ...Object.entries(ENTRIES).map(([name, file]) => entry(name, program.getSourceFile(join(root, file))))
  ].join('\n\n')
)
if (!process.argv.includes('--check')) writeFileSync(FILE, text)
else if (readFileSync(FILE, 'utf8') !== text)
  giveUp('docs/api.md is not what the docstrings say: npm run api-docs')

function entry(name, source) {
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source))
  const named = exported.filter((one) => one.name !== 'default').sort((a, b) => (a.name < b.name ? -1 : 1))
  return [`## \`${name}\``, ...named.map(describe)].join('\n\n')
}

function describe(exported) {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
  const isValue = (symbol.flags & ts.SymbolFlags.Value) !== 0
  const isFunction = (symbol.flags & ts.SymbolFlags.Function) !== 0
  const type = isFunction ? checker.getTypeOfSymbol(symbol) : checker.getDeclaredTypeOfSymbol(symbol)
  // An alias that gives an interface of lib/ the application's data has the members of that one.
  const target = type.symbol && isPublic(type.symbol) ? type.symbol : symbol
  const isNamed = (target.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) !== 0
  const signatures = isFunction
    ? type.getCallSignatures().map((one) => code(checker.signatureToString(one, undefined, SHOW)))
    : []
  const alias =
    isValue || isNamed
      ? []
      : [code(checker.typeToString(type, undefined, SHOW | ts.TypeFormatFlags.InTypeAlias))]
  const members = isNamed ? membersOf(type) : []
  return [
    `### \`${exported.name}\``,
    docOf(symbol) || docOf(target),
    ...signatures,
    ...alias,
    members.join('\n')
  ]
    .filter(Boolean)
    .join('\n\n')
}

function membersOf(type) {
  return type
    .getProperties()
    .filter((one) => isPublic(one) && !one.name.startsWith('__'))
    .map((one) => {
      const shown = checker.typeToString(checker.getTypeOfSymbol(one), undefined, SHOW)
      const [first] = docOf(one).split(/(?<=\.)\s/)
      return `- \`${one.name}\`: ${code(shown)}${first ? ` ${first}` : ''}`
    })
}

/** Members of the application's own classes that it inherits from the language are not ours to describe. */
function isPublic(symbol) {
  const [at] = symbol.declarations ?? []
  if (!at || !at.getSourceFile().fileName.startsWith(join(root, 'lib'))) return false
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected
  if ((ts.getCombinedModifierFlags(at) & hidden) !== 0 || (at.name && ts.isPrivateIdentifier(at.name)))
    return false
  return !symbol.getJsDocTags(checker).some(({ name }) => name === 'internal')
}

/** Each example compiles: the mark has the tests of the documents see to it. */
function docOf(symbol) {
  return ts
    .displayPartsToString(symbol.getDocumentationComment(checker))
    .replace(/\{@link (\S+?)\}/g, '`$1`')
    .replace(/^```ts$/gm, '<!-- test: types -->\n\n```ts')
}

/** Types are shown by their names, wherever they lie. */
function code(shown) {
  return `\`${shown.replace(/import\("[^"]*"\)\./g, '').replace(/\s+/g, ' ')}\``
}
