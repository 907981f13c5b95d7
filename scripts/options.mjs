import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { formatted } from './format.mjs'
import { giveUp, root } from './run.mjs'

// Makes docs/options.md of the docstrings, and with --check says whether it is up to date.

/** The interfaces of the page, each with its file, the title of its part, and what is in front of its names. */
const PARTS = [
  { file: 'lib/options.ts', name: 'SessionOptions', title: 'session()', prefix: '' },
  { file: 'lib/cookie/attributes.ts', name: 'CookieOptions', title: 'cookie', prefix: 'cookie.' },
  { file: 'lib/stores/redis/redis-store.ts', name: 'RedisStoreOptions', title: 'RedisStore', prefix: '' },
  { file: 'lib/stores/memory/memory-store.ts', name: 'MemoryStoreOptions', title: 'MemoryStore', prefix: '' },
  { file: 'lib/stores/cookie-store.ts', name: 'CookieStoreOptions', title: 'CookieStore', prefix: '' }
]

const page = join(root, 'docs/options.md')
const text = await formatted(
  page,
  `# Options

\`npm run docs:options\` makes this page of the docstrings, so your editor shows the same text. All durations are
milliseconds. A wrong option throws \`ERR_SESSION_OPTIONS\` at start, and the message names the option and the remedy.
The options of \`holdfast/express-session\` are [those of express-session](migrating-from-express-session.md).

${PARTS.map(part).join('\n')}`
)
if (!process.argv.includes('--check')) writeFileSync(page, text)
else if (readFileSync(page, 'utf8') !== text)
  giveUp('docs/options.md is not what the docstrings say: npm run docs:options')

function part({ file, name, title, prefix }) {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(root, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true
  )
  const found = source.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === name)
  if (!found) giveUp(`${file} has no interface ${name}`)
  const options = found.members.map((member) => option(member, prefix, source))
  return `## \`${title}\`\n\n${options.join('\n')}`
}

function option(member, prefix, source) {
  const name = `${prefix}${member.name.getText(source)}`
  const [doc] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc)
  if (!doc) giveUp(`${name} has no docstring`)
  const tags = (doc.tags ?? []).map((tag) => tagText(tag))
  return `### ${name}\n\n\`${typeOf(member, source)}\`\n\n${[plain(doc.comment), ...tags].join('\n\n')}\n`
}

function tagText(tag) {
  const comment = plain(tag.comment)
  if (tag.tagName.text === 'default') return `Default: ${comment}`
  return tag.tagName.text === 'example' ? `For example:\n\n${comment}` : comment
}

/** What is left out in each of them: an option may be left out, or undefined. */
function typeOf({ type }, source) {
  const text = type.getText(source).replace(/\s+/g, ' ')
  const bare = text.replace(/ \| undefined$/, '')
  return bare.replace(/\{ of(\([^}]*)\}\['of'\]/, (method, form) => {
    const signature = form.trim().replace(/\): /, ') => ')
    return method === bare ? signature : `(${signature})`
  })
}

/** Links to declarations are names here. */
function plain(comment) {
  const parts = typeof comment === 'string' ? comment : (comment ?? []).map((one) => one.getText()).join('')
  return parts.replace(/\{@link (\w+)\}/g, '`$1`')
}
