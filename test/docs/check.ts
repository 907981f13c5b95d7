import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Block } from './blocks'
import { type Apps, Program } from './program'
import type { Workshop } from './workshop'

const root = join(__dirname, '../..')

const FILE = /^file (\S+)$/
const BASE = /^base (\S+)$/
const SHELL = ['sh', 'bash', 'shell', 'console']
/** Languages of blocks that show something: there is nothing to run. */
const SHOWN = ['', 'text', 'http', 'html', 'diff', 'redis', 'nginx', 'mermaid']

/** What the blocks of documents are checked with. */
export interface Tools {
  workshop: Workshop
  /** Where the apps run. */
  apps: Apps
  /** For the programs in the documents, besides this process's own: `REDIS_URL`, `SECRET`. */
  env: NodeJS.ProcessEnv
  /** The other blocks of the same document: a fragment may build on the session data that they declare. */
  document: Block[]
}

/**
 * Checks one block; resolves where all is well. Blocks of code say in a comment in front of them how:
 *
 * - `<!-- test: run -->`: a whole program. It compiles, and ends with exit status 0 by itself.
 * - `<!-- test: app -->`: a whole app. It compiles and listens (on a free port, whatever it asks for). Lines such as
 *   `GET /count -> 第1次` or `POST /login {"usr":"a"} -> hello` in the comment are requests of one visitor, one
 *   after the other, and the bodies of their answers. `$token` in an answer is what is random in it, for later lines.
 * - `<!-- test: base app.mts -->`: the beginning of an app, which the document's other TypeScript can import.
 * - `<!-- test: more -->`: a fragment that goes on from there, with requests as for an app. The document's other fragments of
 *   this kind come after it, and together they listen.
 * - `<!-- test: types -->`: a fragment. It compiles, with the names of `test/types/globals.d.mts` in scope.
 * - `<!-- test: file demo/file-store.ts -->`: that file of the project, which has tests of its own, with `holdfast` for
 *   its way to the library. The document's other TypeScript can import it.
 * - `<!-- test: none, <reason> -->`: not tested.
 *
 * Shell blocks need no mark: the npm scripts that they name exist. JSON has to be JSON.
 */
export async function check(block: Block, tools: Tools): Promise<void> {
  if (SHELL.includes(block.language)) return checkScripts(block)
  if (block.language === 'json') return void JSON.parse(block.code)
  if (SHOWN.includes(block.language)) return
  if (!['ts', 'js'].includes(block.language)) throw new Error(`no rule for the language ${block.language}`)

  const [, kind, rest = ''] = /^(\w+)([^]*)$/.exec(block.mark ?? '') ?? []
  if (kind === 'none' && /^, \S/.test(rest)) return
  if (kind === 'types') return checkTypes(block, tools)
  if (kind === 'file') return checkFile(block, tools)
  if (kind === 'run') return checkRun(block, tools)
  if (kind === 'base') return complain(tools.workshop.compile(bringFile(block, tools.workshop)!))
  if (kind === 'more') return checkApp(wholeApp(block, tools.document), tools, requestsIn(rest))
  if (kind === 'app') return checkApp(block, tools, requestsIn(rest))
  throw new Error(
    'no mark says how this block is tested: put <!-- test: run, app, base, more, types, file or none, why --> before it'
  )
}

function checkScripts({ code }: Block): void {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  for (const [, named, short] of code.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)) {
    const name = named ?? short!
    if (!(name in scripts)) throw new Error(`package.json has no script ${name}`)
  }
}

/** Compiles in advance what {@link check} asks for. Alone, each block takes half a second. */
export function compileAll(documents: Block[][], workshop: Workshop): void {
  const programs = documents.flatMap((document) => {
    bringFiles(document, workshop)
    return document
      .filter(({ language }) => language === 'ts')
      .flatMap((block) => programOf(block, document, workshop))
  })
  workshop.compileAll(programs)
}

/** The file of a block, and what it finds around it. Nothing, where it is not compiled. */
function programOf(block: Block, document: Block[], workshop: Workshop): string[][] {
  const [kind] = /^\w+/.exec(block.mark ?? '') ?? []
  if (kind === 'types') return [[write(block, workshop), ...surroundings(document, workshop)]]
  if (kind === 'file' || kind === 'base') return [[bringFile(block, workshop)!]]
  if (kind === 'run' || kind === 'app') return [[write(block, workshop)]]
  return kind === 'more' ? [[write(wholeApp(block, document), workshop)]] : []
}

function checkTypes(block: Block, { workshop, document }: Tools): void {
  if (block.language !== 'ts') throw new Error('only TypeScript has types to check')
  bringFiles(document, workshop)
  complain(workshop.compile(write(block, workshop), surroundings(document, workshop)))
}

/** What a fragment finds around it: an app, and the session data that its document declares. */
function surroundings(document: Block[], workshop: Workshop): string[] {
  const globals = readFileSync(join(root, 'test/types/globals.d.mts'), 'utf8')
  const declarations = document.filter(({ code }) => code.includes("declare module 'holdfast'"))
  return [workshop.write('globals.d.mts', globals), ...declarations.map((block) => write(block, workshop))]
}

function checkFile(block: Block, { workshop }: Tools): void {
  const path = FILE.exec(block.mark!)?.[1] ?? ''
  const source = readFileSync(join(root, path), 'utf8').replace(/'(\.\.\/)+lib\/index'/g, "'holdfast'")
  if (block.code !== source) throw new Error(`it is not what ${path} holds`)
  complain(workshop.compile(bringFile(block, workshop)!))
}

/** Puts the files that a document shows where its other code finds them. */
function bringFiles(document: Block[], workshop: Workshop): void {
  for (const block of document) bringFile(block, workshop)
}

function bringFile(block: Block, workshop: Workshop): string | undefined {
  const path = (FILE.exec(block.mark ?? '') ?? BASE.exec(block.mark ?? ''))?.[1]
  return path && workshop.write(join(folderOf(block), basename(path)), block.code)
}

/** Each document has its own: several show an `app.mts`. */
const folderOf = ({ place }: Block) => place.replace(/:\d+$/, '').replace(/\W+/g, '-')

/** A fragment, between the beginning of its app and the rest. */
export function wholeApp(block: Block, document: Block[]): Block {
  const base = document.filter(({ mark = '' }) => BASE.test(mark))
  const rest = document.filter(({ mark = '', place }) => /^more\b/.test(mark) && place !== block.place)
  return { ...block, code: [...base, block, ...rest].map(({ code }) => code).join('\n') }
}

async function checkRun(block: Block, tools: Tools): Promise<void> {
  const program = start(block, tools)
  const status = await program.status()
  if (status !== 0) throw new Error(`exit status ${status}\n${program.output}`)
}

async function checkApp(block: Block, tools: Tools, requests: Request[]): Promise<void> {
  const url = await tools.apps.open(compiled(block, tools))
  let cookie = ''
  const words: Record<string, string> = {}
  for (const { method, path, ...one } of requests) {
    const body = one.body?.replace(WORD, (name) => words[name] ?? name)
    const headers = { cookie, ...(body && { 'content-type': 'application/json' }) }
    const response = await fetch(url + path, { method, headers, body: body ?? null, redirect: 'manual' })
    cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    const answer = (await response.text()).trim()
    const found = matchWords(answer, one.expected)
    if (!found) throw new Error(`${method} ${path} was answered with ${response.status} ${answer}`)
    Object.assign(words, found)
  }
}

const WORD = /\$[a-z]+/g

/** What stands in an answer in the places of the words such as `$token`; undefined where all else is not the same. */
function matchWords(answer: string, expected: string): Record<string, string> | undefined {
  const names = expected.match(WORD) ?? []
  const literals = expected.split(WORD).map((part) => part.replace(/[^\w\s]/g, '\\$&'))
  const match = new RegExp(`^${literals.join('([\\w.:-]+)')}$`).exec(answer)
  return match ? Object.fromEntries(names.map((name, i) => [name, match[i + 1]!])) : undefined
}

interface Request {
  method: string
  path: string
  body: string | undefined
  expected: string
}

function requestsIn(text: string): Request[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => {
    const [, method, path, body, expected] = /^\s*([A-Z]+) (\S+)(?: (.+))? -> (.*?)\s*$/.exec(line) ?? []
    if (!method || !path || expected === undefined) throw new Error(`not a request and its answer: ${line}`)
    return { method, path, body, expected }
  })
}

export function start(block: Block, tools: Omit<Tools, 'apps'>): Program {
  return new Program(compiled(block, tools), tools.env)
}

/** The file of a program, as Node runs it. */
function compiled(block: Block, { workshop, document }: Pick<Tools, 'workshop' | 'document'>): string {
  bringFiles(document, workshop)
  const file = write(block, workshop)
  if (block.language === 'ts') complain(workshop.compile(file))
  return file.replace(/\.mts$/, '.mjs')
}

function write(block: Block, workshop: Workshop): string {
  const { place, language, code } = block
  const extension = language === 'ts' ? 'mts' : /\brequire\(/.test(code) ? 'cjs' : 'mjs'
  return workshop.write(join(folderOf(block), `${place.replace(/\W+/g, '-')}.${extension}`), code)
}

function complain(errors: string[]): void {
  if (errors.length > 0) throw new Error(errors.join('\n'))
}
